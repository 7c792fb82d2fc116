"""Which directions are easy and which hard, and what quality costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from train.report.style import INK, MUTED, PALE, WIDTH, Look, panels, short, styled

_MARKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@styled
def direction_matrices(
    methods: Mapping[str, tuple[Look, NDArray[Any]]], domains: Sequence[str], *, relative: bool
) -> Figure:
    """Draw a score in every direction, a panel a method.

    Parameters
    ----------
    methods : {method: (look, (sources, targets))}, the smaller the better, NaN on the diagonal and
        where nothing was measured.
    domains : names along both axes.
    relative : whether values are relative to the pixelwise regression, else in dex.

    Returns
    -------
    Heat maps with the number in each cell. Relative colors are logarithmic about 1: blue where the
    method is better than the regression, red where it is worse.
    """
    figure, axes = panels(len(methods), 4, 0.98, margin=0.5, sharex=True, sharey=True)
    joined = np.concatenate([m[np.isfinite(m) & (m > 0)] for _, m in methods.values()])
    norm, name = _color_scale(joined, relative)
    colors = mpl.colormaps[name].with_extremes(bad="white")
    for place, (look, values) in zip(axes, methods.values(), strict=True):
        image = place.imshow(np.where(values > 0, values, np.nan), norm=norm, cmap=colors)
        _write_numbers(place, values, lambda v: colors(norm(v)))
        _name_domains(place, [short(domain) for domain in domains])
        place.set_title(look.label)
    figure.supxlabel("target", fontsize=8)
    figure.supylabel("source", fontsize=8)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.015)
    low, high = bar.mappable.get_clim()
    marks = [m for m in _MARKS if low * 0.999 <= m <= high * 1.001]
    if marks:
        bar.set_ticks(marks, labels=[f"{m:g}" for m in marks])
        bar.ax.minorticks_off()
    bar.set_label("CRPS / CRPS of the pixelwise regression" if relative else "CRPS (dex)")
    bar.outline.set_linewidth(0.4)
    return figure


def _color_scale(values: NDArray[Any], relative: bool) -> tuple[LogNorm, str]:
    """Return limits and the name of the colors: diverging about 1, or from low to high."""
    if not values.size:
        return LogNorm(0.1, 10.0), "RdBu_r"
    if not relative:
        low, high = np.percentile(values, (2.0, 98.0))
        return LogNorm(low, max(high, 1.1 * low)), "viridis_r"
    limit = float(np.clip(np.percentile(np.abs(np.log10(values)), 90.0), 0.3, 1.0))
    return LogNorm(10.0**-limit, 10.0**limit), "RdBu_r"


def _write_numbers(axes: Axes, values: NDArray[Any], color_of: Callable[[float], Any]) -> None:
    """Write each cell's number, dark or light after its color (ITU-R BT.601 luma)."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            red, green, blue, _ = color_of(max(value, 1e-12))
            pale = 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
            axes.text(column, row, _cell(value), ha="center", va="center", fontsize=5.5,
                      color=INK if pale else "white")  # fmt: skip
        elif row != column:
            axes.text(column, row, "–", ha="center", va="center", fontsize=6, color=MUTED)


def _cell(value: float) -> str:
    """Write a number in three or four signs."""
    if value >= 100:
        return ">99"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _name_domains(axes: Axes, names: Sequence[str]) -> None:
    axes.plot([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color=PALE, lw=0.8)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=6.5)


@dataclass(frozen=True)
class Cost:
    """What a method costs and what one gets for it.

    Attributes
    ----------
    look : of the method.
    seconds : of one map on the machine that was measured.
    crps : mean, in dex.
    parameters : of the network; 0 without one.
    steps : network evaluations a map.
    """

    look: Look
    seconds: float
    crps: float
    parameters: int
    steps: int


@styled
def cost_and_quality(points: Sequence[Cost], machine: str) -> Figure:
    """Draw the CRPS against the seconds of a map, with areas in proportion to parameters.

    Parameters
    ----------
    points : one a method and number of steps; those of one method are joined.
    machine : where seconds were measured.
    """
    figure = Figure(figsize=(0.72 * WIDTH, 3.7), layout="constrained")
    axes = figure.subplots()
    good = [p for p in points if p.seconds > 0 and np.isfinite([p.seconds, p.crps]).all()]
    most = max((p.parameters for p in good), default=0) or 1
    for look in dict.fromkeys(p.look for p in good):
        own = sorted((p for p in good if p.look == look), key=lambda p: p.seconds)
        axes.plot([p.seconds for p in own], [p.crps for p in own], color=look.color, lw=0.8)
        for p in own:
            axes.scatter(
                p.seconds, p.crps, s=25.0 + 125.0 * p.parameters / most, marker=look.marker,
                facecolor=look.color if p.parameters else "none", edgecolor=look.color, lw=1.0,
                alpha=0.85,
            )  # fmt: skip
            if len(own) > 1:
                axes.annotate(f"{p.steps}", (p.seconds, p.crps), xytext=(0, 7),
                              textcoords="offset points", ha="center", fontsize=6.5)  # fmt: skip
        steps = f" ({own[0].steps} steps)" if len(own) == 1 and own[0].steps > 1 else ""
        axes.plot([], [], ls="", marker=look.marker, ms=6, color=look.color,
                  label=look.label + steps)  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.margins(x=0.1, y=0.12)
    axes.set(xlabel=f"seconds a map ({machine})", ylabel="CRPS, mean of all directions (dex)")
    axes.grid(lw=0.3, color="#dddddd")
    axes.set_axisbelow(True)
    figure.legend(loc="outside right center")
    return figure
