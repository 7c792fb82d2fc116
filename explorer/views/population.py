"""Figures of the page Compare: methods, directions and hold-out galaxies as Bokeh draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    LabelSet,
    Range1d,
    Span,
    TapTool,
)
from bokeh.plotting import figure as bokeh_figure

from data.domains import DOMAINS
from explorer import theme
from explorer.comparison import COLUMNS, Abundance, Pair, Residuals, Standing, Totals
from explorer.scales import POWER_OF_TEN_JS, log_ticks, palette

_CRPS, _SECONDS = (
    next(i for i, c in enumerate(COLUMNS) if c.head == head) for head in ("CRPS", "Time a map")
)
_LIMIT_DEX = 0.7  # of the matrix's colors: a factor of five; between HI and 21 cm it is more
_LABEL_PX = 13  # a line of text
_TOOLS = "pan,wheel_zoom,box_zoom,reset"


class Plot:
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

    def _limit(self, axis: str, values: Sequence[Any]) -> tuple[float, float]:
        """Let a logarithmic axis hold values, and a little more."""
        joined = np.concatenate([np.ravel(v) for v in values]).astype(float)
        joined = joined[np.isfinite(joined) & (joined > 0)]
        low, high = np.log10([joined.min(), joined.max()]) if joined.size else (0.0, 1.0)
        margin = 0.07 * (high - low) + 0.02
        ends = float(10.0 ** (low - margin)), float(10.0 ** (high + margin))
        _set_range(getattr(self.figure, f"{axis}_range"), *ends)
        ticks = log_ticks(*ends, most=5)
        getattr(self.figure, f"{axis}axis").ticker.ticks = ticks
        return ends


class CostPlot(Plot):
    """What a method costs against how good it is."""

    def __init__(self) -> None:
        super().__init__("Cost and quality", ["methods"])
        self.figure.xaxis.axis_label = "time a map (s)"
        self.figure.yaxis.axis_label = "CRPS (dex), less is better"
        source = self.sources["methods"]
        source.data = {n: [] for n in ("x", "y", "title", "device", "dx", "dy", "color")}
        dots = self.figure.scatter("x", "y", source=source, size=9, color="color", line_width=0)
        self._labels = LabelSet(
            x="x", y="y", text="title", x_offset="dx", y_offset="dy", source=source,
            text_color="color", text_font=value(theme.FONT), text_font_size="11px",
            text_baseline="middle", text_align="left",
        )  # fmt: skip
        self.figure.add_layout(self._labels)
        self.figure.add_tools(HoverTool(renderers=[dots], tooltips=[
            ("method", "@title"), ("CRPS", "@y{0.000} dex"), ("time a map", "@x{0.00000} s"),
            ("on", "@device"),
        ]))  # fmt: skip

    def put(self, rows: Iterable[Standing], chosen: str | None, colors: theme.Colors) -> None:
        """Show those methods that have both numbers."""
        both = [row for row in rows if row.values[_CRPS] and row.values[_SECONDS]]
        x, y = ([row.values[place] for row in both] for place in (_SECONDS, _CRPS))
        low, high = self._limit("x", [x])
        _set_range(self.figure.x_range, low / 1.6, high * 1.6)
        self._limit("y", [y])
        self.sources["methods"].data = {
            "x": x, "y": y, "title": [row.title for row in both],
            "device": [row.device for row in both], **self._places(x, y, [r.title for r in both]),
            "color": [
                colors.accent if r.name == chosen else colors.muted if r.is_baseline
                else colors.text for r in both
            ],
        }  # fmt: skip

    def _places(self, x: list[Any], y: list[Any], titles: list[str]) -> dict[str, list[float]]:
        """Return where labels stand from their points in pixels, so that none hides another."""
        frame = self.figure
        across, up = (
            _pixels(values, limits, size)
            for values, limits, size in (
                (x, frame.x_range, frame.frame_width or 280),
                (y, frame.y_range, frame.frame_height or 280),
            )
        )
        left = [place > 0.5 * (frame.frame_width or 280) for place in across]
        widths = [6.0 * len(title) for title in titles]
        dx = [-8 - w if is_left else 8.0 for w, is_left in zip(widths, left, strict=True)]
        taken: list[tuple[float, float, float]] = []
        dy = [0.0] * len(titles)
        for i in sorted(range(len(titles)), key=lambda i: up[i]):
            start, level = across[i] + dx[i], up[i]
            dots = [
                (a - 5, a + 5, b) for j, (a, b) in enumerate(zip(across, up, strict=True)) if j != i
            ]
            for begin, end, other in sorted([*taken, *dots], key=lambda t: t[2]):
                if start < end and begin < start + widths[i] and abs(level - other) < _LABEL_PX:
                    level = other + _LABEL_PX
            taken.append((start, start + widths[i], level))
            dy[i] = level - up[i]
        return {"dx": dx, "dy": dy}


class DirectionMatrix(Plot):
    """CRPS over that of the baseline, in all directions; a click chooses one."""

    def __init__(self, choose: Callable[[str, str], None]):
        super().__init__("CRPS over that of a pixelwise fit", ["cells", "here"], scale="linear")
        labels = [domain.label for domain in DOMAINS.values()]
        count = len(labels)
        _set_range(self.figure.x_range, -0.5, count - 0.5)
        _set_range(self.figure.y_range, count - 0.5, -0.5)
        for axis, label in zip(self.figure.axis, ("target", "source"), strict=True):
            axis.ticker = FixedTicker(ticks=list(range(count)))
            axis.major_label_overrides = dict(enumerate(labels))
            axis.axis_label = label
        self.figure.xaxis.major_label_orientation = 0.6
        cells, here = self.sources["cells"], self.sources["here"]
        cells.data = {n: [] for n in (
            "x", "y", "source", "target", "source_label", "target_label", "own", "base", "ratio",
            "text", "fill", "ink",
        )}  # fmt: skip
        here.data = {"x": [], "y": []}
        squares = self.figure.rect(
            "x", "y", 0.96, 0.96, source=cells, fill_color="fill", line_color=None
        )
        self.figure.text(
            "x", "y", "text", source=cells, text_color="ink", text_font=value(theme.FONT),
            text_font_size="11px", text_align="center", text_baseline="middle",
        )  # fmt: skip
        self._frame = self.figure.rect(
            "x", "y", 0.96, 0.96, source=here, fill_color=None, line_width=2.5
        )
        _tappable(self.figure, squares, lambda row: choose(row["source"], row["target"]))
        self.figure.add_tools(HoverTool(renderers=[squares], tooltips=[
            ("", "@source_label → @target_label"), ("CRPS", "@own{0.000} dex"),
            ("pixelwise", "@base{0.000} dex"), ("ratio", "@ratio{0.00}"),
            ("", "click to choose"),
        ]))  # fmt: skip

    def put(
        self, ratios: Mapping[Pair, tuple[float, float]], here: Pair, colors: theme.Colors
    ) -> None:
        """Show ratios, and mark the direction on view."""
        places = {name: place for place, name in enumerate(DOMAINS)}
        pairs = [pair for pair, values in ratios.items() if np.isfinite(values).all()]
        own, base = (np.array([ratios[pair][k] for pair in pairs], float) for k in (0, 1))
        ratio = own / base
        dex = np.log10(ratio)
        shades = palette(colors.diverging)
        steps = np.clip((0.5 + 0.5 * dex / _LIMIT_DEX) * (len(shades) - 1), 0, len(shades) - 1)
        fill = [shades[round(step)] for step in steps]
        self.sources["cells"].data = {
            "x": [places[pair[1]] for pair in pairs], "y": [places[pair[0]] for pair in pairs],
            "source": [pair[0] for pair in pairs], "target": [pair[1] for pair in pairs],
            "source_label": [DOMAINS[pair[0]].label for pair in pairs],
            "target_label": [DOMAINS[pair[1]].label for pair in pairs],
            "own": own, "base": base, "ratio": ratio,
            "text": [f"{r:.2f}" if r < 10 else f"{r:.0f}" for r in ratio],
            "fill": fill, "ink": [_ink(color) for color in fill],
        }  # fmt: skip
        self.sources["here"].data = {"x": [places[here[1]]], "y": [places[here[0]]]}
        self._frame.glyph.line_color = colors.warm


class TotalsPlot(Plot):
    """What maps hold in all: samples against the truth, with the 1:1 line."""

    def __init__(self, open_galaxy: Callable[[str], None], known: Iterable[str]):
        super().__init__("Integrated quantity", ["galaxies", "ranges", "even"])
        self._known = frozenset(known)
        source = self.sources["galaxies"]
        source.data = {n: [] for n in ("truth", "model", "low", "high", "name", "kind", "click")}
        self.sources["even"].data = {"x": [], "y": []}
        self._even = self.figure.line("x", "y", source=self.sources["even"], line_dash=[6, 4])
        self._bars = self.figure.segment("truth", "low", "truth", "high", source=source)
        self._dots = self.figure.scatter("truth", "model", source=source, size=8, line_width=1)
        _tappable(self.figure, self._dots, lambda row: open_galaxy(row["name"]))
        _hover(self.figure, self._dots, [("truth", "truth"), ("samples’ median", "model")])

    def put(self, totals: Totals, colors: theme.Colors) -> None:
        """Show medians of the samples, with bars from their 16th to their 84th percentile."""
        low, median, high = np.percentile(totals.samples, (16.0, 50.0, 84.0), axis=1)
        self.sources["galaxies"].data = {
            "truth": totals.truth, "model": median, "low": low, "high": high,
            "name": totals.names, "kind": _spelled(totals.kinds),
            "click": [_click(name, self._known) for name in totals.names],
            "unit": [totals.unit] * len(median),
        }  # fmt: skip
        everything = [totals.truth, low, high]
        ends = self._limit("x", everything)
        self._limit("y", everything)
        self.sources["even"].data = {"x": list(ends), "y": list(ends)}
        self.figure.xaxis.axis_label = f"truth: {totals.quantity} ({totals.unit})"
        self.figure.yaxis.axis_label = f"model ({totals.unit})"
        self._even.glyph.line_color = colors.muted
        self._bars.glyph.update(line_color=colors.accent, line_alpha=0.55, line_width=1.5)
        self._dots.glyph.update(fill_color=colors.accent, line_color=colors.inset)


class AbundancePlot(Plot):
    """Stars against dark matter, of the truth and of a sample each."""

    def __init__(self, open_galaxy: Callable[[str], None], known: Iterable[str]):
        super().__init__("Abundance matching, one sample", ["truth", "model"])
        self._known = frozenset(known)
        self.figure.xaxis.axis_label = "dark matter in the map (M☉)"
        self.figure.yaxis.axis_label = "stars in the map (M☉)"
        self._dots = []
        for name, marker in (("truth", "circle"), ("model", "circle")):
            source = self.sources[name]
            source.data = {n: [] for n in ("x", "y", "name", "kind", "click", "unit")}
            dots = self.figure.scatter("x", "y", source=source, size=8, marker=marker,
                                       legend_label=name)  # fmt: skip
            _tappable(self.figure, dots, lambda row: open_galaxy(row["name"]))
            _hover(self.figure, dots, [("dark matter", "x"), ("stars", "y")])
            self._dots.append(dots)
        self.figure.legend.location = "top_left"

    def put(self, found: Abundance, colors: theme.Colors) -> None:
        """Show a point of the truth and one of the model for each galaxy."""
        for name, x, y in (
            ("truth", found.true_dark_matter, found.true_stars),
            ("model", found.dark_matter, found.stars),
        ):
            self.sources[name].data = {
                "x": x, "y": y, "name": found.names, "kind": _spelled(found.kinds),
                "click": [_click(each, self._known) for each in found.names],
                "unit": ["M☉"] * len(x),
            }  # fmt: skip
        self._limit("x", [found.true_dark_matter, found.dark_matter])
        self._limit("y", [found.true_stars, found.stars])
        truth, model = self._dots
        truth.glyph.update(fill_color=None, line_color=colors.warm, line_width=1.5)
        model.glyph.update(fill_color=colors.accent, line_color=colors.inset)


class ResidualPlot(Plot):
    """Residuals of radial profiles: a line a galaxy, their median, and their 16-84 % band."""

    def __init__(self) -> None:
        super().__init__("Profile residuals, one sample", ["lines", "band"], scale="linear")
        self.figure.xaxis.axis_label = "radius / half the map’s side"
        self.figure.yaxis.axis_label = "log₁₀ model / truth (dex)"
        self.figure.yaxis.formatter = theme.plain_formatter()
        lines, band = self.sources["lines"], self.sources["band"]
        lines.data, band.data = {"x": [], "y": [], "name": []}, {
            n: [] for n in ("radius", "low", "median", "high")
        }  # fmt: skip
        self._lines = self.figure.multi_line("x", "y", source=lines, legend_label="each galaxy")
        self._band = self.figure.varea(
            "radius", "low", "high", source=band, legend_label="16–84 % of galaxies"
        )
        self._median = self.figure.line(
            "radius", "median", source=band, line_width=2.5, legend_label="median"
        )
        self._zero = Span(location=0, dimension="width", line_dash=[6, 4])
        self.figure.add_layout(self._zero)
        self.figure.add_tools(HoverTool(
            renderers=[self._lines], tooltips=[("galaxy", "@name"), ("radius", "$x{0.00}"),
                                               ("residual", "$y{0.00} dex")], line_policy="interp",
        ))  # fmt: skip

    def put(self, found: Residuals, colors: theme.Colors) -> None:
        """Show all lines, within the range that holds nearly all."""
        self.sources["lines"].data = {
            "x": [found.radii] * len(found.lines), "y": list(found.lines), "name": found.names,
        }  # fmt: skip
        self.sources["band"].data = {
            "radius": found.radii, "low": found.low, "median": found.median, "high": found.high,
        }  # fmt: skip
        known = np.abs(found.lines[np.isfinite(found.lines)])
        limit = max(0.1, 1.25 * float(np.percentile(known, 99.0))) if known.size else 1.0
        _set_range(self.figure.x_range, 0.0, 1.0)
        _set_range(self.figure.y_range, -limit, limit)
        self._lines.glyph.update(line_color=colors.text, line_alpha=0.22, line_width=1)
        self._band.glyph.update(fill_color=colors.accent, fill_alpha=0.25)
        self._median.glyph.line_color = colors.accent
        self._zero.line_color = colors.muted


def _set_range(axis: Range1d, start: float, end: float) -> None:
    axis.update(start=start, end=end, reset_start=start, reset_end=end)


def _pixels(values: list[Any], limits: Range1d, size: int) -> list[float]:
    """Return where values lie on a logarithmic axis of so many pixels."""
    low, high = np.log10([limits.start, limits.end])
    return [float((np.log10(v) - low) / (high - low) * size) for v in values]


def _tappable(figure: Any, renderer: Any, act: Callable[[dict[str, Any]], None]) -> None:
    """Call `act` with the row of what is clicked, which is not marked as selected."""
    source = renderer.data_source
    renderer.nonselection_glyph = renderer.selection_glyph = None
    figure.add_tools(TapTool(renderers=[renderer]))

    def hear(name: str, old: list[int], new: list[int]) -> None:
        if new:
            source.selected.indices = []
            act({key: source.data[key][new[0]] for key in source.data})

    source.selected.on_change("indices", hear)


def _hover(figure: Any, renderer: Any, fields: list[tuple[str, str]]) -> None:
    """Tell galaxy, kind and quantities of a point, and what a click does."""
    words = [("galaxy", "@name"), ("kind", "@kind")]
    words += [(label, f"@{name}{{custom}} @unit") for label, name in fields]
    number = CustomJSHover(code=POWER_OF_TEN_JS + "return powerOfTen(value, 2)")
    figure.add_tools(HoverTool(
        renderers=[renderer], tooltips=[*words, ("", "@click")],
        formatters={f"@{name}": number for _, name in fields},
    ))  # fmt: skip


def _click(name: str, known: frozenset[str]) -> str:
    return "click to open it" if name in known else "not in this page’s list of galaxies"


def _spelled(kinds: Any) -> list[str]:
    return [str(kind).replace("_", " ") for kind in kinds]


def _ink(color: str) -> str:
    """Return black or white, whichever is read more easily on a color (WCAG 2.1 luminance)."""
    parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return "#000000" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "#ffffff"
