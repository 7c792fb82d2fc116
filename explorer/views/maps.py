"""Four linked HoloViews maps side by side: input, output, ground truth, residual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import AllLabels, CustomJSHover, FixedTicker, HoverTool, Range1d
from holoviews.streams import Pipe
from numpy.typing import NDArray
from panel.viewable import Viewer

from data.domains import DOMAINS, Domain
from explorer import theme
from explorer.scales import POWER_OF_TEN_JS, bar_ticks, dex_limit, log_limits, palette
from explorer.session import Session
from explorer.translation import residual_map
from explorer.views.view import View


@dataclass(frozen=True)
class MapContent:
    """One map as it stands on the page.

    Attributes
    ----------
    title : above the map.
    values : (H, W), row = y upwards, or None where there is nothing yet.
    extent_kpc : side of the map.
    limits : of the color scale.
    colormap : name known to `scales.palette`.
    quantity, unit : words for the color bar and the hover.
    logarithmic : the color scale; a linear one is meant for what is in dex.
    """

    title: str
    values: NDArray[Any] | None
    extent_kpc: float
    limits: tuple[float, float]
    colormap: str
    quantity: str
    unit: str
    logarithmic: bool = True


def image_element(content: MapContent) -> hv.Image:
    """Return the HoloViews image of a map; HoloViews wants row 0 on top, ours is at the bottom."""
    values = np.full((2, 2), np.nan) if content.values is None else content.values
    half = 0.5 * content.extent_kpc
    image = hv.Image(
        np.asarray(values, np.float32)[::-1],
        kdims=[hv.Dimension("x", unit="kpc"), hv.Dimension("y", unit="kpc")],
        vdims=[hv.Dimension("value", range=content.limits)],
        bounds=(-half, -half, half, half),
    )
    return image.opts(clim=content.limits, cmap=palette(content.colormap))


class MapPanel(Viewer):
    """One map: a DynamicMap whose figure persists while its content changes."""

    def __init__(
        self, content: MapContent, x_range: Range1d, y_range: Range1d, colors: theme.Colors
    ):
        super().__init__()
        self._content = content
        self._ranges = (x_range, y_range)
        self._colors = colors
        self._first = True
        self._size = 220
        self._figure: Any = None
        self._handles: Any = None
        self._scale_bar: Any = None
        self._pipe = Pipe(data=content)
        dynamic = hv.DynamicMap(image_element_of, streams=[self._pipe]).opts(
            hv.opts.Image(
                logz=content.logarithmic, colorbar=True, colorbar_position="bottom",
                colorbar_opts={"height": 9, "padding": 0, "title_standoff": 4, "margin": 6},
                frame_width=self._size, frame_height=self._size,
                tools=["hover"], default_tools=["pan", "wheel_zoom", "box_zoom", "reset"],
                active_tools=["pan"], toolbar="above", shared_axes=False, axiswise=True,
                framewise=True,
                hooks=[self._dress], xlabel="x (kpc)", ylabel="y (kpc)",
            )
        )  # fmt: skip
        self._pane = pn.pane.HoloViews(
            dynamic, linked_axes=False, margin=0, styles={"flex": "none"}, theme=None
        )

    def put(self, content: MapContent, colors: theme.Colors | None = None) -> None:
        """Put up another content, or the same in other colors."""
        self._content, self._colors = content, colors or self._colors
        self._pipe.send(content)

    def glance(self, content: MapContent) -> None:
        """Put up other values for a moment, until `put`: past HoloViews, which takes its time."""
        if self._handles is None or content.values is None:
            return
        renderer, mapper = self._handles["glyph_renderer"], self._handles["color_mapper"]
        low, high = content.limits
        mapper.update(low=low, high=high)
        self._handles["colorbar"].ticker.ticks = bar_ticks(low, high)
        half, side = 0.5 * content.extent_kpc, content.extent_kpc
        renderer.data_source.data = {
            "image": [np.asarray(content.values, np.float32)],  # row 0 is at the bottom in Bokeh
            "x": [-half], "y": [-half], "dw": [side], "dh": [side],
        }  # fmt: skip

    def resize(self, size: int, first: bool) -> None:
        """Set the side of the frame in pixels, and whether the map is the first of its row."""
        self._size, self._first = size, first
        if self._figure is not None:
            self._fit(self._figure)

    def _dress(self, plot: Any, element: Any) -> None:
        """Set on the Bokeh figure what HoloViews leaves alone on updates."""
        figure, content = plot.state, self._content
        if self._figure is not figure:
            self._figure, self._handles = figure, plot.handles
            self._prepare(plot, figure)
        self._fit(figure)
        theme.style_figure(figure, self._colors)
        figure.title.text = content.title
        plot.handles["color_mapper"].nan_color = self._colors.no_data
        bar = plot.handles["colorbar"]
        theme.style_text(bar, self._colors)
        shown = content.values is not None
        plot.handles["glyph_renderer"].visible = self._scale_bar.visible = shown
        bar.title = f"{content.quantity} ({content.unit})"
        # The bar keeps the ticker it was drawn with: change that one's ticks.
        bar.ticker.ticks = (
            bar_ticks(*content.limits)
            if content.logarithmic
            else np.linspace(*content.limits, 5).tolist()
        )
        for tool in figure.toolbar.tools:
            if isinstance(tool, HoverTool):
                tool.tooltips = [
                    ("x, y", "$x{0.0}, $y{0.0} kpc"),
                    (content.quantity, f"@image{{custom}} {content.unit}"),
                ]
                tool.formatters = {"@image": _hover_formatter()}

    def _fit(self, figure: Any) -> None:
        """Set the sizes of a figure; only the first of a row has an axis, and room, at its left."""
        figure.update(
            frame_width=self._size, frame_height=self._size, min_border_right=theme.GAP,
            min_border_left=theme.MARGIN_LEFT if self._first else 0, min_border_top=0,
            min_border_bottom=0,
        )  # fmt: skip
        figure.yaxis.visible = self._first

    def _prepare(self, plot: Any, figure: Any) -> None:
        figure.x_range, figure.y_range = self._ranges
        figure.title.align = "left"
        bar = plot.handles["colorbar"]
        bar.background_fill_color = None
        bar.bar_line_color = None
        bar.major_tick_line_color = None
        bar.major_label_policy = AllLabels()
        bar.ticker = FixedTicker(ticks=[])
        bar.formatter = (
            theme.log_formatter() if self._content.logarithmic else theme.plain_formatter()
        )
        self._scale_bar = theme.scale_bar(figure.x_range)
        figure.add_layout(self._scale_bar)

    def __panel__(self) -> Any:
        return self._pane


def image_element_of(data: MapContent) -> hv.Image:
    """Return the image of what a pipe sent."""
    return image_element(data)


def _hover_formatter() -> CustomJSHover:
    return CustomJSHover(code=POWER_OF_TEN_JS + "return powerOfTen(value, 2)")


class MapRow(View):
    """The four maps of a session, one zoom for all."""

    def __init__(self, session: Session, x_range: Range1d, y_range: Range1d):
        super().__init__(session)
        self._ranges = (x_range, y_range)
        self._panels = [
            MapPanel(content, x_range, y_range, self.colors) for content in self.contents()
        ]
        self._row = pn.Row(*self._panels, margin=0)
        self._frame()
        self.resize(220)
        self.follow(session, ["scene", "glimpse", "run", "preview", "busy"], self._update)
        self.follow(session.store, ["source", "target"], self._update)
        self.follow(session, "dark", self._dress)

    def resize(self, size: int, columns: int = 4) -> None:
        """Set the side of each frame in pixels, and how many maps stand side by side."""
        grid = f"repeat({columns}, max-content)"
        self._row.styles = {"display": "grid", "grid-template-columns": grid, "row-gap": "12px"}
        for index, panel in enumerate(self._panels):
            panel.resize(size, first=index % columns == 0)

    def contents(self) -> list[MapContent]:
        """Return what each of the four maps shows now."""
        session, store = self._session, self._session.store
        scene, run = session.glimpse or session.scene, session.run
        extent = scene.extent_kpc if scene else 100.0
        maps = scene.maps if scene else {}
        source, target = DOMAINS[store.source], DOMAINS[store.target]
        given, truth = maps.get(source.name), maps.get(target.name)
        output, title = (run.output, "Output") if run else (None, "Output")
        if run is None and session.preview is not None:
            step, num_steps, output = session.preview
            title = f"Output, step {step}/{num_steps}"
        elif run is None:
            title = "Output, sampling…" if session.busy else "Output, not translated yet"
        residual = residual_map(run) if run else None
        limit = dex_limit(residual)
        shared = log_limits([truth] if truth is not None else [output], target.name)
        return [
            _content("Input", source, given, extent, log_limits([given], source.name)),
            _content(title, target, output, extent, shared),
            _content("Truth", target, truth, extent, shared),
            MapContent("Residual", residual, extent, (-limit, limit), self.colors.diverging,
                       "log₁₀ output / truth", "dex", logarithmic=False),
        ]  # fmt: skip

    def _frame(self) -> None:
        """Let the ranges end where the scene does."""
        if self._session.scene is not None:
            half = 0.5 * self._session.scene.extent_kpc
            for axis in self._ranges:
                axis.update(start=-half, end=half, reset_start=-half, reset_end=half)

    def _update(self, *events: Any) -> None:
        if not events or any(event.name == "scene" for event in events):
            self._frame()
        contents = self.contents()
        if self._session.glimpse and {event.name for event in events} == {"glimpse"}:
            for index in (0, 2):
                self._panels[index].glance(contents[index])
            return
        only_preview = events and all(event.name == "preview" for event in events)
        for index, (panel, content) in enumerate(zip(self._panels, contents, strict=True)):
            if not only_preview or index == 1:
                panel.put(content)

    def _dress(self, *events: Any) -> None:
        for panel, content in zip(self._panels, self.contents(), strict=True):
            panel.put(content, self.colors)

    def __panel__(self) -> Any:
        return self._row


def _content(
    title: str, domain: Domain, values: Any, extent: float, limits: tuple[float, float]
) -> MapContent:
    return MapContent(
        f"{title} · {domain.label.lower()}" if "," not in title else title,
        values, extent, limits, domain.colormap, quantity(domain), domain.unit,
    )  # fmt: skip


def quantity(domain: Domain) -> str:
    """Return a domain's symbol in plain Unicode, for color bars and axes in the browser."""
    return {
        "dark_matter": "Σ DM",
        "stars": "Σ★",
        "gas": "Σ gas",
        "hi": "Σ HI",
        "temperature": "T",
        "magnetic_field": "|B|",
        "brightness_temperature": "T(21 cm, 100 km/s)",
    }.get(domain.name, domain.label)
