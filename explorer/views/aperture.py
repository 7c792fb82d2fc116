"""The aperture: a circle that a click, or numbers, put on a map."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from bokeh.events import Tap
from bokeh.models import ColumnDataSource
from panel.viewable import Viewer

from explorer import theme
from explorer.ensemble import Aperture
from explorer.views.maps import MapContent, MapPanel
from explorer.views.plots import draw_circle

_LABELS = {"x_kpc": "x (kpc)", "y_kpc": "y (kpc)", "radius_kpc": "Radius (kpc)"}
_SLIDER_STYLE = {"& .MuiFormLabel-root, & .MuiTypography-root": {"fontSize": "12px"}}


class ApertureInput(Viewer):
    """Numbers and a slider for the aperture.

    Attributes
    ----------
    circle : what maps draw, of one row x, y, radius in kpc.
    """

    aperture = param.Parameter(default=Aperture(0.0, 0.0, 10.0), doc="The circle, on the map.")

    def __init__(self) -> None:
        super().__init__()
        self._half, self._writing = 50.0, False
        self.circle = ColumnDataSource({"x": [], "y": [], "radius": []})
        style: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": 0,
                                 "min_width": 60}  # fmt: skip
        self._numbers = {
            name: pmui.FloatInput(label=label, step=0.5, format="0[.]00", **style, sx={
                "& .MuiInputAdornment-root": {"display": "none"},
                "& .MuiInputBase-input": {"paddingX": "10px"}})
            for name, label in _LABELS.items()
        }  # fmt: skip
        self._slider = pmui.FloatSlider(
            label="Radius of the aperture (kpc)", start=0.1, end=50.0, step=0.1, value=10.0,
            size="small", margin=(10, 12, 0, 12), sizing_mode="stretch_width", show_value=False,
            sx=_SLIDER_STYLE,
        )  # fmt: skip
        for name, widget in self._numbers.items():
            widget.param.watch(lambda event, name=name: self._ask(**{name: event.new}), "value")
        self._slider.param.watch(lambda event: self._ask(radius_kpc=event.new), "value")
        self.param.watch(self._show, "aperture")
        self._layout = pn.Column(
            pn.Row(*self._numbers.values(), margin=0, styles={"gap": "8px"},
                   sizing_mode="stretch_width"),
            self._slider, margin=0, sizing_mode="stretch_width",
        )  # fmt: skip
        self._show()

    def place(self, aperture: Aperture, extent_kpc: float) -> None:
        """Put it onto a map of another galaxy."""
        self._half = 0.5 * extent_kpc
        self._writing = True
        self._slider.param.update(start=round(0.005 * extent_kpc, 2), end=round(self._half, 2))
        self._writing = False
        self.aperture = self._bounded(aperture)
        self._show()

    def move(self, x_kpc: float, y_kpc: float) -> None:
        """Center it where a person clicked."""
        self._ask(x_kpc=x_kpc, y_kpc=y_kpc)

    def _ask(self, **numbers: float | None) -> None:
        if self._writing:
            return
        old, known = self.aperture, {n: v for n, v in numbers.items() if v is not None}
        self.aperture = self._bounded(Aperture(**{**vars(old), **known, **_positive(known)}))
        self._show()  # also where a number was out of bounds and the circle is the old one

    def _bounded(self, aperture: Aperture) -> Aperture:
        half = self._half
        x, y = (min(max(v, -half), half) for v in (aperture.x_kpc, aperture.y_kpc))
        radius = min(max(aperture.radius_kpc, 0.01 * half), half)
        return Aperture(*(round(value, 2) for value in (x, y, radius)))

    def _show(self, *events: Any) -> None:
        self._writing = True
        for name, widget in self._numbers.items():
            widget.value = getattr(self.aperture, name)
        self._slider.value = min(
            max(self.aperture.radius_kpc, self._slider.start), self._slider.end
        )
        self._writing = False
        own = self.aperture
        self.circle.data = {"x": [own.x_kpc], "y": [own.y_kpc], "radius": [own.radius_kpc]}

    def __panel__(self) -> Any:
        return self._layout


class AperturePanel(MapPanel):
    """A map with the aperture on it, which a click moves."""

    def __init__(
        self, content: MapContent, ranges: tuple[Any, Any], colors: theme.Colors,
        aperture: ApertureInput,
    ):  # fmt: skip
        self._aperture = aperture
        super().__init__(content, ranges, colors)

    def _prepare(self, plot: Any, figure: Any) -> None:
        super()._prepare(plot, figure)
        draw_circle(figure, self._aperture.circle)
        figure.on_event(Tap, lambda event: self._aperture.move(event.x, event.y))


def _positive(known: dict[str, float]) -> dict[str, float]:
    """Return the radius that is asked for, above zero, for bounds to be put to."""
    return {"radius_kpc": max(known["radius_kpc"], 1e-6)} if "radius_kpc" in known else {}
