"""Sections on structure by scale and shape, and on what samples know of their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from engine.evaluation import Evaluation
from engine.evaluation.direction import EINSTEIN_DENSITY, LEVELS
from engine.metrics.calibration import central_coverage
from train.report import tables
from train.report.document import Part, Picture, Section
from train.report.figures import calibration, maps, population, scales
from train.report.gather import Collection, Pair, pooled_ranks, scales_of, whole
from train.report.style import arrow

_LENSING: tuple[Pair, ...] = (("gas", "dark_matter"), ("hi", "dark_matter"))


def structure(collection: Collection) -> Section:
    """Return what methods do at each scale, to shapes, centers and satellites."""
    focus = collection.focus
    parts: list[Part] = []
    if focus:
        curves = [scales_of(collection, pair) for pair in focus]
        parts.append(Picture(
            "scales", scales.by_scale(curves, collection.looks),
            "By scale, medians over galaxies: how much structure a sample has (1 is the truth's), "
            "how much of it is where the truth has it (1 is all), and whether samples are spread "
            "as much as they err (1 is right; below, they are too sure).",
        ))  # fmt: skip
        parts += [*_error_maps(collection), *_drifts(collection)]
        parts += _tables(collection, [pair for pair in focus if get_domain(pair[1]).is_mass])
    if lensing := [pair for pair in _LENSING if pair in collection.pairs]:
        parts.append(tables.lens_table(
            collection, lensing,
            "Dark matter from each source as a gravitational lens: median error of a sample's "
            "Einstein radius, and how often central intervals of the samples hold the truth's. "
            "It is the radius within which the mean surface density is "
            f"{EINSTEIN_DENSITY / 1e6:.0f} M☉/pc², a twentieth of the critical one for redshifts "
            "of 0.5 and 2: as if galaxies were 20 times as massive, for as they are none is "
            "critical. Those whose circle is larger than the map do not count.",
        ))  # fmt: skip
    return Section("structure", "Structure", "Power spectra are of log10(value + floor).", parts)


def _error_maps(collection: Collection) -> list[Part]:
    """Return mean maps of the error in local asymmetry and clumpiness."""
    parts: list[Part] = []
    for name in ("asymmetry", "clumpiness"):
        rows = {
            arrow(*pair): {
                collection.looks[method].label: direction.error_map(name).astype(float)
                for method, direction in collection.having(pair).items()
                if direction.is_focus
            }
            for pair in collection.focus
        }
        rows = {k: v for k, v in rows.items() if any(np.isfinite(m).any() for m in v.values())}
        if rows:
            parts.append(Picture(
                f"error-{name}", maps.mean_maps(rows, f"local {name}, sample less truth"),
                f"Mean over galaxies and samples of the local {name} less the truth's, all maps "
                "scaled to one side: red where samples have too much, blue where too little.",
            ))  # fmt: skip
    return parts


def _drifts(collection: Collection) -> list[Part]:
    """Return roses of the centers of mass, of targets that are masses."""
    table = collection.first.galaxies
    half = 0.5 * table["extent_kpc"][:, None]
    parts: list[Part] = []
    for pair in (pair for pair in collection.focus if get_domain(pair[1]).is_mass):
        drifts = {
            method: (
                collection.looks[method],
                whole(direction, direction.center_offset_kpc()[:, 0], len(table)) / half,
            )
            for method, direction in collection.having(pair).items()
        }
        parts.append(Picture(
            f"drift-{pair[1]}", population.center_drift(drifts),
            f"{arrow(*pair)}: where the center of mass of one sample lies from the truth's. The "
            "length of a sector is the share of galaxies, the dashed circle what it would be if "
            "no direction were preferred; colors tell how far centers moved.",
        ))  # fmt: skip
    return parts


def _tables(collection: Collection, pairs: list[Pair]) -> list[Part]:
    if not pairs:
        return []
    return [
        tables.shape_table(
            collection, pairs,
            "Mean absolute difference between samples and truth, averaged over "
            f"{', '.join(arrow(*pair) for pair in pairs)}.",
        ),
        tables.satellite_table(
            collection, pairs,
            "Satellites (peaks that stand out, clumps of disks among them) of the truth that "
            "samples have too, and those of samples that the truth has not. What smooths makes "
            "none up because it makes none: read the two together.",
        ),
    ]  # fmt: skip


def uncertainty(collection: Collection) -> Section:
    """Return whether samples are spread as they err."""
    pairs = collection.focus or collection.pairs
    methods = {
        name: _calibration(collection, name, evaluation, pairs)
        for name, evaluation in collection.sampled.items()
    }
    if not methods:
        return Section("uncertainty", "Uncertainty", "", [])
    parts: list[Part] = [
        Picture(
            "ranks", calibration.rank_histograms(methods),
            "How often the truth has each rank among the samples. Flat is right; a U means too "
            "sure, a hill not sure enough, a slope a bias.",
        ),
        Picture(
            "reliability", calibration.reliability(methods, LEVELS),
            "How often the truth lies within central intervals of the samples, and TARP of total, "
            "half-mass radius and concentration, the mean over directions. The diagonal is right; "
            "below it, samples are too sure. A level for which there are too few samples has no "
            "point.",
        ),
        tables.coverage_table(
            collection, pairs, "The same as numbers; the nearest to the nominal level is bold."
        ),
    ]  # fmt: skip
    return Section(
        "uncertainty", "Uncertainty",
        "Whether methods that draw samples know what they do not know, pooled over the directions "
        f"of {'focus' if collection.focus else 'the files'}.", parts,
    )  # fmt: skip


def _calibration(
    collection: Collection, name: str, evaluation: Evaluation, pairs: Sequence[Pair]
) -> calibration.Calibration:
    ranks = {words: pooled_ranks(evaluation, pairs, of) for of, words in tables.QUANTITIES.items()}
    return calibration.Calibration(
        collection.looks[name], ranks,
        {words: central_coverage(counts, LEVELS) for words, counts in ranks.items()},
        _tarp(evaluation, pairs),
    )  # fmt: skip


def _tarp(
    evaluation: Evaluation, pairs: Sequence[Pair]
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the TARP curve of the directions where it is defined, in the mean, or None."""
    curves = [evaluation.direction(*p).tarp() for p in pairs if p in evaluation.pairs]
    good = [curve for curve in curves if np.isfinite(curve[1]).all()]
    if not good:
        return None
    longest = max(len(credibility) for credibility, _ in good)
    same = [curve for curve in good if len(curve[0]) == longest]
    return same[0][0], np.mean([coverage for _, coverage in same], axis=0)
