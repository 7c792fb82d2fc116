"""The figures of the page Profiles, linked by their radius: curves, residuals, and the input's."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from explorer import theme
from explorer.ensemble import BAND
from explorer.radial import Profiles
from explorer.scales import POWER_OF_TEN_JS, dex_limit, log_ticks, tick_label
from explorer.views.plots import Plot, dress_legend

Array = NDArray[np.float64]

_DECADES = 8.0
_LEFT = 74  # room for the widest labels, so that frames above one another are flush
_BAND_NAME = f"{round(100 * BAND[0])}–{round(100 * BAND[2])} %"


class RadiusAxis:
    """One axis of radii for several figures, linear or logarithmic, in one zoom.

    Figures have x = r or log10 r on a linear axis, for Bokeh cannot change the kind of an axis.
    """

    def __init__(self) -> None:
        self.range = Range1d(0.0, 1.0)
        self._is_log = False

    def place(self, radii: Array) -> Array:
        """Return where radii lie on the axis."""
        return np.log10(radii) if self._is_log else np.asarray(radii)

    def fit(self, radii: Array, is_log: bool, figures: list[Any], label: str) -> None:
        """Let the axes of figures hold radii above zero."""
        self._is_log = is_log
        start = float(radii[0]) if is_log else 0.0
        low, high = self.place(np.array([start, float(radii[-1])]))
        self.range.update(start=low, end=high, reset_start=low, reset_end=high)
        for plot in figures:
            axis = plot.xaxis[0]
            axis.axis_label = label
            if is_log:
                ticks = log_ticks(float(radii[0]), float(radii[-1]), most=7)
                places = [float(np.log10(tick)) for tick in ticks]
                axis.ticker = FixedTicker(ticks=places)
                axis.major_label_overrides = dict(
                    zip(places, map(tick_label, ticks), strict=True)
                )  # fmt: skip
            else:
                axis.ticker, axis.major_label_overrides = BasicTicker(desired_num_ticks=6), {}


def _figure(title: str, axis: RadiusAxis, **options: Any) -> Any:
    made = figure(
        title=title, tools="xpan,xwheel_zoom,box_zoom,reset", active_drag=None,
        toolbar_location="above", x_range=axis.range, min_border_right=theme.GAP,
        min_border_left=_LEFT, min_border_top=0, **options,
    )  # fmt: skip
    made.title.align = "left"
    made.title.standoff = 4
    return made


class CurvesPlot(Plot):
    """Profiles of output, samples and truth."""

    def __init__(self, axis: RadiusAxis) -> None:
        self._axis = axis
        self.curves = ColumnDataSource({n: [] for n in (
            "x", "radius", "output", "truth", "low", "median", "high", "output_dex",
        )})  # fmt: skip
        self.area = ColumnDataSource({n: [] for n in ("x", "low", "high")})
        plot = _figure("Target", axis, y_axis_type="log", y_range=Range1d(1e5, 1e9))
        plot.yaxis.formatter, plot.yaxis.ticker = theme.log_formatter(), FixedTicker()
        self._area = plot.varea("x", "low", "high", source=self.area, fill_alpha=0.3,
                                legend_label=f"samples, {_BAND_NAME}")  # fmt: skip
        self._median = plot.line("x", "median", source=self.curves, line_width=2,
                                 legend_label="samples, median")  # fmt: skip
        self._output = plot.line("x", "output", source=self.curves, line_width=2,
                                 legend_label="output, one run")  # fmt: skip
        self._truth = plot.line("x", "truth", source=self.curves, line_width=2,
                                line_dash="dashed", legend_label="truth")  # fmt: skip
        # Something that is there at every radius, for the mouse to find.
        self._touch = plot.scatter("x", "touch", source=self.curves, size=0, alpha=0)
        plot.add_layout(plot.legend[0], "below")
        self._hover = _hover(plot, self._touch)
        super().__init__(plot)

    def put(self, found: Profiles, label: str, unit: str, radius_unit: str) -> None:
        """Show profiles in `unit`."""
        self.figure.yaxis.axis_label = label
        blank = np.full(found.radii.shape, np.nan)
        band = np.stack([blank] * 3) if found.band is None else found.band
        x = self._axis.place(found.radii)
        curves = {
            "output": _or(found.output, blank), "truth": _or(found.truth, blank),
            "low": band[0], "median": band[1], "high": band[2],
        }  # fmt: skip
        values = np.stack(list(curves.values()))
        values = np.where(values > 0, values, np.nan)
        middle = np.full(len(x), np.nan)
        known = np.isfinite(values).any(axis=0)
        middle[known] = np.nanmedian(values[:, known], axis=0)
        self.curves.data = {
            "x": x, "radius": found.radii, **curves, "touch": middle,
            "output_dex": _or(found.output_dex, blank),
        }  # fmt: skip
        there = np.isfinite(band).all(axis=0) & (band[0] > 0)
        self.area.data = {"x": x[there], "low": band[0][there], "high": band[2][there]}
        _fit(self.figure, values)
        self._hover.tooltips = [
            ("radius", f"@radius{{0.00}} {radius_unit}"), ("truth", f"@truth{{custom}} {unit}"),
            ("output", f"@output{{custom}} {unit}"), ("median", f"@median{{custom}} {unit}"),
            (_BAND_NAME, f"@low{{custom}} to @high{{custom}} {unit}"),
            ("output / truth", "@output_dex{custom} dex"),
        ]  # fmt: skip

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._area.glyph.fill_color = self._median.glyph.line_color = colors.warm
        self._output.glyph.line_color = colors.accent
        self._truth.glyph.line_color = colors.text
        dress_legend(self.figure.legend, colors)


class ResidualsPlot(Plot):
    """What output and samples have over the truth."""

    def __init__(self, axis: RadiusAxis) -> None:
        self._axis = axis
        self.lines = ColumnDataSource({n: [] for n in ("x", "radius", "output", "median", "zero")})
        self.area = ColumnDataSource({n: [] for n in ("x", "low", "high")})
        plot = _figure("", axis, y_range=Range1d(-1, 1))
        plot.yaxis.axis_label, plot.yaxis.formatter = "Δ log₁₀ (dex)", theme.plain_formatter()
        plot.yaxis.ticker = BasicTicker(desired_num_ticks=4)
        self._area = plot.varea("x", "low", "high", source=self.area, fill_alpha=0.3)
        self._median = plot.line("x", "median", source=self.lines, line_width=2)
        self._output = plot.line("x", "output", source=self.lines, line_width=2)
        self._touch = plot.scatter("x", "zero", source=self.lines, size=0, alpha=0)
        self._zero = Span(location=0, dimension="width", line_dash=[6, 4])
        plot.add_layout(self._zero)
        self._hover = _hover(plot, self._touch)
        super().__init__(plot)

    def put(self, found: Profiles, radius_unit: str) -> None:
        """Show residuals in dex; nothing, and why in the title, where there is no truth."""
        blank = np.full(found.radii.shape, np.nan)
        band = np.stack([blank] * 3) if found.band_dex is None else found.band_dex
        x, output = self._axis.place(found.radii), _or(found.output_dex, blank)
        self.lines.data = {
            "x": x, "radius": found.radii, "output": output, "median": band[1],
            "zero": np.zeros(len(x)),
        }  # fmt: skip
        there = np.isfinite(band).all(axis=0)
        self.area.data = {"x": x[there], "low": band[0][there], "high": band[2][there]}
        limit = max(dex_limit(each) if np.isfinite(each).any() else 0.5 for each in (output, band))
        self.figure.y_range.update(start=-limit, end=limit, reset_start=-limit, reset_end=limit)
        self.figure.title.text = (
            "This galaxy has no map of the target, thus no residual"
            if found.truth is None
            else "Over the truth"
        )
        self._hover.tooltips = [
            ("radius", f"@radius{{0.00}} {radius_unit}"), ("output", "@output{custom} dex"),
            ("median of samples", "@median{custom} dex"),
        ]  # fmt: skip

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._area.glyph.fill_color = self._median.glyph.line_color = colors.warm
        self._output.glyph.line_color = colors.accent
        self._zero.line_color = colors.muted


class InputPlot(Plot):
    """The profile of the input, which has a unit of its own."""

    def __init__(self, axis: RadiusAxis) -> None:
        self._axis = axis
        self.curve = ColumnDataSource({n: [] for n in ("x", "radius", "value")})
        plot = _figure("Input", axis, y_axis_type="log", y_range=Range1d(1e5, 1e9))
        plot.yaxis.formatter, plot.yaxis.ticker = theme.log_formatter(), FixedTicker()
        self._line = plot.line("x", "value", source=self.curve, line_width=2)
        self._hover = _hover(plot, self._line)
        super().__init__(plot)

    def put(self, found: Profiles, label: str, unit: str, radius_unit: str) -> None:
        """Show the profile in `unit`."""
        self.figure.yaxis.axis_label = label
        values = _or(found.source, np.full(found.radii.shape, np.nan))
        self.curve.data = {
            "x": self._axis.place(found.radii), "radius": found.radii, "value": values,
        }  # fmt: skip
        _fit(self.figure, np.where(values > 0, values, np.nan))
        self._hover.tooltips = [
            ("radius", f"@radius{{0.00}} {radius_unit}"), ("input", f"@value{{custom}} {unit}"),
        ]  # fmt: skip

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        super().dress(colors)
        self._line.glyph.line_color = colors.muted


def _hover(plot: Any, renderer: Any) -> HoverTool:
    number = CustomJSHover(
        code=POWER_OF_TEN_JS + "return isFinite(value) ? powerOfTen(value, 2) : '–'"
    )
    names = ("output", "truth", "low", "median", "high", "value", "output_dex")
    tool = HoverTool(
        renderers=[renderer], mode="vline", tooltips=[], point_policy="snap_to_data",
        formatters={f"@{name}": number for name in names},
    )  # fmt: skip
    plot.add_tools(tool)
    return tool


def _fit(plot: Any, values: Array) -> None:
    """Let a logarithmic axis hold values, as far as they lie within so many decades."""
    values = values[np.isfinite(values)]
    if not values.size:
        return
    high = float(values.max()) * 2.0
    low = max(float(values.min()) / 2.0, high / 10**_DECADES)
    plot.y_range.update(start=low, end=high, reset_start=low, reset_end=high)
    plot.yaxis.ticker.ticks = log_ticks(low, high, most=6)


def _or(values: Array | None, blank: Array) -> Array:
    return blank if values is None else values
