"""Figures of the page Population: galaxies as points, or shaded where they are too many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import numpy as np
from bokeh.events import SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    CustomJSHover,
    HoverTool,
    LassoSelectTool,
    Span,
)
from matplotlib.path import Path
from numpy.typing import NDArray

from explorer import theme
from explorer.population import Abundance, Members, Residuals, Totals, relation
from explorer.scales import POWER_OF_TEN_JS
from explorer.shading import Cloud
from explorer.views.chart import Chart, set_range
from explorer.views.plots import dress_legend
from explorer.views.shade import Shade

Array = NDArray[Any]
Pick = Callable[[Array], None]

MOST_POINTS = 4000  # as glyphs; more are shaded
MOST_LINES = 300
_REACH_PX = 12  # of a click
# Of other translators, on light and dark; told apart with any color vision (Okabe & Ito 2008).
_HUES = ("#009e73", "#cc79a7", "#e69f00", "#56b4e9")


class PointsChart(Chart):
    """Galaxies as points on logarithmic axes, which a box, a lasso or a click picks.

    Picks are found here and not in the browser, which has no points where they are shaded.
    """

    def __init__(self, title: str, names: list[str], pick: Pick):
        super().__init__(title, [*names, "chosen"])
        self._pick = pick
        self._x, self._y, self._places = np.empty(0), np.empty(0), np.empty(0, int)
        self.shade = Shade(self.figure)
        self.sources["chosen"].data = {"x": [], "y": []}
        box = BoxSelectTool()
        self.figure.add_tools(box, LassoSelectTool())
        self.figure.toolbar.active_drag = box
        self.figure.on_event(SelectionGeometry, self._hear)
        self.figure.on_event(Tap, lambda event: self.tap(event.x, event.y))

    def finish(self) -> None:
        """Draw the picked ones above all else; to be called once the rest is drawn."""
        self._rings = self.figure.scatter(
            "x", "y", source=self.sources["chosen"], size=12, fill_color=None, line_width=2,
        )  # fmt: skip

    @property
    def is_shaded(self) -> bool:
        """Whether there are too many points for glyphs."""
        return len(self._x) > MOST_POINTS

    def spread(self, x: Array, y: Array, places: Array | None = None) -> None:
        """Take the points that can be picked; `places` of them among the page's galaxies."""
        self._x, self._y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self._places = np.arange(len(x)) if places is None else places
        self.shade.put(Cloud(self._x, self._y, is_log=True) if self.is_shaded else None)

    def clear(self) -> None:
        """Draw nothing."""
        super().clear()
        self.spread(np.empty(0), np.empty(0))

    def mark(self, picked: Array) -> None:
        """Ring the picked of the page's galaxies."""
        here = np.isin(self._places, picked)
        self.sources["chosen"].data = {"x": self._x[here], "y": self._y[here]}

    def _hear(self, event: Any) -> None:
        if event.final:
            self.pick_within(event.geometry)

    def pick_within(self, geometry: dict[str, Any]) -> None:
        """Pick what lies within a rectangle or polygon of the figure's axes."""
        x, y = self._x, self._y
        if geometry["type"] == "rect":
            ends = [sorted((geometry[f"{n}0"], geometry[f"{n}1"])) for n in ("x", "y")]
            inside = (x >= ends[0][0]) & (x <= ends[0][1]) & (y >= ends[1][0]) & (y <= ends[1][1])
        elif geometry["type"] == "poly":
            # In logarithms, where the lasso's edges are straight.
            corners = np.log10([geometry["x"], geometry["y"]]).T
            with np.errstate(divide="ignore", invalid="ignore"):
                inside = Path(corners).contains_points(np.log10([x, y]).T)
        else:
            return
        self._pick(self._places[inside])

    def tap(self, x: float | None, y: float | None) -> None:
        """Pick the nearest point within a few pixels of a click; none where there is none."""
        if not len(self._x) or x is None or y is None or x <= 0 or y <= 0:
            return
        figure = self.figure
        with np.errstate(divide="ignore", invalid="ignore"):
            away = [
                np.log10(values / here) / np.log10(axis.end / axis.start) * size
                for values, here, axis, size in (
                    (self._x, x, figure.x_range, figure.frame_width or 300),
                    (self._y, y, figure.y_range, figure.frame_height or 300),
                )
            ]
        distance = np.hypot(*away)
        distance[~np.isfinite(distance)] = np.inf
        nearest = int(np.argmin(distance))
        near = distance[nearest] <= _REACH_PX
        self._pick(self._places[nearest : nearest + 1] if near else np.empty(0, int))

    def dress(self, colors: theme.Colors) -> None:
        """Wear other colors."""
        super().dress(colors)
        for legend in self.figure.legend:
            dress_legend(legend, colors)
            legend.ncols = 2
        self._rings.glyph.line_color = colors.warm


class TotalsChart(PointsChart):
    """What maps hold in all: samples against the truth, with the 1:1 line."""

    def __init__(self, pick: Pick):
        super().__init__("Integrated quantity", ["galaxies", "even"], pick)
        source = self.sources["galaxies"]
        source.data = {n: [] for n in ("x", "y", "low", "high", "name", "kind", "unit")}
        self.sources["even"].data = {"x": [], "y": []}
        self._even = self.figure.line("x", "y", source=self.sources["even"], line_dash=[6, 4])
        self._bars = self.figure.segment("x", "low", "x", "high", source=source)
        self._dots = self.figure.scatter("x", "y", source=source, size=8, line_width=1)
        _hover(self.figure, self._dots, [("truth", "x"), ("samples’ median", "y")])
        self.finish()

    def put(self, totals: Totals, members: Members, colors: theme.Colors) -> None:
        """Show medians of the samples, with bars from their 16th to their 84th percentile."""
        low, median, high = np.percentile(totals.samples, (16.0, 50.0, 84.0), axis=1)
        ends = self.limit("x", [totals.truth, low, high])
        self.limit("y", [totals.truth, low, high])
        self.spread(totals.truth, median)
        shown = slice(0, 0) if self.is_shaded else slice(None)
        self.sources["galaxies"].data = {
            "x": totals.truth[shown], "y": median[shown], "low": low[shown], "high": high[shown],
            "name": members.names[shown], "kind": _spelled(members.kinds[shown]),
            "unit": [totals.unit] * len(median[shown]),
        }  # fmt: skip
        self.sources["even"].data = {"x": list(ends), "y": list(ends)}
        self.figure.xaxis.axis_label = f"truth: {totals.quantity} ({totals.unit})"
        count = totals.samples.shape[1]
        drawn = f"median of {count} samples" if count > 1 else "model"
        self.figure.yaxis.axis_label = f"{drawn} ({totals.unit})"
        self._even.glyph.line_color = colors.muted
        self._bars.glyph.update(line_color=colors.accent, line_alpha=0.55, line_width=1.5)
        self._dots.glyph.update(fill_color=colors.accent, line_color=colors.inset)


class AbundanceChart(PointsChart):
    """Stars against dark matter, of the truth and of a sample each, with their running medians."""

    TITLE = "Abundance matching"

    def __init__(self, pick: Pick):
        names = ["truth", "model", "truth_line", "model_line"]
        super().__init__(self.TITLE, names, pick)
        self.figure.xaxis.axis_label = "M DM in the map (M☉)"
        self.figure.yaxis.axis_label = "M★ in the map (M☉)"
        self._dots, self._lines = {}, {}
        for name, words in (("truth", "truth"), ("model", "one sample")):
            source, line = self.sources[name], self.sources[f"{name}_line"]
            source.data = {n: [] for n in ("x", "y", "name", "kind", "unit")}
            line.data = {"x": [], "y": []}
            self._dots[name] = self.figure.scatter("x", "y", source=source, size=7,
                                                   legend_label=words)  # fmt: skip
            self._lines[name] = self.figure.line(
                "x", "y", source=line, line_width=2, legend_label=f"{words}: median"
            )
            _hover(self.figure, self._dots[name], [("dark matter", "x"), ("stars", "y")])
        self.figure.add_layout(self.figure.legend[0], "below")
        self.finish()

    def put(self, found: Abundance, members: Members, colors: theme.Colors) -> None:
        """Show a point of the truth and one of the model for each galaxy."""
        self.limit("x", [found.true_dark_matter, found.dark_matter])
        self.limit("y", [found.true_stars, found.stars])
        self.spread(found.dark_matter, found.stars, found.places)
        shown = slice(0, 0) if self.is_shaded else slice(None)
        places = found.places[shown]
        for name, x, y in (
            ("truth", found.true_dark_matter, found.true_stars),
            ("model", found.dark_matter, found.stars),
        ):
            self.sources[name].data = {
                "x": x[shown], "y": y[shown], "name": members.names[places],
                "kind": _spelled(members.kinds[places]), "unit": ["M☉"] * len(places),
            }  # fmt: skip
            line_x, line_y = relation(x, y)
            self.sources[f"{name}_line"].data = {"x": line_x, "y": line_y}
        self.figure.title.text = self.TITLE
        self._dots["truth"].glyph.update(fill_color=None, line_color=colors.text, line_width=1.2)
        self._dots["model"].glyph.update(fill_color=colors.accent, line_color=colors.inset)
        self._lines["truth"].glyph.update(line_color=colors.text, line_dash="dashed")
        self._lines["model"].glyph.line_color = colors.accent


class ResidualChart(Chart):
    """Residuals of radial profiles: a line a galaxy, their median, and their 16-84 % band."""

    def __init__(self) -> None:
        super().__init__("Profile residuals, one sample", ["lines", "band", "others", "chosen"],
                         scale="linear")  # fmt: skip
        self.figure.xaxis.axis_label = "projected radius / half the map’s side"
        self.figure.yaxis.axis_label = "log₁₀ model / truth (dex)"
        self.figure.yaxis.formatter = theme.plain_formatter()
        lines, band = self.sources["lines"], self.sources["band"]
        lines.data, band.data = {"x": [], "y": [], "name": []}, {
            n: [] for n in ("radius", "low", "median", "high")
        }  # fmt: skip
        self.sources["chosen"].data = {"x": [], "y": [], "name": []}
        self._found: Residuals | None = None
        self._names: Array = np.empty(0)
        self._lines = self.figure.multi_line("x", "y", source=lines, legend_label="galaxies")
        self._band = self.figure.varea("radius", "low", "high", source=band, legend_label="16–84 %")
        self._median = self.figure.line(
            "radius", "median", source=band, line_width=2.5, legend_label="median"
        )
        self.sources["others"].data = {"x": [], "y": [], "name": [], "color": []}
        self._others = self.figure.multi_line(
            "x", "y", source=self.sources["others"], line_width=2, line_color="color",
            line_dash=[8, 3], legend_field="name",
        )  # fmt: skip
        self._chosen = self.figure.multi_line(
            "x", "y", source=self.sources["chosen"], line_width=2, legend_label="selected"
        )
        self._zero = Span(location=0, dimension="width", line_dash=[6, 4])
        self.figure.add_layout(self._zero)
        self.figure.add_layout(self.figure.legend[0], "below")
        self.figure.add_tools(HoverTool(
            renderers=[self._lines, self._others, self._chosen],
            tooltips=[("galaxy", "@name"), ("radius", "$x{0.00}"), ("residual", "$y{0.00} dex")],
            line_policy="interp",
        ))  # fmt: skip

    def put(self, found: Residuals, members: Members, colors: theme.Colors) -> None:
        """Show the band, and lines where they are not too many, in the range of nearly all."""
        self._found, self._names = found, members.names
        many = len(found.lines) > MOST_LINES
        self.sources["lines"].data = self._rows(np.arange(0 if many else len(found.lines)))
        self.sources["band"].data = {
            "radius": found.radii, "low": found.low, "median": found.median, "high": found.high,
        }  # fmt: skip
        known = np.abs(np.array([found.low, found.high]) if many else found.lines)
        known = known[np.isfinite(known)]
        limit = max(0.1, 1.25 * float(np.percentile(known, 99.0))) if known.size else 1.0
        set_range(self.figure.x_range, 0.0, 1.0)
        set_range(self.figure.y_range, -limit, limit)
        self._lines.glyph.update(line_color=colors.text, line_alpha=0.22, line_width=1)
        self._band.glyph.update(fill_color=colors.accent, fill_alpha=0.25)
        self._median.glyph.line_color = colors.accent
        self._chosen.glyph.line_color = colors.warm
        self._zero.line_color = colors.muted

    def put_others(self, others: Mapping[str, Residuals]) -> None:
        """Show the medians of translators beside, by title, each in a color of its own."""
        self.sources["others"].data = {
            "x": [found.radii for found in others.values()],
            "y": [found.median for found in others.values()], "name": list(others),
            "color": [hue for hue, _ in zip(cycle(_HUES), others, strict=False)],
        }  # fmt: skip

    def dress(self, colors: theme.Colors) -> None:
        """Wear other colors."""
        super().dress(colors)
        for legend in self.figure.legend:
            dress_legend(legend, colors)
            legend.ncols = 2

    def mark(self, picked: Array) -> None:
        """Draw the lines of the picked galaxies, of the first where they are too many."""
        self.sources["chosen"].data = self._rows(picked[:MOST_LINES])

    def _rows(self, places: Array) -> dict[str, Any]:
        if self._found is None:
            return {"x": [], "y": [], "name": []}
        lines = [self._found.lines[place] for place in places]
        names = [str(self._names[place]) for place in places]
        return {"x": [self._found.radii] * len(lines), "y": lines, "name": names}


def _hover(figure: Any, renderer: Any, fields: list[tuple[str, str]]) -> None:
    """Tell galaxy, kind and quantities of a point."""
    words = [("galaxy", "@name"), ("kind", "@kind")]
    words += [(label, f"@{name}{{custom}} @unit") for label, name in fields]
    number = CustomJSHover(code=POWER_OF_TEN_JS + "return powerOfTen(value, 2)")
    figure.add_tools(HoverTool(
        renderers=[renderer], tooltips=words, formatters={f"@{name}": number for _, name in fields},
    ))  # fmt: skip


def _spelled(kinds: Any) -> list[str]:
    return [str(kind).replace("_", " ") for kind in kinds]
