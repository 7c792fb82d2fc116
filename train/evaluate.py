"""Evaluation on galaxies that were never seen in training: a file for each method, and tables."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from data.domains import DOMAINS, OBSERVED
from data.normalize import normalize
from engine.baselines import BASELINES
from engine.evaluation import Evaluation, EvaluationError, Method
from engine.evaluation.schema import ARRAYS, DIRECTION
from engine.shelf import EVALUATION, SHIPPED, available
from train.candidates import BaselineCandidate, Candidate, TranslatorCandidate
from train.config import FOCUS
from train.cost import seconds_per_map
from train.holdout import Holdout
from train.measures import error_maps, lengths_of, measure_samples, modes_of
from train.tables import comparison, table
from train.world import place_of

ALL = "all"
_MOST_ERROR_PIXELS = 64
_SEED = 0  # Of ranks among equals.
_SAVE_SECONDS = 60.0


@dataclass(frozen=True)
class Effort:
    """How much is drawn for an evaluation.

    Attributes
    ----------
    samples : of each map.
    focus_samples : of each map in the five directions of `train.config.FOCUS`.
    log_densities : galaxies in those directions whose log-density is measured.
    focus_only : whether the other directions are left out.
    directions : the only ones, source and target, that are judged; all where there are none.
    """

    samples: int = 4
    focus_samples: int = 16
    log_densities: int = 0
    focus_only: bool = False
    directions: tuple[tuple[str, str], ...] = ()

    def judges(self, pair: tuple[str, str]) -> bool:
        """Return whether a direction is to be judged."""
        if self.directions and pair not in self.directions:
            return False
        return pair in FOCUS or not self.focus_only


def evaluate(
    candidate: Candidate, holdout: Holdout, effort: Effort, partial: Path | None = None
) -> Evaluation:
    """Measure the directions that a candidate knows on hold-out galaxies.

    A candidate that is not random is asked for one sample. Galaxies that lack one of two maps do
    not count in that direction, and directions that no galaxy has both maps of are left out.

    Parameters
    ----------
    partial : file that keeps what is measured so far, once a minute; where it is there and of the
        same candidate, galaxies and effort, its directions are taken over.

    Raises
    ------
    ValueError : where the candidate knows a domain that the maps lack.
    """
    about = candidate.describe()
    if lacking := [name for name in candidate.domains if name not in holdout.about.domains]:
        raise ValueError(
            f"{holdout.about.store} must hold the domains of {about['name']}, "
            f"it lacks {', '.join(lacking)}"
        )
    evaluation = _blank(candidate, about, holdout, effort)
    done = _take_over(evaluation, partial) if partial else 0
    count = len(evaluation.pairs)
    saved = time.monotonic()
    for index in tqdm(
        range(done, count), desc=about["name"], unit="direction", initial=done, total=count,
        file=sys.stderr,
    ):  # fmt: skip
        _judge(candidate, holdout, evaluation, index)
        if partial and time.monotonic() - saved >= _SAVE_SECONDS:
            evaluation.write(partial)
            saved = time.monotonic()
    notes = _densities(candidate, holdout, evaluation, effort.log_densities)
    if np.isnan(evaluation["samples/ssim"]).all():
        notes.append("SSIM is missing: it needs torchmetrics and maps of 12 pixels a side.")
    seconds = seconds_per_map(candidate, holdout)
    method = replace(evaluation.method, seconds_per_map=seconds, notes=tuple(notes))
    return replace(evaluation, method=method)


def _judge(candidate: Candidate, holdout: Holdout, evaluation: Evaluation, index: int) -> None:
    """Draw the samples of one direction and put in what is measured of them."""
    source, target = evaluation.pairs[index]
    rows = holdout.with_domains(source, target)
    count = int(evaluation.directions["samples"][index])
    drawn = candidate.sample(holdout.maps_of(source, rows), source, target, count)
    truth = holdout.truth(target).part(rows)
    # Of its own, for a direction's ranks must not depend on which others were measured before.
    generator = np.random.default_rng((_SEED, index))
    _fill(evaluation, index, rows, measure_samples(drawn, truth, generator))
    if (source, target) in evaluation.focus:
        focus = evaluation.focus.index((source, target))
        _show(evaluation, focus, rows, drawn, target)
        for name, values in error_maps(drawn, truth).items():
            evaluation.arrays[name][focus] = _smaller(values)


def _take_over(evaluation: Evaluation, partial: Path) -> int:
    """Take the directions that were measured before; return how many, from the first on."""
    try:
        before = Evaluation.read(partial)
    except EvaluationError:
        return 0
    about = replace(before.method, date=evaluation.method.date)
    if about != evaluation.method or before.maps != evaluation.maps:
        return 0
    for name in ("galaxies", "directions", "cases"):
        # Bytes, for NaN is not equal to itself.
        if getattr(before, name).tobytes() != getattr(evaluation, name).tobytes():
            return 0
    measured = np.isfinite(before["ensemble/crps_dex"]).any(axis=1)
    for name, values in before.arrays.items():
        evaluation.arrays[name][...] = values
    return len(measured) if measured.all() else int(measured.argmin())


def _blank(
    candidate: Candidate, about: dict[str, Any], holdout: Holdout, effort: Effort
) -> Evaluation:
    """Return the evaluation with its tables and the maps of its cases, nothing measured yet."""
    known = holdout.directions(candidate.domains, candidate.sources)
    if not known:
        raise ValueError(f"no galaxy of {holdout.about.store} has maps of two domains")
    pairs = [pair for pair in known if effort.judges(pair)]
    if not pairs:
        raise ValueError(f"{about['name']} knows none of the directions that were asked for")
    samples, focus_samples = effort.samples, max(effort.samples, effort.focus_samples)
    if not candidate.is_random:
        samples = focus_samples = 1
    directions = np.array(
        [(*pair, focus_samples if pair in FOCUS else samples, pair in FOCUS) for pair in pairs],
        DIRECTION,
    )
    shown = list(dict.fromkeys(name for pair in pairs if pair in FOCUS for name in pair))
    cases = holdout.cases(shown)
    side = holdout.about.grid_size
    method = Method(
        **about, samples=samples, focus_samples=focus_samples,
        version=_version(), date=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    lengths = {**lengths_of(side), "side": side, "error_side": _smaller_side(side)}
    tables = (holdout.galaxies, directions, cases)
    evaluation = Evaluation.blank(method, holdout.about, tables, lengths)
    _tell(evaluation, holdout, shown)
    return evaluation


def _tell(evaluation: Evaluation, holdout: Holdout, shown: Sequence[str]) -> None:
    """Put in what is true of the targets, and the true maps of the cases in domains `shown`."""
    evaluation.arrays["power/mode"][:] = modes_of(holdout.about.grid_size)
    targets = {target for _, target in evaluation.pairs}
    for channel, domain in enumerate(holdout.about.domains):
        if domain in shown:
            maps = holdout.maps_of(domain, evaluation.cases["galaxy"])
            evaluation.arrays["cases/truth"][:, channel] = normalize(maps, domain)
        if domain in targets:
            truth = holdout.truth(domain)
            for name, values in truth.measures.items():
                evaluation.arrays[name][channel, truth.rows] = values


def _fill(
    evaluation: Evaluation, index: int, rows: NDArray[np.intp], measures: dict[str, NDArray[Any]]
) -> None:
    """Put what was measured in one direction into its place."""
    for name, values in measures.items():
        place, axes = evaluation.arrays[name], ARRAYS[name].axes
        if axes == ("direction", "rank"):
            place[index, : len(values)] = values
        elif "sample" in axes:
            place[index, rows, : values.shape[1]] = values
        else:
            place[index, rows] = values


def _show(
    evaluation: Evaluation, focus: int, rows: NDArray[np.intp], drawn: NDArray[Any], target: str
) -> None:
    """Keep the maps of the cases: the first sample, and the mean of all."""
    for case, galaxy in enumerate(evaluation.cases["galaxy"]):
        samples = normalize(drawn[np.searchsorted(rows, galaxy)], target)
        evaluation.arrays["cases/sample"][focus, case] = samples[0]
        evaluation.arrays["cases/mean"][focus, case] = samples.mean(axis=0)


def _densities(
    candidate: Candidate, holdout: Holdout, evaluation: Evaluation, count: int
) -> list[str]:
    """Measure log-densities a pixel in the directions of focus; return why not, if not."""
    if not count:
        return []
    for source, target in tqdm(evaluation.focus, desc="log-density", file=sys.stderr):
        rows = holdout.with_domains(source, target)[:count]
        y, x = (holdout.maps_of(domain, rows) for domain in (source, target))
        for row, source_map, target_map in zip(rows, y, x, strict=True):
            try:
                density = candidate.log_density(target_map, target, source_map, source)
            except ValueError as error:
                return [f"Log-densities are missing: {error}."]
            place = evaluation.pairs.index((source, target)), row
            evaluation.arrays["ensemble/log_density"][place] = density / target_map.size
    return []


def _smaller_side(side: int) -> int:
    """Return the side in pixels of maps of errors: the largest divisor that is not too many."""
    return max(n for n in range(1, min(side, _MOST_ERROR_PIXELS) + 1) if side % n == 0)


def _smaller(values: NDArray[Any]) -> NDArray[Any]:
    """Return means over blocks of a map (H, H)."""
    side = _smaller_side(len(values))
    block = len(values) // side
    return values.reshape(side, block, side, block).mean(axis=(1, 3))


def _version() -> str | None:
    try:
        return version("galactic-alchemy")
    except PackageNotFoundError:
        return None


def run(options: argparse.Namespace) -> int:
    """Run `python -m train evaluate`."""
    if options.threads:
        torch.set_num_threads(options.threads)
    checkpoints = [
        name for asked in options.checkpoint for name in (available() if asked == ALL else [asked])
    ]
    baselines = list(BASELINES) if options.baselines else []
    if not checkpoints and not baselines:
        raise ValueError("evaluate needs --checkpoint or --baselines")
    if _is_file(options.output) and len(checkpoints) + len(baselines) > 1:
        raise ValueError(
            f"output must be a folder for more than one method, got the file {options.output}"
        )
    effort = Effort(
        options.samples, options.focus_samples, options.log_density, options.focus_only,
        tuple(map(_direction, options.direction)),
    )  # fmt: skip
    holdout = Holdout(options.data, options.galaxies, options.split)
    done = []
    for candidate, home in _candidates(options, checkpoints, baselines):
        places = list(_places(options, candidate.describe()["name"], home))
        for path in places:
            path.parent.mkdir(parents=True, exist_ok=True)
        if options.cost_only:
            done.append(_renew_cost(candidate, holdout, places))
        else:
            partial = _partial(places[0]) if places else None
            done.append(evaluate(candidate, holdout, effort, partial))
            print(table(done[-1]), end="\n\n", flush=True)
        for path in places:
            done[-1].write(path)
            print(path, flush=True)
            _partial(path).unlink(missing_ok=True)
    if len(done) > 1:
        print(comparison(done))
    return 0


def _direction(text: str) -> tuple[str, str]:
    """Return the direction that is written as SOURCE:TARGET."""
    source, _, target = text.partition(":")
    known = DOMAINS | OBSERVED
    if source == target or source not in known or target not in known:
        raise ValueError(f"direction must be two of {', '.join(known)}, as hi:dark_matter, "
                         f"got {text!r}")  # fmt: skip
    return source, target


def _partial(path: Path) -> Path:
    """Return the file that keeps what is measured until `path` is written."""
    return path.with_name(f".{path.stem}.partial.h5")


def _renew_cost(candidate: Candidate, holdout: Holdout, places: Sequence[Path]) -> Evaluation:
    """Return an evaluation that was written, with the cost of its method measured again."""
    if not places:
        raise ValueError("--cost-only needs --write or --output, for the file that it renews")
    evaluation = Evaluation.read(places[0])
    known, told = candidate.describe(), evaluation.method
    if any(getattr(told, name) != known.get(name) for name in ("checkpoint_sha256", "steps")):
        raise ValueError(f"{places[0]} is of other weights or steps than {known['name']}")
    seconds = seconds_per_map(candidate, holdout)
    print(f"{told.title}: {seconds:.4f} s a sample")
    method = replace(
        told, seconds_per_map=seconds, batch=known.get("batch"), device=known["device"]
    )
    return replace(evaluation, method=method)


def _candidates(
    options: argparse.Namespace, checkpoints: Sequence[str], baselines: Sequence[str]
) -> Iterator[tuple[Candidate, Path]]:
    """Yield what is to be evaluated, one at a time, with the folder that is its own."""
    for name in baselines:
        yield BaselineCandidate(name, options.data), SHIPPED / name
    device = str(place_of(options.device))
    for name in checkpoints:
        candidate = TranslatorCandidate.load(
            name, device=device, num_steps=options.steps, sampler=options.sampler
        )
        yield candidate, candidate.folder


def _places(options: argparse.Namespace, name: str, home: Path) -> Iterator[Path]:
    """Yield where an evaluation is to be written."""
    if options.write:
        yield home / EVALUATION
    if options.output:
        path = Path(options.output)
        yield path if _is_file(options.output) else path / f"{name}.h5"


def _is_file(output: str | None) -> bool:
    return bool(output) and Path(str(output)).suffix == Path(EVALUATION).suffix
