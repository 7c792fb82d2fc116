"""What is known of a translator's samples in one direction, from its evaluation."""

from __future__ import annotations

from html import escape

import numpy as np

from explorer import library

CSS = """
h3 { margin: 0 0 6px; font: 600 13px var(--font); color: var(--text); }
p { margin: 6px 0 0; font: 12.5px/17px var(--font); color: var(--muted); }
table { border-collapse: collapse; width: 100%; font: 12.5px/19px var(--font); }
th, td { padding: 1px 8px 1px 0; text-align: right; color: var(--text); white-space: nowrap; }
th { font-weight: normal; color: var(--muted); }
th:first-child { text-align: left; }
"""
LEVELS = (0.5, 0.68)
_QUANTITIES = (("pixels", "pixels"), ("profile", "radial profile"), ("total", "whole map"))


def calibration_html(name: str, title: str, source: str, target: str) -> str:
    """Return a table of coverage and spread over error; a dash each where nothing was measured."""
    measured = library.direction(name, source, target)
    rows, ratio = [], float("nan")
    for key, words in _QUANTITIES:
        covered = [np.nan] * len(LEVELS) if measured is None else measured.coverage(key, LEVELS)
        cells = "".join(f"<td>{_share(value)}</td>" for value in covered)
        rows.append(f'<tr><th scope="row">{words}</th>{cells}</tr>')
    if measured is not None:
        ratio = measured.spread_over_error()
    heads = "".join(f'<th scope="col">{100 * level:.0f} %</th>' for level in LEVELS)
    known = (
        f"{escape(title)} has no evaluation of samples in this direction."
        if measured is None or measured.num_samples < 2
        else f"{len(measured.rows)} hold-out galaxies, {measured.num_samples} samples each, at "
        "guidance 1. Less than the percentage, or a ratio below 1: too sure of itself."
    )
    return (
        "<h3>Calibration in this direction</h3>"
        f'<table><tr><th scope="col">truth lies within the central</th>{heads}</tr>'
        f'{"".join(rows)}<tr><th scope="row">spread / error, pixels</th>'
        f'<td colspan="{len(LEVELS)}">{_number(ratio)}</td></tr></table><p>{known}</p>'
    )


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if np.isfinite(value) else "–"


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
