"""A map with beam and contours on it, and the chart of how spread follows the noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, CustomJS, FixedTicker, HoverTool, Range1d
from bokeh.plotting import figure

from explorer import theme
from explorer.observing import Point, Seen
from explorer.scales import log_ticks, palette
from explorer.views.maps import MapContent, MapPanel
from explorer.views.plots import Plot

# The beam's box in parts of the map's side at least, and in widths of the beam.
_BOX, _BOX_BEAMS = 0.08, 1.4
# In the corner that the scale bar leaves free, wherever the zoom is.
_TO_CORNER = """
const {major} = beam.data;
if (major.length) {
  const side = Math.max(least * (x_range.end - x_range.start), beams * major[0]);
  const at = {x: [x_range.end - 0.5 * side], y: [y_range.start + 0.5 * side], side: [side]};
  beam.data = {...beam.data, ...at};
}
"""


class ObservedPanel(MapPanel):
    """A map as a radio telescope sees it: its beam in the corner, and lines around detections.

    Pixels below zero, which noise makes, have the darkest color.
    """

    def __init__(self, content: MapContent, ranges: tuple[Any, Any], colors: theme.Colors):
        self._beam = ColumnDataSource(_beam_of(None, ranges))
        self._lines = ColumnDataSource({"xs": [], "ys": []})
        super().__init__(content, ranges, colors)
        self._beam_ranges = ranges

    def mark(self, seen: Seen | None, extent_kpc: float) -> None:
        """Draw the beam of an observation and the lines around what it detected."""
        self._beam.data = _beam_of(seen, self._beam_ranges)
        lines = [] if seen is None else seen.contours(extent_kpc)
        self._lines.data = {
            "xs": [line[:, 0] for line in lines],
            "ys": [line[:, 1] for line in lines],
        }

    def _prepare(self, plot: Any, figure: Any) -> None:
        super()._prepare(plot, figure)
        for color, width in (("black", 2.2), ("white", 1.0)):
            figure.multi_line("xs", "ys", source=self._lines, line_color=color, line_width=width)
        figure.rect("x", "y", width="side", height="side", source=self._beam, fill_color="black",
                    fill_alpha=0.85, line_color=None)  # fmt: skip
        figure.ellipse("x", "y", width="minor", height="major", angle="angle", source=self._beam,
                       fill_color="white", line_color="white")  # fmt: skip
        x_range, y_range = self._beam_ranges
        follow = CustomJS(
            args={"beam": self._beam, "x_range": x_range, "y_range": y_range, "least": _BOX,
                  "beams": _BOX_BEAMS}, code=_TO_CORNER,
        )  # fmt: skip
        for axis in (x_range, y_range):
            axis.js_on_change("start", follow)
            axis.js_on_change("end", follow)

    def _describe(self) -> None:
        super()._describe()
        self._handles["color_mapper"].nan_color = palette(self._content.colormap)[0]


class SpreadPlot(Plot):
    """Spread of the samples against the noise of what they start from, a point an observation.

    Points of one distance are joined by a line; the one on view has a ring.
    """

    def __init__(self) -> None:
        self._points, self._lines, self._last = (
            ColumnDataSource({name: [] for name in names})
            for names in (("x", "y", "hours", "distance", "label"), ("xs", "ys"), ("x", "y"))
        )
        plot = figure(
            title="Uncertainty and noise", x_axis_type="log", x_range=Range1d(1, 10),
            y_range=Range1d(0, 0.2), tools="", toolbar_location=None, min_border_right=theme.GAP,
            min_border_left=theme.MARGIN_LEFT, min_border_top=0,
        )  # fmt: skip
        plot.title.align = "left"
        plot.xaxis.axis_label = "noise (10¹⁹ cm⁻²)"
        plot.yaxis.axis_label = "spread of samples (dex)"
        plot.xaxis.ticker = FixedTicker(ticks=[])
        plot.xaxis.formatter = theme.log_formatter()
        self._line = plot.multi_line("xs", "ys", source=self._lines, line_width=1.2)
        self._ring = plot.scatter("x", "y", source=self._last, size=17, fill_color=None,
                                  line_width=1.5)  # fmt: skip
        self._dots = plot.scatter("x", "y", source=self._points, size=9)
        self._text = plot.text("x", "y", "label", source=self._points, x_offset=-7, y_offset=-4,
                               text_align="right", text_font=value(theme.FONT),
                               text_font_size="11px")  # fmt: skip
        told = [("distance", "@distance{0} Mpc"), ("time", "@hours{0} h"),
                ("noise", "@x{0.00} × 10¹⁹ cm⁻²"), ("spread", "@y{0.000} dex")]  # fmt: skip
        plot.add_tools(HoverTool(renderers=[self._dots], tooltips=told))
        super().__init__(plot)

    def put(self, points: Sequence[Point], last: Point | None = None) -> None:
        """Show points; `last` is that of the observation on view."""
        distances = sorted({point.distance_mpc for point in points})
        several = len(distances) > 1
        self._points.data = {
            "x": [p.noise_column for p in points], "y": [p.spread_dex for p in points],
            "hours": [p.hours for p in points], "distance": [p.distance_mpc for p in points],
            "label": [f"{p.hours:g} h" + (f", {p.distance_mpc:.0f} Mpc" if several else "")
                      for p in points],
        }  # fmt: skip
        rows = [
            sorted((p.noise_column, p.spread_dex) for p in points if p.distance_mpc == distance)
            for distance in distances
        ]
        self._lines.data = {"xs": [[x for x, _ in row] for row in rows],
                            "ys": [[y for _, y in row] for row in rows]}  # fmt: skip
        ends = [] if last is None else [last]
        self._last.data = {"x": [p.noise_column for p in ends], "y": [p.spread_dex for p in ends]}
        if points:
            self._limit(np.array([(p.noise_column, p.spread_dex) for p in points]))

    def _limit(self, values: Any) -> None:
        (left, low), (right, high) = values.min(axis=0), values.max(axis=0)
        # With room for words at the left, and for more than one point.
        start, end = float(left) / 2.5, max(float(right) * 1.6, 6.0 * float(left))
        self.figure.x_range.update(start=start, end=end)
        self.figure.xaxis.ticker.ticks = log_ticks(start, end, most=5)
        pad = max(0.2 * (high - low), 0.02)
        self.figure.y_range.update(start=max(float(low - pad), 0.0), end=float(high + pad))

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._dots.glyph.update(fill_color=colors.warm, line_color=colors.inset)
        self._line.glyph.line_color = colors.muted
        self._ring.glyph.line_color = self._text.glyph.text_color = colors.text


def _beam_of(seen: Seen | None, ranges: tuple[Any, Any]) -> dict[str, list[float]]:
    """Return the ellipse in the corner. Its angle is from y through -x: north through east."""
    if seen is None:
        return {name: [] for name in ("x", "y", "major", "minor", "angle", "side")}
    major, minor = seen.beam_kpc
    x_range, y_range = ranges
    side = max(_BOX * (x_range.end - x_range.start), _BOX_BEAMS * major)
    return {
        "x": [x_range.end - 0.5 * side], "y": [y_range.start + 0.5 * side], "side": [side],
        "major": [major], "minor": [minor],
        "angle": [float(np.radians(seen.beam.position_angle_deg))],
    }  # fmt: skip
