"""Evaluations as tables: Markdown that reads well on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.evaluation import Evaluation

# Short heads by score of `engine.evaluation.Direction.scores`; in dex but for the ratios.
_COLUMNS = {
    "MAE": "mae_dex", "of mean": "mean_mae_dex", "CRPS": "crps_dex",
    "spread/error": "spread_over_error", "profile": "profile_dex", "total": "total_dex",
    "Einstein": "einstein_radius_error",
    "SSIM": "ssim", "small scales": "small_scale_power", "nats/pixel": "log_density",
}  # fmt: skip


def table(evaluation: Evaluation) -> str:
    """Return the scores of a method, a row a direction, below the means of focus and of all."""
    method, maps = evaluation.method, evaluation.maps
    how = f"{method.steps} steps of {method.sampler}" if method.sampler else "one step"
    drawn = f"{method.samples} samples ({method.focus_samples} in the directions of focus)"
    if method.focus_samples == 1:
        drawn = "one sample"
    title = (
        f"{method.title}: {len(evaluation.galaxies)} galaxies of {maps.store}, {maps.split} split; "
        f"{how}, {drawn}, {method.seconds_per_map or 0:.3f} s a sample"
    )
    rows = {"five from gas": evaluation.scores(evaluation.focus), "all": evaluation.scores()}
    for pair in evaluation.pairs:
        rows[" -> ".join(pair)] = evaluation.direction(*pair).scores()
    used = {h: s for h, s in _COLUMNS.items() if any(not math.isnan(r[s]) for r in rows.values())}
    cells = [[name, *(_number(row[s]) for s in used.values())] for name, row in rows.items() if row]
    return "\n".join([title, *_aligned([["direction", *used], *cells]), *method.notes])


def comparison(evaluations: Sequence[Evaluation]) -> str:
    """Return the means of several methods, a row each: of all directions, CRPS of focus as well."""
    heads = ["method", "s/map", "CRPS, focus", *_COLUMNS]
    rows = []
    for evaluation in evaluations:
        whole, focus = evaluation.scores(), evaluation.scores(evaluation.focus)
        seconds = evaluation.method.seconds_per_map or math.nan
        numbers = [seconds, focus.get("crps_dex", math.nan), *(whole[s] for s in _COLUMNS.values())]
        rows.append([evaluation.method.title, *map(_number, numbers)])
    return "\n".join(_aligned([heads, *rows]))


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Return the lines of a table, its first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [
        [c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    rules = ["-" * (w + 1) + ("-:"[bool(i)]) for i, w in enumerate(widths)]
    lines = [f"| {' | '.join(cells)} |" for cells in padded]
    return [lines[0], f"|{'|'.join(rules)}|", *lines[1:]]
