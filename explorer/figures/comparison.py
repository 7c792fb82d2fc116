"""Figures of one translation: all of it with its profiles, or input, output and truth alone."""

from __future__ import annotations

from explorer.figures.layout import FOOT, Grid, Plan, SmallPrint
from explorer.figures.maps import Comparison
from explorer.figures.panels import (
    draw_color_bar,
    draw_map,
    draw_scale_bar,
    label_axes,
    residual_panel,
)
from explorer.figures.profiles import NUM_BINS, draw_profiles
from explorer.figures.sheet import INK, Sheet, publication_style
from explorer.sizes import size_of


def comparison_figure(
    comparison: Comparison, *, size: str = "two-columns", num_bins: int = NUM_BINS
) -> Sheet:
    """Draw input, output, truth and residual above the radial profile and its residual.

    Parameters
    ----------
    comparison : maps and words.
    size : name in `explorer.sizes.SIZES` or a width such as "120mm"; where that is narrow, maps
        come in two rows.
    num_bins : annuli of the profile.

    Returns
    -------
    A figure that is not attached to pyplot.
    """
    chosen = size_of(size)
    small_print = SmallPrint.of(comparison.caption, chosen)
    plan = Plan.of(chosen, small_print)
    with publication_style(chosen.font):
        sheet = Sheet(chosen.width, plan.height, chosen.font)
        _draw_maps(sheet, plan.grid, comparison)
        draw_profiles(sheet, plan, comparison, num_bins)
        small_print.write(sheet)
    return sheet


def _draw_maps(sheet: Sheet, grid: Grid, comparison: Comparison) -> None:
    """Draw the four maps; output and truth share a color bar where they stand side by side."""
    panels = (*comparison.panels(), residual_panel(comparison.residual()))
    share = grid.columns == len(panels)
    for index, panel in enumerate(panels):
        left, top = grid.corner(index)
        axes = sheet.place(left, top, grid.side, grid.side)
        draw_map(axes, panel, comparison.extent_kpc)
        label_axes(axes, x=index >= len(panels) - grid.columns, y=index % grid.columns == 0)
        if index == 0:
            draw_scale_bar(axes, comparison.extent_kpc)
        if index == 3:
            axes.tick_params(color=INK)
        width = 2 * grid.side + grid.gap if share and index == 1 else grid.side
        if not (share and index == 2):
            draw_color_bar(sheet, (left, top), width, panel)


def triptych_figure(comparison: Comparison, *, size: str = "two-columns") -> Sheet:
    """Draw input, output and truth in one row.

    Parameters
    ----------
    comparison : maps and words.
    size : name in `explorer.sizes.SIZES` or a width such as "120mm".

    Returns
    -------
    A figure that is not attached to pyplot.
    """
    chosen = size_of(size)
    small_print = SmallPrint.of(comparison.caption, chosen)
    grid = Grid.of(chosen, 3)
    beneath = FOOT * chosen.font + small_print.height
    height = chosen.height or grid.bottom(3) + beneath
    grid = grid.within(height - beneath)
    with publication_style(chosen.font):
        sheet = Sheet(chosen.width, height, chosen.font)
        for index, panel in enumerate(comparison.panels()):
            left, top = grid.corner(index)
            axes = sheet.place(left, top, grid.side, grid.side)
            draw_map(axes, panel, comparison.extent_kpc)
            label_axes(axes, x=True, y=index == 0)
            if index == 0:
                draw_scale_bar(axes, comparison.extent_kpc)
                draw_color_bar(sheet, (left, top), grid.side, panel)
            elif index == 1:
                draw_color_bar(sheet, (left, top), 2 * grid.side + grid.gap, panel)
        small_print.write(sheet)
    return sheet
