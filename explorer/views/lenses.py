"""Maps with a lens on them: critical curves, caustics, and the source, which a click moves."""

from __future__ import annotations

from typing import Any

from bokeh.events import Tap
from bokeh.models import ColumnDataSource
from numpy.typing import NDArray

from explorer import theme
from explorer.bending import Bending
from explorer.views.maps import MapContent, MapPanel
from explorer.views.optics import OpticsInput


class Overlay:
    """Lines that lie over maps: critical curves, and where the source is.

    Over the truth its own curves, with the caustics; over predictions thin ones, of each sample,
    and the truth's as dashes.
    """

    def __init__(self, is_true: bool) -> None:
        self._is_true = is_true
        self._own, self._samples, self._caustics = (
            ColumnDataSource({"xs": [], "ys": []}) for _ in range(3)
        )
        self._source = ColumnDataSource({"x": [], "y": [], "radius": []})

    def draw(self, figure: Any) -> None:
        """Draw the lines onto a figure, where they are seen on any color."""
        figure.multi_line("xs", "ys", source=self._samples, line_color="white", line_width=0.8,
                          line_alpha=0.6)  # fmt: skip
        if self._is_true:
            figure.multi_line("xs", "ys", source=self._caustics, line_color="#ff9a4d")
        dash = "solid" if self._is_true else "dashed"
        for color, width in (("black", 3.0), ("white" if self._is_true else "#6fe3ff", 1.5)):
            figure.multi_line("xs", "ys", source=self._own, line_color=color, line_width=width,
                              line_dash=dash)  # fmt: skip
            figure.circle("x", "y", radius="radius", source=self._source, fill_color=None,
                          line_color="black" if color == "black" else "white",
                          line_width=width - 0.3)  # fmt: skip

    def put(self, bending: Bending) -> None:
        """Show the curves of a bending and its source."""
        truth, light = bending.truth, bending.optics.source
        self._own.data = _lines(truth.curves if truth else [])
        self._caustics.data = _lines(truth.caustics if truth else [])
        samples = () if self._is_true else bending.predicted
        self._samples.data = _lines([curve for each in samples for curve in each.curves])
        self._source.data = {"x": [light.x_kpc], "y": [light.y_kpc], "radius": [light.scale_kpc]}


class LensPanel(MapPanel):
    """A map with an overlay on it; a click moves the source."""

    def __init__(
        self, content: MapContent, ranges: tuple[Any, Any], colors: theme.Colors,
        overlay: Overlay, optics: OpticsInput,
    ):  # fmt: skip
        self._overlay, self._optics = overlay, optics
        super().__init__(content, ranges, colors)

    def _prepare(self, plot: Any, figure: Any) -> None:
        super()._prepare(plot, figure)
        self._overlay.draw(figure)
        figure.on_event(Tap, lambda event: self._optics.move(event.x, event.y))


def _lines(curves: list[NDArray[Any]]) -> dict[str, Any]:
    return {"xs": [curve[:, 0] for curve in curves], "ys": [curve[:, 1] for curve in curves]}
