"""Whether samples are spread as the truth is about them: rank histograms, coverage and TARP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from train.report.style import MUTED, Look, panels, styled

# One color and line for each quantity that is ranked.
_QUANTITIES = (("#0072b2", "-"), ("#d55e00", (0, (4, 1))), ("#009e73", (0, (1, 1))))


@dataclass(frozen=True)
class Calibration:
    """Calibration of one method.

    Attributes
    ----------
    look : of the method.
    ranks : {quantity: (M + 1,) counts of the truth's rank among M samples}.
    coverage : {quantity: (levels,) share of truths within central intervals}, NaN where M is too
        small for it.
    tarp : credibility and expected coverage, (k,) each, or None.
    """

    look: Look
    ranks: Mapping[str, NDArray[Any]]
    coverage: Mapping[str, NDArray[Any]]
    tarp: tuple[NDArray[Any], NDArray[Any]] | None = None


@styled
def rank_histograms(methods: Mapping[str, Calibration]) -> Figure:
    """Draw rank histograms, a panel a method and a line a quantity.

    Returns
    -------
    A figure of steps; ordinates are counts over those of a flat histogram.
    """
    figure, axes = panels(len(methods), 6, 0.95, margin=0.6, sharex=True, sharey=True)
    names = list(dict.fromkeys(name for m in methods.values() for name in m.ranks))
    for place, method in zip(axes, methods.values(), strict=True):
        for name, (color, line) in zip(names, _QUANTITIES, strict=False):
            counts = np.asarray(method.ranks.get(name, []), float)
            if counts.sum() > 0:
                edges = np.linspace(0.0, 1.0, len(counts) + 1)
                heights = counts / counts.mean()
                place.stairs(heights, edges, color=color, ls=line, lw=1.2, baseline=None)
        place.axhline(1.0, color=MUTED, lw=0.6)
        place.set_title(method.look.label, pad=3)
        place.set(xlim=(0, 1), ylim=(0, None), xticks=(0, 0.5, 1))
    figure.supxlabel("rank of the truth among the samples, as a share", fontsize=8)
    figure.supylabel("frequency / flat", fontsize=8)
    handles = [
        Line2D([], [], color=color, ls=line, label=name)
        for name, (color, line) in zip(names, _QUANTITIES, strict=False)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure


@styled
def reliability(methods: Mapping[str, Calibration], levels: tuple[float, ...]) -> Figure:
    """Draw measured against nominal coverage, a panel a quantity, and TARP in the last.

    Parameters
    ----------
    methods : in order.
    levels : nominal coverage of the intervals.
    """
    names = list(dict.fromkeys(name for m in methods.values() for name in m.coverage))
    figure, axes = panels(len(names) + 1, 4, 1.0, margin=0.6)
    for place, name in zip(axes, names, strict=False):
        for method in methods.values():
            if name in method.coverage:
                place.plot(
                    levels, method.coverage[name], marker=method.look.marker, ms=4,
                    **method.look.curve,
                )  # fmt: skip
        _square(place, name, "nominal coverage")
    axes[0].set_ylabel("measured coverage")
    for method in methods.values():
        if method.tarp is not None:
            axes[-1].plot(*method.tarp, **method.look.curve)
    _square(axes[-1], "TARP", "credibility")
    axes[-1].set_ylabel("expected coverage")
    handles = [Line2D([], [], marker=m.look.marker, ms=4, **m.look.curve) for m in methods.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles) or 1))
    return figure


def _square(axes: Axes, title: str, label: str) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.6, zorder=0)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel=label)
    axes.set_title(title)
