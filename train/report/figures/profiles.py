"""Radial profiles of all hold-out galaxies, and how far those of a model are off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from data.domains import get_domain
from engine.metrics.profile import residual_dex, squared_residual
from train.report.style import INK, MUTED, WIDTH, Look, arrow, bands, styled

_MOST_DECADES = 6.0
_SHOWN = 93.0  # percentile of points to which the axes of residuals reach


@dataclass(frozen=True)
class Profiles:
    """Profiles of n galaxies in one direction, at common radii.

    Attributes
    ----------
    source, target : names of domains.
    radii : (k,) in whichever unit the axis says.
    truth : (n, k) in the target's unit, NaN where there is none.
    model : {method: (n, k)}, each of the same galaxies.
    """

    source: str
    target: str
    radii: NDArray[Any]
    truth: NDArray[Any]
    model: Mapping[str, NDArray[Any]]


@styled
def profile_lines(directions: Sequence[Profiles], method: Look, name: str, x_label: str) -> Figure:
    """Draw the profiles of all galaxies, the truth above and a model beneath.

    Parameters
    ----------
    directions : one a column.
    method : look of the model; `name` is its key in `Profiles.model`.
    x_label : of the radii, with unit.

    Returns
    -------
    A figure of thin lines, one a galaxy, their median and the band from the 16th to the 84th
    percentile; both rows of a column have the same axes, and the truth's median stands dashed in
    the model's.
    """
    figure = Figure(figsize=(WIDTH, 4.1), layout="constrained")
    axes = figure.subplots(2, len(directions), squeeze=False, sharex=True, sharey="col")
    for column, profiles in zip(axes.T, directions, strict=True):
        domain = get_domain(profiles.target)
        truth = _draw_lines(column[0], profiles.radii, profiles.truth, INK)
        _draw_lines(column[1], profiles.radii, profiles.model[name], method.color)
        column[1].plot(profiles.radii, truth, color=INK, lw=1.0, ls="--")
        column[0].set_title(
            f"{arrow(profiles.source, profiles.target)}\n{domain.symbol} ({domain.unit_tex})"
        )
        _set_scale(column[0], profiles)
    figure.supxlabel(x_label, fontsize=8)
    axes[0, 0].set_ylabel("truth")
    axes[1, 0].set_ylabel(method.label)
    return figure


def _draw_lines(axes: Axes, x: NDArray[Any], y: NDArray[Any], color: str) -> NDArray[Any]:
    """Draw profiles (n, k), their median and band; return the median."""
    shown = np.where(y > 0, y, np.nan)
    alpha = float(np.clip(12.0 / max(len(y), 1), 0.06, 0.4))
    axes.plot(x, shown.T, color=color, lw=0.5, alpha=alpha)
    low, median, high = bands(shown)
    axes.fill_between(x, low, high, color=color, alpha=0.22, lw=0)
    axes.plot(x, median, color=color, lw=1.8)
    return median


def _set_scale(axes: Axes, profiles: Profiles) -> None:
    """Make the y axis logarithmic, about what the truths and outputs fill."""
    joined = np.concatenate([profiles.truth, *profiles.model.values()]).ravel()
    joined = joined[np.isfinite(joined) & (joined > 0)]
    if joined.size:
        axes.set_yscale("log")
        low, high = np.percentile(np.log10(joined), (0.5, 99.9))
        axes.set_ylim(10.0 ** (max(low, high - _MOST_DECADES) - 0.15), 10.0 ** (high + 0.25))
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_minor_formatter(NullFormatter())


@styled
def profile_residuals(
    directions: Sequence[Profiles], methods: Mapping[str, Look], x_label: str
) -> Figure:
    """Draw how profiles of models differ from the truth's, all methods in one.

    Parameters
    ----------
    directions : one a column.
    methods : looks by key in `Profiles.model`, in order.
    x_label : of the radii, with unit.

    Returns
    -------
    A figure of three rows: the median of log10(model / truth) over galaxies, half of its range
    from the 16th to the 84th percentile, and the median of (1 - model / truth)^2.

    Notes
    -----
    The domain's floor is added to both in the logarithm, and profiles below it have no squared
    residual: next to nothing over nothing is no error that matters.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axes = figure.subplots(3, len(directions), squeeze=False, sharex=True, sharey="row")
    for column, profiles in zip(axes.T, directions, strict=True):
        floor = get_domain(profiles.target).floor
        known = np.where(profiles.truth >= floor, profiles.truth, np.nan)
        for name, look in methods.items():
            if name not in profiles.model:
                continue
            dex = residual_dex(profiles.model[name], profiles.truth, floor)
            square = squared_residual(profiles.model[name], known)
            low, median, high = bands(dex)
            column[0].plot(profiles.radii, median, **look.curve)
            column[1].plot(profiles.radii, 0.5 * (high - low), **look.curve)
            column[2].plot(profiles.radii, bands(square)[1], **look.curve)
        column[0].axhline(0.0, color=MUTED, lw=0.6)
        column[0].set_title(arrow(profiles.source, profiles.target))
    _limit(axes[0], symmetric=True)
    _limit(axes[1], symmetric=False)
    _limit_log(axes[2])
    axes[0, 0].set_ylabel("bias: median of\n" + r"$\log_{10}$(model/truth) (dex)")
    axes[1, 0].set_ylabel("scatter: half of its\n16–84 % range (dex)")
    axes[2, 0].set_ylabel("median of\n" + r"$(1-\mathrm{model}/\mathrm{truth})^2$")
    figure.supxlabel(x_label, fontsize=8)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(6, max(1, len(labels))))
    return figure


def _limit(axes: Sequence[Axes], *, symmetric: bool) -> None:
    """Leave out of a row's common y axis what only few points reach, as of a poor baseline."""
    joined = np.abs(_drawn(axes))
    top = max(1.2 * float(np.percentile(joined, _SHOWN)) if joined.size else 1.0, 0.02)
    axes[0].set_ylim(-top if symmetric else 0.0, top)


def _limit_log(axes: Sequence[Axes]) -> None:
    """Make a row's common y axis logarithmic, likewise, if anything is above zero."""
    joined = _drawn(axes)
    joined = np.log10(joined[joined > 0])
    if joined.size:
        low, high = np.percentile(joined, (100.0 - _SHOWN, _SHOWN))
        axes[0].set(yscale="log", ylim=(10.0 ** (low - 0.5), 10.0 ** (high + 0.5)))


def _drawn(axes: Sequence[Axes]) -> NDArray[np.float64]:
    """Return all finite ordinates of the lines in axes."""
    values = [np.asarray(line.get_ydata(), float) for a in axes for line in a.get_lines()]
    joined = np.concatenate(values or [np.empty(0)])
    return joined[np.isfinite(joined)]
