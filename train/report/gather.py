"""From evaluation files to the arrays that figures and tables are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import Direction, Evaluation, EvaluationError
from engine.metrics.profile import in_half_mass_radii
from train.report.figures.profiles import Profiles
from train.report.figures.scales import Scales
from train.report.style import Look, looks

Pair = tuple[str, str]
BASELINE = "pixelwise"
_RADII = 24  # in half-mass radii, of a figure


@dataclass(frozen=True)
class Collection:
    """Evaluations of several methods on the same maps.

    Attributes
    ----------
    files : {path: evaluation}, in the order in which they were named.
    """

    files: Mapping[str, Evaluation]

    @classmethod
    def read(cls, paths: Sequence[str | Path]) -> Collection:
        """Read evaluation files; EvaluationError where one is none, or they differ in galaxies."""
        if not paths:
            raise EvaluationError("a report needs at least one evaluation file, got none")
        files = {str(path): Evaluation.read(path) for path in paths}
        first_path, first = next(iter(files.items()))
        for path, other in files.items():
            if _galaxies(other) != _galaxies(first):
                raise EvaluationError(
                    f"evaluations of one report must be of the same galaxies in the same maps, and "
                    f"{path} has others than {first_path}"
                )
        return cls(files)

    @cached_property
    def methods(self) -> dict[str, Evaluation]:
        """The evaluation of each method, in the one order: the first file where there are more."""
        found: dict[str, Evaluation] = {}
        for evaluation in self.files.values():
            found.setdefault(evaluation.method.name, evaluation)
        return {name: found[name] for name in self.looks}

    @cached_property
    def looks(self) -> dict[str, Look]:
        """The look of each method, in the one order."""
        return looks({e.method.name: e.method.title for e in reversed(list(self.files.values()))})

    @property
    def by_method(self) -> list[Evaluation]:
        """All files, in the one order of their methods."""
        order = list(self.looks)
        return sorted(self.files.values(), key=lambda e: order.index(e.method.name))

    @property
    def sampled(self) -> dict[str, Evaluation]:
        """Those of `methods` that draw more than one sample."""
        return {n: e for n, e in self.methods.items() if _most_samples(e) > 1}

    @property
    def first(self) -> Evaluation:
        """Any of them, for what they have in common: galaxies and maps."""
        return next(iter(self.methods.values()))

    @property
    def pairs(self) -> list[Pair]:
        """All directions that any method was evaluated in."""
        return list(dict.fromkeys(pair for e in self.methods.values() for pair in e.pairs))

    @property
    def focus(self) -> list[Pair]:
        """The directions of focus of any method."""
        return list(dict.fromkeys(pair for e in self.methods.values() for pair in e.focus))

    def having(self, pair: Pair) -> dict[str, Direction]:
        """Return the direction of each method that was evaluated in it, in the one order."""
        return {n: e.direction(*pair) for n, e in self.methods.items() if pair in e.pairs}


def _galaxies(evaluation: Evaluation) -> tuple[Any, ...]:
    names, turns = evaluation.column("name"), evaluation.column("rotation_index")
    return evaluation.maps, tuple(names.tolist()), tuple(turns.tolist())


def _most_samples(evaluation: Evaluation) -> int:
    return int(evaluation.directions["samples"].max(initial=1))


def whole(direction: Direction, values: NDArray[Any], galaxies: int) -> NDArray[np.float64]:
    """Return values (n, ...) of a direction's galaxies as (galaxies, ...), NaN for the others."""
    out = np.full((galaxies, *values.shape[1:]), np.nan)
    out[direction.rows] = values
    return out


def first_sample(direction: Direction, name: str, galaxies: int) -> NDArray[np.float64]:
    """Return what the first sample of each galaxy has (galaxies, ...), see `Direction.samples`."""
    return whole(direction, direction.samples(name)[:, 0], galaxies)


def truth(directions: Mapping[str, Direction], name: str, galaxies: int) -> NDArray[np.float64]:
    """Return what the truth has (galaxies, ...), where any of the directions knows it."""
    parts = [whole(d, d.truth(name), galaxies) for d in directions.values()]
    out = parts[0]
    for part in parts[1:]:
        out = np.where(np.isnan(out), part, out)
    return out


def profiles_of(collection: Collection, pair: Pair, *, half_mass_radii: bool = False) -> Profiles:
    """Return profiles of the truth and of each method's first sample.

    Parameters
    ----------
    half_mass_radii : at radii in half-mass radii of the galaxy's stars, as far out as three
        quarters of the maps go, instead of in half the map's side.
    """
    directions = collection.having(pair)
    count = len(collection.first.galaxies)
    radii = next(iter(directions.values())).radii
    true = truth(directions, "profile", count)
    models = {n: first_sample(d, "profile", count) for n, d in directions.items()}
    if half_mass_radii:
        table = collection.first.galaxies
        half, size = 0.5 * table["extent_kpc"], table["half_mass_radius_kpc"]
        ratio = half[size > 0] / size[size > 0]
        end = float(np.percentile(ratio, 25.0)) if ratio.size else 1.0
        wanted = np.linspace(0.0, end, _RADII + 1)[1:]

        def turned(values: NDArray[Any]) -> NDArray[np.float64]:
            return in_half_mass_radii(half[:, None] * radii, values, size, wanted)

        true, models = turned(true), {n: turned(v) for n, v in models.items()}
        radii = wanted
    return Profiles(*pair, radii, true, models)


def scales_of(collection: Collection, pair: Pair) -> Scales:
    """Return transfer functions and correlations of samples, and spread over error by scale."""
    directions = collection.having(pair)
    waves = next(iter(directions.values())).modes
    return Scales(
        *pair, waves, collection.first.maps.grid_size,
        {n: _median(d.transfer()) for n, d in directions.items()},
        {n: _median(d.correlation()) for n, d in directions.items()},
        {n: d.spread_skill_by_scale() for n, d in directions.items() if d.num_samples > 1},
    )  # fmt: skip


def _median(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the median over galaxies of (n, k), NaN where no galaxy has any."""
    out = np.full(values.shape[-1], np.nan)
    some = np.isfinite(values).any(axis=0)
    out[some] = np.nanmedian(np.where(np.isfinite(values), values, np.nan)[:, some], axis=0)
    return out


def pooled_ranks(evaluation: Evaluation, pairs: Sequence[Pair], of: str) -> NDArray[np.int64]:
    """Return rank histograms summed over those of the directions with the most samples."""
    found = [evaluation.direction(*pair) for pair in pairs if pair in evaluation.pairs]
    most = max((d.num_samples for d in found), default=0)
    return sum(
        (d.ranks(of) for d in found if d.num_samples == most), np.zeros(most + 1, np.int64)
    )  # fmt: skip


def ratio_matrix(evaluation: Evaluation, baseline: Evaluation | None) -> NDArray[np.float64]:
    """Return the CRPS (sources, targets), in dex, or relative to a baseline's where given."""
    domains = evaluation.maps.domains
    out = np.full((len(domains), len(domains)), np.nan)
    for source, target in evaluation.pairs:
        value = crps(evaluation, (source, target))
        if baseline is not None:
            other = crps(baseline, (source, target))
            value = value / other if other > 0 else np.nan
        out[domains.index(source), domains.index(target)] = value
    return out


def crps(evaluation: Evaluation, pair: Pair) -> float:
    """Return the mean CRPS of a direction in dex, NaN where it was not evaluated."""
    if pair not in evaluation.pairs:
        return float("nan")
    return evaluation.direction(*pair).crps_dex()


def mean_crps(evaluation: Evaluation) -> float:
    """Return the mean CRPS of all directions that were evaluated, in dex."""
    return mean([crps(evaluation, pair) for pair in evaluation.pairs])


def mean(values: NDArray[Any] | Sequence[float]) -> float:
    """Return the mean of what is finite, NaN where nothing is."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else float("nan")
