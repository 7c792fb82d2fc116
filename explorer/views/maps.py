"""One HoloViews map: what it shows, and the panel that keeps its figure while that changes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakMethod

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import (
    AllLabels,
    CustomJS,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    Label,
    Range1d,
    WheelZoomTool,
)
from holoviews.streams import Pipe
from numpy.typing import NDArray
from panel.viewable import Viewer

from data.domains import Domain
from explorer import theme
from explorer.scales import (
    POWER_OF_TEN_JS,
    bar_ticks,
    linear_ticks,
    palette,
    power_of_ten,
    tick_label,
)
from explorer.turns import Due, changer
from explorer.views.crosshair import Crosshair

_RESET = "for (const axis of axes) axis.setv({ start: axis.reset_start, end: axis.reset_end })"


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
    logarithmic : the color scale.
    nothing : sentence in the frame where there are no values, and why.
    """

    title: str
    values: NDArray[Any] | None = field(compare=False)
    extent_kpc: float
    limits: tuple[float, float]
    colormap: str
    quantity: str
    unit: str
    logarithmic: bool = True
    nothing: str = ""

    def on_scale(self, values: Any) -> NDArray[np.float32]:
        """Return values as the color scale counts them: their log10 where it is logarithmic."""
        values = np.asarray(values, np.float32)
        if not self.logarithmic:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(values)

    def ticks(self, most: int) -> dict[float, str]:
        """Return the words at about `most` places of the color bar, which counts as `on_scale`."""
        low, high = self.limits
        if self.logarithmic:
            return {float(np.log10(t)): tick_label(t) for t in bar_ticks(low, high, most)}
        if low < 0:
            ticks = np.linspace(low, high, 5 if most > 3 else 3).tolist()
            return {t: f"{t:g}".replace("-", "\u2212") for t in ticks}
        ticks = linear_ticks(low, high, most)
        return {t: power_of_ten(t, 0) if t >= 1e4 else f"{t:g}" for t in ticks}


def image_element(content: MapContent) -> hv.Image:
    """Return the HoloViews image of a map, on its scale; HoloViews wants row 0 on top, ours is
    at the bottom.
    """
    values = np.full((2, 2), np.nan) if content.values is None else content.values
    half = 0.5 * content.extent_kpc
    low, high = content.on_scale(content.limits).tolist()
    image = hv.Image(
        content.on_scale(values)[::-1],
        kdims=[hv.Dimension("x", unit="kpc"), hv.Dimension("y", unit="kpc")],
        vdims=[hv.Dimension("value", range=(low, high))],
        bounds=(-half, -half, half, half),
    )
    return image.opts(clim=(low, high), cmap=palette(content.colormap))


class MapPanel(Viewer):
    """One map: a DynamicMap whose figure persists while its content changes.

    With a `crosshair` it tells its values by that, without one by hovering.
    """

    def __init__(
        self,
        content: MapContent,
        ranges: tuple[Range1d, Range1d],
        colors: theme.Colors,
        crosshair: Crosshair | None = None,
    ):
        super().__init__()
        self._content = content
        self._ranges = ranges
        self._colors = colors
        self._crosshair = crosshair
        self._has_x = self._has_y = True
        self._area, self._below, self._above = "auto", 0, 0
        self._size = 220
        self._figure: Any = None
        self._handles: Any = None
        self._styled: theme.Colors | None = None
        self._drawing = Due(changer(), self._redraw)
        self._scale_bar: Any = None
        self._readout: Label | None = None
        self._nothing = Label(
            x=8, y=0, x_units="screen", y_units="screen", visible=False, text_font=theme.FONT,
            text_font_size="12px", text_baseline="middle",
        )  # fmt: skip
        self._pipe = Pipe(data=content)
        dynamic = hv.DynamicMap(image_element_of, streams=[self._pipe]).opts(
            hv.opts.Image(
                colorbar=True, colorbar_position="bottom",
                colorbar_opts={"height": 9, "padding": 0, "title_standoff": 4, "margin": 6},
                frame_width=self._size, frame_height=self._size,
                tools=[] if crosshair else ["hover"],
                default_tools=["pan", WheelZoomTool(modifiers="ctrl"), "box_zoom", "reset"],
                active_tools=["pan"],
                toolbar="above", shared_axes=False, axiswise=True,
                framewise=True,
                hooks=[_weakly(self._dress)], xlabel="x (kpc)", ylabel="y (kpc)",
            )
        )  # fmt: skip
        self._pane = pn.pane.HoloViews(
            dynamic, linked_axes=False, margin=0, styles=theme.RIGID, theme=None
        )

    def put(self, content: MapContent, colors: theme.Colors | None = None) -> None:
        """Put up another content, or the same in other colors.

        The figure that HoloViews once drew is changed past it where it is served: HoloViews takes
        tens of milliseconds, during which a server answers nobody.
        """
        before, self._content = self._content, content
        if colors is None and content == before and content.values is before.values:
            return
        self._colors = colors or self._colors
        if not self._is_served:
            self._pipe.send(content)
            return
        self._pipe.update(data=content)  # for whoever draws it anew
        self._drawing.ask()

    @property
    def _is_served(self) -> bool:
        """Whether changes of Bokeh's models reach a browser by themselves."""
        document = None if self._figure is None else self._figure.document
        return document is not None and document.session_context is not None

    def _redraw(self) -> None:
        """Draw the content that is there by now."""
        self._paint()
        self._describe()

    def _paint(self) -> None:
        content = self._content
        low, high = content.on_scale(content.limits).tolist()
        theme.set_colors(self._handles["color_mapper"], (low, high), content.colormap)
        drawn: dict[str, list[Any]] = {name: [] for name in ("image", "x", "y", "dw", "dh")}
        if content.values is not None:
            half, side = 0.5 * content.extent_kpc, content.extent_kpc
            drawn = {
                "image": [content.on_scale(content.values)],  # row 0 is at the bottom in Bokeh
                "x": [-half], "y": [-half], "dw": [side], "dh": [side],
            }  # fmt: skip
        self._handles["glyph_renderer"].data_source.data = drawn

    def close(self) -> None:
        """Leave the crosshair."""
        if self._crosshair is not None and self._figure is not None:
            self._crosshair.leave(self._figure)

    def resize(
        self, size: int, *, has_x: bool = True, has_y: bool = True, area: str = "auto",
        below: int = 0, above: int = 0,
    ) -> None:  # fmt: skip
        """Set the side of the frame in pixels, which axes are drawn, and the area of a CSS grid.

        At least so many pixels as `below` and `above` are kept there for bar, axis and title.
        """
        self._size, self._has_x, self._has_y, self._area = size, has_x, has_y, area
        self._below, self._above = below, above
        if self._figure is not None:
            self._fit(self._figure)

    def _dress(self, plot: Any, element: Any) -> None:
        """Set on the Bokeh figure what HoloViews leaves alone on updates."""
        figure = plot.state
        if self._figure is not figure:
            self._figure, self._handles, self._styled = figure, plot.handles, None
            self._prepare(plot, figure)
            self._paint()  # A figure made anew, by another theme, has what HoloViews drew last.
        self._describe()
        self._fit(figure)

    def _describe(self) -> None:
        """Set what belongs to the content, but for the picture itself."""
        figure, handles, content = self._figure, self._handles, self._content
        bar, shown = handles["colorbar"], content.values is not None
        if self._styled is not self._colors:
            theme.style_figure(figure, self._colors)
            theme.style_text(bar, self._colors)
            self._styled = self._colors
        figure.title.text = content.title
        handles["color_mapper"].nan_color = self._colors.no_data
        handles["glyph_renderer"].visible = self._scale_bar.visible = shown
        bar.title = f"{content.quantity} ({content.unit})"
        self._mark(bar)
        self._nothing.update(
            visible=not shown and bool(content.nothing), text_color=self._colors.muted,
            text=textwrap.fill(content.nothing, max(self._size // 7, 10)),
        )  # fmt: skip
        told = [content.unit, content.logarithmic]
        if self._readout is not None:
            self._readout.tags = told
        for tool in figure.toolbar.tools:
            if isinstance(tool, HoverTool) and tool.tags != told:
                tool.update(
                    tags=told,
                    tooltips=[("x, y", "$x{0.0}, $y{0.0} kpc"),
                              (content.quantity, f"@image{{custom}} {content.unit}")],
                    formatters={"@image": _hover_formatter(content.logarithmic)},
                )  # fmt: skip

    def _mark(self, bar: Any) -> None:
        """Put ticks on the color bar, which keeps the ticker that it was drawn with."""
        marks = self._content.ticks(max(2, min(4, self._size // 55)))
        bar.major_label_overrides = marks
        bar.ticker.ticks = list(marks)

    def _fit(self, figure: Any) -> None:
        """Set the sizes of a figure, which has room at its left for an axis there only."""
        figure.xaxis.visible, figure.yaxis.visible = self._has_x, self._has_y
        for axis in figure.axis:
            axis.ticker.desired_num_ticks = min(6, self._size // 32)
        self._nothing.update(
            y=self._size // 2, text=textwrap.fill(self._content.nothing, max(self._size // 7, 10))
        )
        # The frame last: Bokeh lays a figure out anew with it, and measures it as it is by then.
        figure.update(
            styles={**theme.RIGID, "grid-area": self._area},
            min_border_left=theme.MARGIN_LEFT if self._has_y else 0, min_border_right=theme.GAP,
            min_border_top=self._above, min_border_bottom=self._below,
            frame_height=self._size, frame_width=self._size,
        )  # fmt: skip

    def _prepare(self, plot: Any, figure: Any) -> None:
        figure.x_range, figure.y_range = self._ranges
        figure.toolbar.active_scroll = next(
            tool for tool in figure.toolbar.tools if isinstance(tool, WheelZoomTool)
        )
        figure.js_on_event("doubletap", CustomJS(args={"axes": self._ranges}, code=_RESET))
        figure.title.align = "left"
        bar = plot.handles["colorbar"]
        bar.background_fill_color = None
        bar.bar_line_color = None
        bar.major_tick_line_color = None
        bar.major_label_policy = AllLabels()
        bar.ticker = FixedTicker(ticks=[])
        self._scale_bar = theme.scale_bar(figure.x_range)
        figure.add_layout(self._scale_bar)
        figure.add_layout(self._nothing)
        if self._crosshair is not None:
            self._readout = self._crosshair.join(figure)

    def __panel__(self) -> Any:
        return self._pane


def _weakly(hook: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Return a hook for HoloViews, which keeps options as long as what they belong to.

    A bound method among them would hold what holds them, and so for good.
    """
    method = WeakMethod(hook)

    def call(plot: Any, element: Any) -> None:
        held = method()
        if held is not None:
            held(plot, element)

    return call


def image_element_of(data: MapContent) -> hv.Image:
    """Return the image of what a pipe sent."""
    return image_element(data)


def _hover_formatter(logarithmic: bool) -> CustomJSHover:
    number = "10 ** value" if logarithmic else "value"
    return CustomJSHover(code=POWER_OF_TEN_JS + f"return powerOfTen({number}, 2)")


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
