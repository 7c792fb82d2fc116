"""Radial profiles of outputs and truth, and the residuals beneath."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from data.domains import get_domain
from engine.metrics.profile import radial_profile, residual_dex
from explorer.figures.layout import Plan
from explorer.figures.maps import Comparison
from explorer.figures.panels import number, quantity, set_log_ticks
from explorer.figures.sheet import CURVES, INK, Sheet
from explorer.scales import dex_limit

NUM_BINS = 20


def draw_profiles(
    sheet: Sheet, plan: Plan, comparison: Comparison, num_bins: int = NUM_BINS
) -> tuple[Axes, Axes]:
    """Draw the radial profiles and, beneath, each output's residual from the truth.

    Parameters
    ----------
    sheet, plan : to draw on, and where.
    comparison : maps and words.
    num_bins : annuli.

    Returns
    -------
    Both axes; the outputs' curves are the first lines of each.
    """
    extent, target = comparison.extent_kpc, get_domain(comparison.target)
    (left, top), width = plan.profile_corner, plan.profile_width
    upper = sheet.place(left, top, width, plan.heights[0])
    lower = sheet.place(left, top + plan.heights[0], width, plan.heights[1])
    thick = 0.17 * sheet.font
    truth = np.full(num_bins, np.nan)
    if comparison.truth is not None:
        truth = radial_profile(comparison.truth, extent, num_bins)[1]
    limit = 0.0
    for (title, output), look in zip(comparison.outputs.items(), cycle(CURVES), strict=False):
        radii, profile = radial_profile(output, extent, num_bins)
        residual = residual_dex(profile, truth)
        words = title if comparison.others else "output"
        upper.semilogy(radii, profile, lw=thick, label=words, **look)
        lower.plot(radii, residual, lw=thick, **look)
        limit = max(limit, dex_limit(residual))
    if comparison.truth is not None:
        upper.semilogy(radii, truth, color=INK, lw=0.75 * thick, ls="--", label="truth")
    lower.axhline(0.0, color=INK, lw=0.5 * thick, ls=":")
    upper.set_ylabel(quantity(target), fontsize="small")
    where = "best" if comparison.others else "upper right"
    upper.legend(loc=where, ncols=int(max(1, min(4, width / (12 * sheet.font)))))
    _dress(upper, lower, 0.5 * extent, limit)
    sheet.align_ylabels([upper, lower])
    return upper, lower


def _dress(upper: Axes, lower: Axes, radius_kpc: float, limit: float) -> None:
    """Set limits, ticks and labels of a profile and of the residual of `limit` dex beneath it."""
    for axes in (upper, lower):
        axes.set_xlim(0.0, radius_kpc)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    low, high = upper.get_ylim()
    upper.set_ylim(low, high)
    set_log_ticks(upper.yaxis, (low, high))
    upper.tick_params(labelbottom=False)
    lower.set_ylim(-limit, limit)
    lower.yaxis.set_major_locator(FixedLocator([-0.5 * limit, 0.0, 0.5 * limit]))
    lower.yaxis.set_major_formatter(FuncFormatter(number))
    lower.yaxis.set_minor_locator(NullLocator())
    lower.set_ylabel(r"$\Delta$ (dex)", fontsize="small")
    lower.set_xlabel("projected radius (kpc)")
