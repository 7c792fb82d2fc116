"""Hold-out galaxies of one translator as a population: masses, relations, profiles, errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS, get_domain
from engine.evaluation import Direction, Evaluation
from engine.metrics.profile import integral, radial_profile, residual_dex
from explorer.curves import errors_dex

Array = NDArray[Any]

_LEAST_A_BIN = 6
_MOST_BINS = 20  # of a running median
_NUM_BINS = 20  # of a profile


@dataclass(frozen=True)
class Members:
    """The n galaxies: name, kind, stellar mass of the cutout in Msun, error.

    Attributes
    ----------
    errors_dex : (n,) mean absolute error of the samples' maps.
    """

    names: Array
    kinds: Array
    stellar_masses: Array
    errors_dex: Array


@dataclass(frozen=True)
class Totals:
    """What the maps of n galaxies hold in all, in `unit`: masses, or means over the map.

    Attributes
    ----------
    truth : (n,).
    samples : (n, M) of the translator's samples.
    """

    truth: Array
    samples: Array
    quantity: str
    unit: str


@dataclass(frozen=True)
class Abundance:
    """Stars against dark matter in the maps of galaxies, (k,) in Msun.

    The model's masses are those of one sample; of the two, the one that is the source is given.

    Attributes
    ----------
    places : (k,) of these among the n galaxies of the direction.
    """

    places: Array
    true_dark_matter: Array
    true_stars: Array
    dark_matter: Array
    stars: Array


@dataclass(frozen=True)
class Residuals:
    """Radial profiles of one sample against the truth, log10(sample / truth) in dex.

    Attributes
    ----------
    radii : (radius,) as a share of half the map's side.
    lines : (n, radius), NaN where there is nothing to compare.
    low, median, high : (radius,) percentiles 16, 50 and 84 over galaxies.
    """

    radii: Array
    lines: Array
    low: Array
    median: Array
    high: Array


@dataclass(frozen=True)
class Population:
    """All that the page shows of one translator and direction; None where there is nothing.

    Attributes
    ----------
    problem : one sentence on why there is nothing at all; empty where there is.
    no_abundance : one sentence on why there is no abundance matching.
    others : by title, residuals of translators beside, where they were evaluated in this direction.
    """

    members: Members | None = None
    totals: Totals | None = None
    abundance: Abundance | None = None
    residuals: Residuals | None = None
    problem: str = ""
    no_abundance: str = ""
    others: Mapping[str, Residuals] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of galaxies."""
        return 0 if self.members is None else len(self.members.names)


def survey(
    evaluations: Mapping[str, Evaluation],
    translator: str | None,
    source: str,
    target: str,
    others: Sequence[str] = (),
) -> Population:
    """Return what the evaluation of a translator says of its hold-out galaxies.

    `others` are translators beside it, whose residuals are compared with its own.
    """
    labels = [get_domain(name).label.lower() for name in (source, target)]
    if source == target:
        return Population(problem=f"Source and target are both {labels[0]}: choose two domains.")
    own = evaluations.get(translator or "")
    if own is None:
        return Population(problem=f"There is no evaluation of {translator or 'a translator'}.")
    if (source, target) not in own.pairs:
        problem = f"{own.method.title} was not evaluated from {labels[0]} to {labels[1]}."
        return Population(problem=problem)
    direction = own.direction(source, target)
    if not len(direction.rows):
        return Population(problem="No hold-out galaxy has maps of both domains.")
    abundance = abundance_of(own, source, target)
    why_not = "" if abundance else "It takes stars or dark matter as the target."
    beside = [evaluations[name] for name in others if name in evaluations]
    return Population(
        members_of(direction), totals_of(direction), abundance, residuals_of(direction),
        no_abundance=why_not,
        others={
            each.method.title: residuals_of(each.direction(source, target))
            for each in beside if (source, target) in each.pairs
        },
    )  # fmt: skip


def members_of(direction: Direction) -> Members:
    """Return the galaxies of a direction."""
    return Members(
        direction.galaxies("name"), direction.galaxies("kind"),
        direction.galaxies("stellar_mass"), direction.samples("mae_dex").mean(axis=1),
    )  # fmt: skip


def relation(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the running median of y over x, both (n,), in bins of equal numbers.

    At most 20 bins, of at least 6 galaxies; what is not finite and above zero does not count.
    """
    good = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    order = np.argsort(x[good])
    count = min(_MOST_BINS, len(order) // _LEAST_A_BIN)
    if not count:
        return np.empty(0), np.empty(0)
    parts = np.array_split(order, count)
    pairs = [(np.median(x[good][part]), np.median(y[good][part])) for part in parts]
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])


def totals_of(direction: Direction) -> Totals:
    """Return what maps of the target hold, the truth's and the samples'."""
    return _totals(direction.truth("total"), direction.samples("total"), direction.target)


def _totals(truth: Array, samples: Array, target: str) -> Totals:
    domain = get_domain(target)
    label = domain.label.lower()
    quantity = f"mass of {label} in the map" if domain.is_mass else f"mean {label} of the map"
    return Totals(truth, samples, quantity, "M☉" if domain.is_mass else domain.unit)


def abundance_of(evaluation: Evaluation, source: str, target: str) -> Abundance | None:
    """Return stars against dark matter; None where the target is neither, or one is not known."""
    both = ("dark_matter", "stars")
    needed = [(source, name) for name in both if name != source]
    if target not in both or not set(needed) <= set(evaluation.pairs):
        return None
    directions = {pair[1]: evaluation.direction(*pair) for pair in needed}
    rows = directions[target].rows
    for each in directions.values():
        rows = np.intersect1d(rows, each.rows)
    truth = {
        name: evaluation["truth/total"][evaluation.maps.domains.index(name), rows] for name in both
    }
    model = {
        name: directions[name].samples("total")[np.isin(directions[name].rows, rows), 0]
        if name in directions
        else truth[name]
        for name in both
    }
    return Abundance(
        np.searchsorted(directions[target].rows, rows), truth["dark_matter"], truth["stars"],
        model["dark_matter"], model["stars"],
    )  # fmt: skip


def residuals_of(direction: Direction) -> Residuals:
    """Return how radial profiles of one sample differ from the truth's."""
    floor = DOMAINS[direction.target].floor
    lines = residual_dex(direction.samples("profile")[:, 0], direction.truth("profile"), floor)
    return _banded(direction.radii, lines)


def survey_maps(
    truths: Array, samples: Array, target: str, extents_kpc: Array, names: Array
) -> Population:
    """Return what maps say of n galaxies, which no evaluation holds.

    Parameters
    ----------
    truths : (n, H, W) in the unit of the domain `target`; row = y upwards.
    samples : (n, M, H, W) likewise.
    extents_kpc : (n,) sides of the maps.
    names : (n,) of the galaxies.
    """
    domain = get_domain(target)
    bins = min(_NUM_BINS, truths.shape[-1] // 2)  # so that none is empty
    totals, lines, errors = [], [], []
    for truth, drawn, extent in zip(truths, samples, extents_kpc, strict=True):
        maps = np.stack([truth, *drawn])
        totals.append(integral(maps, extent) if domain.is_mass else maps.mean(axis=(1, 2)))
        profiles = radial_profile(maps[:2], extent, bins)[1]
        lines.append(residual_dex(profiles[1], profiles[0], domain.floor))
        errors.append(errors_dex(drawn, truth, target).mean())
    radii = (np.arange(bins) + 0.5) / bins
    count, known = len(names), np.array(totals)
    members = Members(
        np.asarray(names), np.full(count, ""), np.full(count, np.nan), np.array(errors)
    )
    return Population(
        members, _totals(known[:, 0], known[:, 1:], target), None, _banded(radii, np.array(lines)),
        no_abundance="It takes the masses of two domains.",
    )  # fmt: skip


def _banded(radii: Array, lines: Array) -> Residuals:
    """Return residuals (n, radius) with their percentiles over galaxies."""
    bands = np.full((3, lines.shape[-1]), np.nan)
    known = np.isfinite(lines).any(axis=0)
    if known.any():
        bands[:, known] = np.nanpercentile(lines[:, known], (16.0, 50.0, 84.0), axis=0)
    return Residuals(radii, lines, *bands)
