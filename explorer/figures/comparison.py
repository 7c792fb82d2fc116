"""Figures of a translation: all of it with its profiles, or input, output and truth alone."""

from __future__ import annotations

import textwrap

from explorer.figures.layout import FOOT, Grid, Plan, SmallPrint
from explorer.figures.maps import Comparison
from explorer.figures.panels import (
    draw_color_bar,
    draw_map,
    draw_scale_bar,
    label_axes,
)
from explorer.figures.profiles import NUM_BINS, draw_profiles
from explorer.figures.sheet import INK, Sheet, publication_style
from explorer.sizes import size_of


def comparison_figure(
    comparison: Comparison, *, size: str = "two-columns", num_bins: int = NUM_BINS
) -> Sheet:
    """Draw input, output, truth and residual with the radial profile and its residual.

    Parameters
    ----------
    comparison : maps and words; each of several translators has a column and a curve.
    size : name in `explorer.sizes.SIZES` or a width such as "120mm"; where that is narrow, maps
        come in two rows.
    num_bins : annuli of the profile.

    Returns
    -------
    A figure that is not attached to pyplot.
    """
    chosen = size_of(size)
    small_print = SmallPrint.of(comparison.caption, chosen)
    count = len(comparison.outputs)
    plan = Plan.of(chosen, small_print)
    draw = _draw_maps
    if count > 1:
        plan, draw = Plan.of_several(chosen, small_print, count), _draw_columns
    with publication_style(chosen.font):
        sheet = Sheet(chosen.width, plan.height, chosen.font)
        draw(sheet, plan.grid, comparison)
        draw_profiles(sheet, plan, comparison, num_bins)
        small_print.write(sheet)
    return sheet


def _draw_maps(sheet: Sheet, grid: Grid, comparison: Comparison) -> None:
    """Draw the four maps; output and truth share a color bar where they stand side by side."""
    panels = (*comparison.panels(), *comparison.residual_panels())
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


def _draw_columns(sheet: Sheet, grid: Grid, comparison: Comparison) -> None:
    """Draw input above truth, then each output above its residual, in columns of two."""
    source, output, truth = comparison.panels()
    letters = int(grid.side / (0.55 * sheet.font))  # in a line on a map
    outputs = [
        output.with_values(textwrap.fill(title, letters), values)
        for title, values in comparison.outputs.items()
    ]
    columns = [(source, truth), *zip(outputs, comparison.residual_panels(), strict=True)]
    for index, column in enumerate(columns):
        band, place = divmod(index, grid.columns)
        for row, panel in enumerate(column):
            left, top = grid.corner((2 * band + row) * grid.columns + place)
            axes = sheet.place(left, top, grid.side, grid.side)
            draw_map(axes, panel, comparison.extent_kpc)
            is_last = row == 1 and index + grid.columns >= len(columns)
            label_axes(axes, x=is_last, y=place == 0)
            if index and row == 1:
                axes.tick_params(color=INK)
            if index < 2 or place == 0:  # what follows in a row has the same scale
                follow = min(grid.columns - place, len(columns) - index) if index else 1
                width = follow * (grid.side + grid.gap) - grid.gap
                draw_color_bar(sheet, (left, top), width, panel)
            if index == row == 0:
                draw_scale_bar(axes, comparison.extent_kpc)


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
