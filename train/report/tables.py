"""Tables of a report: methods by measures, and where each number comes from."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluation import Direction, Evaluation
from engine.evaluation.direction import LEVELS
from engine.metrics.calibration import central_coverage
from train.report.document import Table
from train.report.gather import (
    BASELINE,
    Collection,
    Pair,
    crps,
    mean,
    mean_crps,
    pooled_ranks,
)
from train.report.style import arrow, short

NOTHING = "–"
QUANTITIES = {"pixels": "pixels", "profile": "profiles", "total": "totals"}


@dataclass(frozen=True)
class Column:
    """A column of numbers: its head, its digits, and which of them is the best.

    `best` returns the smaller a number is the better it is; None where none is.
    """

    head: str
    digits: int = 3
    best: Callable[[float], float] | None = float


def _most(value: float) -> float:
    return -value


def _one(value: float) -> float:
    """Return how many times a ratio is off 1, in either direction."""
    return abs(np.log(value)) if value > 0 else np.inf


def _nearest(aim: float) -> Callable[[float], float]:
    return lambda value: abs(value - aim)


SCORES = {
    "crps_dex": Column("CRPS (dex)"),
    "mae_dex": Column("error of a sample (dex)"),
    "mean_mae_dex": Column("error of the mean (dex)"),
    "psnr_db": Column("PSNR of a sample (dB)", 2, _most),
    "ssim": Column("SSIM of a sample", 3, _most),
    "profile_dex": Column("profile (dex)"),
    "total_dex": Column("total (dex)"),
    "small_scale_power": Column("small-scale power", 2, _one),
    "spread_over_error": Column("spread / error", 2, _one),
    "log_density": Column("log density (nats a pixel)", 2, _most),
}
SHAPES = {
    "concentration": Column("concentration"), "asymmetry": Column("asymmetry"),
    "clumpiness": Column("clumpiness"), "gini": Column("Gini"), "m20": Column("M20 (dex)"),
    "half_mass_radius_kpc": Column("half-mass radius (dex)"),
}  # fmt: skip


def number(value: float, digits: int = 3) -> str:
    """Write a number with a true minus sign, a dash where there is none."""
    if not np.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}".replace("-", "\u2212")


def numbers(
    head: str, rows: Mapping[str, Sequence[float]], columns: Sequence[Column], caption: str,
    fold: str = "",
) -> Table:  # fmt: skip
    """Return a table of numbers, the best of each column bold where they differ."""
    cells = [
        [name, *(number(v, c.digits) for v, c in zip(row, columns, strict=True))]
        for name, row in rows.items()
    ]
    bold = set()
    for place, column in enumerate(columns, 1):
        if column.best is None:
            continue
        known = {
            r: column.best(round(row[place - 1], column.digits))
            for r, row in enumerate(rows.values()) if np.isfinite(row[place - 1])
        }  # fmt: skip
        if len(set(known.values())) > 1:
            bold |= {(r, place) for r, value in known.items() if value == min(known.values())}
    return Table([head, *(c.head for c in columns)], cells, caption, frozenset(bold), fold)


def scores_table(collection: Collection, pairs: Sequence[Pair], caption: str) -> Table:
    """Return means of all scores over directions, a row a method."""
    baseline = collection.methods.get(BASELINE)
    columns = list(SCORES.values())
    if baseline is not None:
        columns.append(Column(f"better than pixelwise, of {len(pairs)}", 0, _most))
    rows = {}
    for method, evaluation in collection.methods.items():
        own = [pair for pair in pairs if pair in evaluation.pairs]
        scores = evaluation.scores(own)
        row = [scores.get(name, np.nan) for name in SCORES]
        if not any(evaluation.direction(*pair).num_samples > 1 for pair in own):
            row[list(SCORES).index("mean_mae_dex")] = np.nan
        if baseline is not None:
            wins = sum(crps(evaluation, p) < crps(baseline, p) for p in own)
            row.append(np.nan if method == BASELINE else float(wins))
        rows[collection.looks[method].label] = row
    return numbers("method", rows, columns, caption)


def direction_table(
    collection: Collection, pairs: Sequence[Pair], caption: str, *, fold: str = ""
) -> Table:
    """Return the CRPS of each direction, a row a direction and a column a method, best bold."""
    methods = collection.methods.values()
    values = np.array([[crps(e, pair) for e in methods] for pair in pairs])
    values = np.vstack([values, [mean(column) for column in values.T]])
    names = [*(arrow(*pair) for pair in pairs), f"mean of these {len(pairs)}"]
    bold: set[tuple[int, int]] = set()
    for r, row in enumerate(np.round(values, 3)):
        if np.isfinite(row).sum() > 1:
            bold |= {(r, c + 1) for c in np.flatnonzero(row == np.nanmin(row)).tolist()}
    cells = [[n, *(number(v) for v in row)] for n, row in zip(names, values, strict=True)]
    head = ["CRPS (dex)", *(look.label for look in collection.looks.values())]
    return Table(head, cells, caption, frozenset(bold), fold)


def shape_table(collection: Collection, pairs: Sequence[Pair], caption: str) -> Table:
    """Return mean differences of shapes between samples and truth, means over `pairs`."""
    rows = {}
    for method, evaluation in collection.methods.items():
        found = [evaluation.direction(*pair) for pair in pairs if pair in evaluation.pairs]
        rows[collection.looks[method].label] = [
            *(mean([_difference(d, name) for d in found]) for name in SHAPES),
            mean([100.0 * _drift(d) for d in found]),
        ]
    columns = [*SHAPES.values(), Column("center of mass (% of half a side)", 1)]
    return numbers("mean difference in", rows, columns, caption)


def _difference(direction: Direction, name: str) -> float:
    samples, truth = direction.samples(name), direction.truth(name)[:, None]
    if name.endswith("_kpc"):
        with np.errstate(divide="ignore", invalid="ignore"):
            samples, truth = np.log10(samples), np.log10(truth)
    return mean(np.abs(samples.astype(float) - truth))


def _drift(direction: Direction) -> float:
    offset = np.hypot(*np.moveaxis(direction.center_offset_kpc(), -1, 0))
    return mean(offset / (0.5 * direction.extent_kpc[:, None]))


def satellite_table(collection: Collection, pairs: Sequence[Pair], caption: str) -> Table:
    """Return which satellites methods find and make up, in each of `pairs`."""
    rows = {}
    for method, evaluation in collection.methods.items():
        row: list[float] = []
        for pair in pairs:
            if pair in evaluation.pairs:
                found = evaluation.direction(*pair).satellites()
                row += [100.0 * found.completeness, 100.0 * found.hallucination_rate]
            else:
                row += [np.nan, np.nan]
        rows[collection.looks[method].label] = row
    columns = []
    for _, target in pairs:
        columns += [
            Column(f"{short(target)}: found (%)", 0, _most),
            Column(f"{short(target)}: made up (%)", 0),
        ]
    return numbers("satellites", rows, columns, caption)


def lens_table(collection: Collection, pairs: Sequence[Pair], caption: str) -> Table:
    """Return how far Einstein radii are off, and how often intervals of samples hold the truth's.

    Of `pairs`, whose targets are dark matter.
    """
    levels = LEVELS[:2]
    rows = {}
    for method, evaluation in collection.methods.items():
        row: list[float] = []
        for pair in pairs:
            if pair in evaluation.pairs:
                found = evaluation.direction(*pair)
                covered = found.coverage("einstein_radius_kpc", levels)
                row += [100.0 * v for v in (found.einstein_radius_error(), *covered)]
            else:
                row += [np.nan] * (1 + len(levels))
        rows[collection.looks[method].label] = row
    columns = []
    for source, _ in pairs:
        columns.append(Column(f"{short(source)}: error (%)", 0))
        columns += [
            Column(f"{short(source)}: covered, {100 * level:.0f} %", 0, _nearest(100.0 * level))
            for level in levels
        ]
    return numbers("Einstein radius", rows, columns, caption)


def coverage_table(collection: Collection, pairs: Sequence[Pair], caption: str) -> Table:
    """Return how often the truth lies in central intervals of the samples, pooled over `pairs`."""
    rows = {}
    for method, evaluation in collection.sampled.items():
        ranks = [pooled_ranks(evaluation, pairs, of) for of in QUANTITIES]
        covered = [central_coverage(counts) for counts in ranks if len(counts) > 1]
        row = [100.0 * value for part in covered for value in part]
        rows[collection.looks[method].label] = row or [np.nan] * len(QUANTITIES) * len(LEVELS)
    columns = [
        Column(f"{name}, {100 * level:.0f} %", 0, _nearest(100.0 * level))
        for name in QUANTITIES.values()
        for level in LEVELS
    ]
    return numbers("covered (%)", rows, columns, caption)


def provenance_table(collection: Collection, caption: str) -> Table:
    """Return what each file is of: maps, samples, steps, checkpoint, version and date."""
    head = [
        "method", "family", "store", "split", "pixels", "galaxies", "directions",
        "samples (focus)", "steps", "sampler", "checkpoint SHA-256", "version", "date",
    ]  # fmt: skip
    rows = []
    for evaluation in collection.by_method:
        method, maps = evaluation.method, evaluation.maps
        rows.append([
            method.title, method.family, maps.store, maps.split, f"{maps.grid_size}²",
            str(len(evaluation.galaxies)), str(len(evaluation.pairs)),
            f"{method.samples} ({method.focus_samples})", str(method.steps),
            method.sampler or NOTHING, (method.checkpoint_sha256 or NOTHING)[:12],
            method.version or NOTHING, (method.date or NOTHING)[:10],
        ])  # fmt: skip
    return Table(head, rows, caption)


def command_of(evaluation: Evaluation) -> str:
    """Return the command that makes an evaluation again, for a store of that name."""
    method, directions = evaluation.method, evaluation.directions
    words = ["python -m train evaluate"]
    is_baseline = method.family == "baseline"
    words.append("--baselines" if is_baseline else f"--checkpoint {shlex.quote(method.name)}")
    words.append(f"--data {shlex.quote(evaluation.maps.store)}")
    words.append(f"--galaxies {len(evaluation.galaxies)}")
    if directions["samples"].max(initial=1) > 1:
        words.append(f"--samples {method.samples} --focus-samples {method.focus_samples}")
    if method.steps > 1:
        words.append(f"--steps {method.steps}")
    if method.sampler and method.steps > 1:
        words.append(f"--sampler {method.sampler}")
    if densities := np.isfinite(evaluation["ensemble/log_density"]).sum(axis=1).max(initial=0):
        words.append(f"--log-density {densities}")
    return " ".join(words)


def command_table(collection: Collection, caption: str) -> Table:
    """Return the command of each file."""
    rows = [[e.method.title, command_of(e)] for e in collection.by_method]
    return Table(["method", "command"], rows, caption, is_text=True)


def _seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.3g}" if value >= 1e-3 else "< 0.001"


def cost_table(collection: Collection, caption: str) -> Table:
    """Return what each file's method costs, beside its CRPS."""
    head = [
        "method", "parameters", "steps", "sampler", "training (minutes)", "seconds a map",
        "in batches of", "device", "CRPS, mean of all (dex)",
    ]  # fmt: skip
    rows = []
    for evaluation in collection.by_method:
        method = evaluation.method
        rows.append([
            method.title, f"{method.parameters / 1e6:.2f} M" if method.parameters else NOTHING,
            str(method.steps), method.sampler or NOTHING,
            NOTHING if method.training_minutes is None else f"{method.training_minutes:.0f}",
            _seconds(method.seconds_per_map),
            NOTHING if method.batch is None else str(method.batch), method.device or NOTHING,
            number(mean_crps(evaluation)),
        ])  # fmt: skip
    return Table(head, rows, caption)
