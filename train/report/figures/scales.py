"""How much structure models make at each scale, how well it is placed, and whether they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from train.report.style import MUTED, WIDTH, Look, arrow, styled


@dataclass(frozen=True)
class Scales:
    """Measures by scale in one direction, over all hold-out galaxies.

    Attributes
    ----------
    source, target : names of domains.
    waves : (k,) waves across the map.
    grid_size : pixels across the map.
    transfer, correlation, spread_skill : {method: (k,)}; NaN or not there where not defined.
    """

    source: str
    target: str
    waves: NDArray[Any]
    grid_size: int
    transfer: Mapping[str, NDArray[Any]]
    correlation: Mapping[str, NDArray[Any]]
    spread_skill: Mapping[str, NDArray[Any]] = field(default_factory=dict)


_ROWS = (
    ("transfer", "transfer function\n" + r"$(P_\mathrm{model}/P_\mathrm{truth})^{1/2}$"),
    ("correlation", "correlation\nwith the truth, $r(k)$"),
    ("spread_skill", "spread / error\nof samples"),
)


@styled
def by_scale(directions: Sequence[Scales], methods: Mapping[str, Look]) -> Figure:
    """Draw transfer function, correlation and spread over error against scale.

    Parameters
    ----------
    directions : one a column.
    methods : looks by key, in order.

    Returns
    -------
    A figure of a row for each measure that there is; abscissae are waves across the map and, on
    top, wavelengths in pixels.
    """
    rows = [row for row in _ROWS if any(getattr(scales, row[0]) for scales in directions)]
    figure = Figure(figsize=(WIDTH, 0.8 + 1.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(directions), squeeze=False, sharex=True, sharey="row")
    labels: dict[str, Any] = {}
    for column, scales in zip(axes.T, directions, strict=True):
        for place, (name, _) in zip(column, rows, strict=True):
            curves = getattr(scales, name)
            for method in (m for m in methods if m in curves):
                (line,) = place.plot(scales.waves, curves[method], **methods[method].curve)
                labels.setdefault(methods[method].label, line)
            place.axhline(1.0, color=MUTED, lw=0.6)
        column[0].set_title(arrow(scales.source, scales.target), pad=22)
        _set_waves(column, scales)
    for row, (name, words) in zip(axes, rows, strict=True):
        row[0].set_ylabel(words)
        row[0].set_ylim(*_range(row, 1.1 if name == "correlation" else 1.5))
    order = [look.label for look in methods.values() if look.label in labels]
    figure.legend(
        [labels[name] for name in order], order, loc="outside lower center",
        ncols=min(6, max(1, len(order))),
    )  # fmt: skip
    return figure


def _set_waves(column: Sequence[Axes], scales: Scales) -> None:
    """Make x logarithmic, with the wavelength in pixels above the first row."""
    column[0].set_xscale("log")
    column[0].set_xlim(0.9, 0.5 * scales.grid_size * 1.05)
    marks = [n for n in (1, 2, 5, 10, 20, 50, 100, 200) if n <= 0.5 * scales.grid_size]
    column[-1].xaxis.set_major_locator(FixedLocator(marks))
    column[-1].xaxis.set_minor_locator(NullLocator())
    column[-1].xaxis.set_major_formatter("{x:g}")
    column[-1].set_xlabel("waves across the map")
    size = float(scales.grid_size)

    def inverse(waves: Any) -> Any:
        return size / np.maximum(waves, 1e-9)

    top = column[0].secondary_xaxis("top", functions=(inverse, inverse))
    lengths = [n for n in (2, 5, 10, 20, 50, 100) if n <= size]
    top.xaxis.set_major_locator(FixedLocator(lengths))
    top.xaxis.set_minor_locator(NullLocator())
    top.xaxis.set_major_formatter("{x:g}")
    top.set_xlabel("wavelength (pixels)", fontsize=7, labelpad=2)
    column[0].tick_params(top=False, which="both")


def _range(row: Sequence[Axes], least: float) -> tuple[float, float]:
    """Return limits of y from 0, or below where many points are, to at least `least`."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for a in row for line in a.lines])
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, least
    low, high = np.percentile(good, (5.0, 97.0))
    return min(0.0, 1.1 * float(low)), max(least, 1.08 * float(high))
