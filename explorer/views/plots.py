"""The settled plots of samples: all of them in small, their profiles, their values in a circle."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.core.properties import value
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LogColorMapper,
    Range1d,
)
from bokeh.plotting import figure
from numpy.typing import NDArray
from panel.viewable import Viewer

from explorer import theme
from explorer.ensemble import BAND, Aperture
from explorer.scales import log_ticks, palette
from explorer.views.maps import MapContent

Array = NDArray[np.float64]

HEIGHT = 320
_DECADES = 6.0
_LARGEST_CELL = 190


def _plot(title: str, tooltips: list[tuple[str, str]] | None = None, **options: Any) -> Any:
    made = figure(
        title=title, tools="", toolbar_location=None, frame_height=HEIGHT,
        min_border_right=theme.GAP, min_border_top=0, **options,
    )  # fmt: skip
    made.title.align = "left"
    if tooltips:
        made.add_tools(HoverTool(tooltips=tooltips))
    return made


class Plot(Viewer):
    """A Bokeh figure that persists while what it shows changes.

    Attributes
    ----------
    figure, pane : what is drawn, and what holds it on the page.
    """

    def __init__(self, plot: Any):
        super().__init__()
        self.figure = plot
        self.pane = pn.pane.Bokeh(plot, margin=0, theme=None, styles={"flex": "none"})

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        theme.style_figure(self.figure, colors)

    def __panel__(self) -> Any:
        return self.pane


class SampleSheet(Plot):
    """All samples as small maps, each with its number and the aperture."""

    def __init__(self) -> None:
        self._side, self._count = 800, 8
        self._maps = ColumnDataSource({"image": [], "x": [], "y": [], "number": []})
        self._circles = ColumnDataSource({"x": [], "y": [], "radius": []})
        self._mapper = LogColorMapper(palette=palette("gray"), low=1.0, high=10.0)
        plot = _plot("Samples", [("sample", "@number"), ("value", "@image")],
                     x_range=Range1d(0, 1), y_range=Range1d(-1, 0))  # fmt: skip
        plot.axis.visible = False
        drawn = plot.image("image", x="x", y="y", dw=0.97, dh=0.97, source=self._maps,
                           color_mapper=self._mapper)  # fmt: skip
        plot.hover.renderers = [drawn]
        draw_circle(plot, self._circles)
        plot.text("x", "y", "number", source=self._maps, x_offset=5, y_offset=-4,
                  text_color="white", background_fill_color="black",
                  background_fill_alpha=0.5, padding=2, text_font=value(theme.FONT),
                  text_font_size="12px")  # fmt: skip
        super().__init__(plot)

    def resize(self, width_px: int, count: int) -> None:
        """Fit into so many pixels with room for `count` maps, drawn or not."""
        self._side, self._count = width_px, count
        columns, rows = self._columns, -(-count // self._columns)
        cell = min((width_px - 2 * theme.GAP) // columns, _LARGEST_CELL)
        self.figure.update(frame_width=cell * columns, frame_height=cell * rows)
        self.figure.x_range.end, self.figure.y_range.start = columns, -rows

    @property
    def _columns(self) -> int:
        return min(self._count, 8 if self._side >= theme.NARROW_PX else 4)

    def put(self, content: MapContent, samples: NDArray[Any] | None) -> None:
        """Show samples (M, H, W) in the title, unit and colors of `content`, or nothing."""
        self.figure.title.text = content.title
        theme.set_colors(self._mapper, content.limits, content.colormap)
        maps = [] if samples is None else [np.asarray(one, np.float32) for one in samples]
        x, y = self._places(len(maps))
        numbers = [str(index + 1) for index in range(len(maps))]
        self._maps.data = {"image": maps, "x": x, "y": y, "number": numbers}
        self.figure.hover.tooltips = [("sample", "@number"), (content.quantity,
                                      f"@image{{0.00e}} {content.unit}")]  # fmt: skip

    def mark(self, aperture: Aperture, extent_kpc: float) -> None:
        """Draw the aperture into each map."""
        x, y = self._places(len(self._maps.data["number"]))
        unit = 0.97 / extent_kpc
        self._circles.data = {
            "x": [each + 0.485 + aperture.x_kpc * unit for each in x],
            "y": [each + 0.485 + aperture.y_kpc * unit for each in y],
            "radius": [aperture.radius_kpc * unit] * len(x),
        }

    def _places(self, count: int) -> tuple[list[float], list[float]]:
        """Return the lower left corners of the maps."""
        rows, columns = np.divmod(np.arange(count), self._columns)
        return [float(c) for c in columns], [float(-r) - 0.97 for r in rows]

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self.figure.background_fill_color = self.figure.outline_line_color = None
        self._mapper.nan_color = colors.no_data


class ProfilePlot(Plot):
    """Radial profile of the samples, as a band, and of the truth."""

    def __init__(self) -> None:
        self._band = ColumnDataSource({"r": [], "low": [], "middle": [], "high": []})
        self._truth = ColumnDataSource({"r": [], "value": []})
        plot = _plot("Radial profile", y_axis_type="log", x_range=Range1d(0, 50),
                     y_range=Range1d(1e5, 1e9), x_axis_label="projected radius (kpc)",
                     min_border_left=70)  # fmt: skip
        plot.yaxis.formatter, plot.yaxis.ticker = theme.log_formatter(), FixedTicker()
        low, high = (round(100 * BAND[i]) for i in (0, 2))
        self._area = plot.varea("r", "low", "high", source=self._band, fill_alpha=0.35,
                                legend_label=f"{low}–{high} %")  # fmt: skip
        self._line = plot.line("r", "middle", source=self._band, line_width=2,
                               legend_label="median")  # fmt: skip
        self._dashes = plot.line("r", "value", source=self._truth, line_width=2,
                                 line_dash="dashed", legend_label="truth")  # fmt: skip
        plot.add_layout(plot.legend[0], "below")
        super().__init__(plot)

    def put(
        self, label: str, extent_kpc: float, samples: tuple[Array, Array],
        truth: tuple[Array, Array] | None,
    ) -> None:  # fmt: skip
        """Show radii (bins,) and band (3, bins) of `profile_band`, and radii and truth (bins,)."""
        self.figure.yaxis.axis_label = label
        self.figure.x_range.end = 0.5 * extent_kpc
        radii, band = samples
        self._band.data = {"r": radii, "low": band[0], "middle": band[1], "high": band[2]}
        radii, own = (np.empty(0), np.empty(0)) if truth is None else truth
        self._truth.data = {"r": radii, "value": own}
        values = np.concatenate([band.ravel(), own])
        values = values[np.isfinite(values) & (values > 0)]
        if len(values):
            high = float(values.max()) * 2.0
            low = max(float(values.min()) / 2.0, high / 10**_DECADES)
            self.figure.y_range.update(start=low, end=high)
            self.figure.yaxis.ticker.ticks = log_ticks(low, high)

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._area.glyph.fill_color = self._line.glyph.line_color = colors.warm
        self._dashes.glyph.line_color = colors.text
        dress_legend(self.figure.legend, colors)


class ValueStrip(Plot):
    """One dot a sample at its value, stacked where they lie close; the truth is a line."""

    _STACKS = 28

    def __init__(self) -> None:
        self._dots = ColumnDataSource({"x": [], "y": [], "number": []})
        self._range = ColumnDataSource({"low": [], "high": [], "middle": [], "y": []})
        self._truth = ColumnDataSource({"x": [], "y": []})
        plot = _plot("Posterior in the aperture", x_range=Range1d(0, 1), y_range=Range1d(-1.4, 8),
                     min_border_left=20)  # fmt: skip
        plot.yaxis.visible = False
        self._line = plot.line("x", "y", source=self._truth, line_width=2, line_dash="dashed",
                               legend_label="truth")  # fmt: skip
        self._bar = plot.segment("low", "y", "high", "y", source=self._range, line_width=5,
                                 line_alpha=0.5, legend_label="16–84 %")  # fmt: skip
        self._middle = plot.scatter("middle", "y", source=self._range, marker="dash", size=14,
                                    angle=np.pi / 2, line_width=2)  # fmt: skip
        self._samples = plot.scatter("x", "y", source=self._dots, size=11, line_width=1,
                                     legend_label="samples")  # fmt: skip
        told = [("sample", "@number"), ("log₁₀", "@x{0.000}")]
        plot.add_tools(HoverTool(renderers=[self._samples], tooltips=told))
        plot.xaxis.ticker = BasicTicker(desired_num_ticks=4)
        plot.add_layout(plot.legend[0], "below")
        super().__init__(plot)

    def put(self, title: str, label: str, values: Array, truth: float) -> None:
        """Show logarithms of samples (M,) and of the truth; what is not finite is left out."""
        self.figure.title.text, self.figure.xaxis.axis_label = title, label
        finite = np.isfinite(values)
        shown = values[finite]
        ends = np.concatenate([shown, [truth] if np.isfinite(truth) else []])
        low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
        pad = max(0.12 * (high - low), 0.05)
        self.figure.x_range.update(start=low - pad, end=high + pad)
        stacks = np.floor((shown - low + pad) / (high - low + 2 * pad) * self._STACKS)
        level = [float((stacks[:i] == stack).sum()) for i, stack in enumerate(stacks)]
        top = max([4.0, *level]) + 1.0
        self.figure.y_range.update(start=-0.19 * top, end=1.25 * top)
        self._dots.data = {"x": shown, "y": level, "number": np.flatnonzero(finite) + 1}
        quantiles = [np.quantile(shown, q) for q in BAND] if len(shown) else [np.nan] * 3
        self._range.data = {"low": quantiles[:1], "middle": quantiles[1:2], "high": quantiles[2:],
                            "y": [-0.1 * top]}  # fmt: skip
        there = [truth, truth] if np.isfinite(truth) else []
        self._truth.data = {"x": there, "y": [-0.19 * top, 1.25 * top][: len(there)]}

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._samples.glyph.update(fill_color=colors.warm, line_color=colors.inset)
        self._bar.glyph.line_color = self._middle.glyph.line_color = colors.warm
        self._line.glyph.line_color = colors.text
        dress_legend(self.figure.legend, colors)


def draw_circle(plot: Any, source: ColumnDataSource) -> None:
    """Draw circles of `source` that are seen on any color."""
    for color, width in (("black", 3.5), ("white", 1.5)):
        plot.circle("x", "y", radius="radius", source=source, fill_color=None, line_color=color,
                    line_width=width)  # fmt: skip


def dress_legend(legend: Any, colors: theme.Colors) -> None:
    """Let a legend beneath a figure be one line in the page's colors."""
    legend.update(
        orientation="horizontal", background_fill_color=None, border_line_color=None,
        label_text_color=colors.text, label_text_font=theme.FONT, label_text_font_size="11px",
        padding=2, spacing=14, margin=0,
    )  # fmt: skip
