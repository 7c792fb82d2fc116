"""A Bokeh figure that stays while its data change, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, Range1d, TapTool
from bokeh.plotting import figure as bokeh_figure

from explorer import theme
from explorer.scales import log_ticks

_TOOLS = "pan,wheel_zoom,box_zoom,reset"


class Chart:
    """A Bokeh figure that stays while its data change.

    Attributes
    ----------
    figure : to put on a page.
    sources : its data by the name of what they draw.
    """

    def __init__(self, title: str, names: Iterable[str], *, scale: str = "log", **options: Any):
        self.figure = bokeh_figure(
            title=title, x_axis_type=scale, y_axis_type=scale, tools=_TOOLS, active_drag=None,
            x_range=Range1d(1, 10), y_range=Range1d(1, 10), toolbar_location="above",
            width=None, height=None,  # its frame has a size; Panel would add up widths of figures
            min_border_right=theme.GAP, min_border_left=theme.MARGIN_LEFT, **options,
        )  # fmt: skip
        self.sources = {name: ColumnDataSource() for name in names}
        if scale == "log":
            for axis in self.figure.axis:
                axis.ticker = FixedTicker(ticks=[])
                axis.formatter = theme.log_formatter()

    def resize(self, width: int, height: int) -> None:
        """Set the size of the frame in pixels."""
        self.figure.update(frame_width=width, frame_height=height)

    def dress(self, colors: theme.Colors) -> None:
        """Wear other colors."""
        theme.style_figure(self.figure, colors)
        for legend in self.figure.legend:
            legend.update(
                background_fill_color=colors.inset, background_fill_alpha=0.8,
                border_line_color=None, label_text_color=colors.text, label_text_font=theme.FONT,
                label_text_font_size="11px", padding=4, spacing=0, glyph_height=14, margin=4,
            )  # fmt: skip

    def clear(self) -> None:
        """Draw nothing."""
        for source in self.sources.values():
            source.data = {name: [] for name in source.data}

    def limit(self, axis: str, values: Sequence[Any]) -> tuple[float, float]:
        """Let a logarithmic axis hold values, and a little more."""
        joined = np.concatenate([np.ravel(v) for v in values]).astype(float)
        joined = joined[np.isfinite(joined) & (joined > 0)]
        low, high = np.log10([joined.min(), joined.max()]) if joined.size else (0.0, 1.0)
        margin = 0.07 * (high - low) + 0.02
        ends = float(10.0 ** (low - margin)), float(10.0 ** (high + margin))
        set_range(getattr(self.figure, f"{axis}_range"), *ends)
        ticks = log_ticks(*ends, most=5)
        getattr(self.figure, f"{axis}axis").ticker.ticks = ticks
        return ends


def set_range(axis: Range1d, start: float, end: float) -> None:
    """Let an axis go from `start` to `end`, also once it is reset."""
    axis.update(start=start, end=end, reset_start=start, reset_end=end)


def frame_map(axes: Iterable[Range1d], extent_kpc: float) -> None:
    """Let the axes of a map end where it does, and be moved away from it by half of it at most."""
    for axis in axes:
        set_range(axis, -0.5 * extent_kpc, 0.5 * extent_kpc)
        axis.bounds = (-extent_kpc, extent_kpc)


def tappable(figure: Any, renderer: Any, act: Callable[[dict[str, Any]], None]) -> None:
    """Call `act` with the row of what is clicked, which is not marked as selected."""
    source = renderer.data_source
    renderer.nonselection_glyph = renderer.selection_glyph = None
    figure.add_tools(TapTool(renderers=[renderer]))

    def hear(name: str, old: list[int], new: list[int]) -> None:
        if new:
            source.selected.indices = []
            act({key: source.data[key][new[0]] for key in source.data})

    source.selected.on_change("indices", hear)
