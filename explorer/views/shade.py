"""An image of points in a figure, which datashader makes anew of what is on view."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.events import RangesUpdate
from bokeh.models import ColumnDataSource, LogColorMapper

from explorer.scales import palette
from explorer.shading import Cloud, shade

_REST_MS = 60  # a zoom is a stream of ranges; the last of so long is drawn
_DECADES = 4.0


class Shade:
    """Shades a cloud of points into a Bokeh figure whose ranges have ends.

    datashader is asked itself rather than by HoloViews, whose dynamic maps would make a figure of
    their own; here image and glyphs share one figure, its axes and its tools.

    Attributes
    ----------
    source : of the image.
    mapper : of its colors.
    """

    def __init__(self, figure: Any):
        self._figure, self._waits = figure, False
        self._cloud: Cloud | None = None
        self.source = ColumnDataSource({n: [] for n in ("image", "x", "y", "dw", "dh")})
        self.mapper = LogColorMapper(palette=palette("viridis"), low=1.0, high=10.0,
                                     nan_color="rgba(0, 0, 0, 0)")  # fmt: skip
        self.renderer = figure.image(
            "image", x="x", y="y", dw="dw", dh="dh", source=self.source, color_mapper=self.mapper,
            level="underlay",
        )  # fmt: skip
        figure.on_event(RangesUpdate, self._hear)

    def put(self, cloud: Cloud | None) -> None:
        """Show other points, or none."""
        self._cloud = cloud
        self.draw()

    def draw(self) -> None:
        """Shade what is on view in the figure's pixels."""
        figure = self._figure
        if self._cloud is None or not len(self._cloud):
            self.source.data = {name: [] for name in self.source.data}
            return
        (x0, x1), (y0, y1) = (
            sorted((float(axis.start), float(axis.end)))
            for axis in (figure.x_range, figure.y_range)
        )
        size = int(figure.frame_width or 300), int(figure.frame_height or 300)
        image = shade(self._cloud, (x0, x1), (y0, y1), size)
        known = image[np.isfinite(image)]
        if known.size:
            high = float(known.max())
            low = max(float(known.min()), high / 10**_DECADES)
            self.mapper.update(low=low, high=high if high > low else 2 * low)
        self.source.data = {
            "image": [image], "x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0],
        }  # fmt: skip

    def _hear(self, event: Any) -> None:
        """Draw once the ranges rest a moment."""
        if self._cloud is None or self._waits:
            return
        document = pn.state.curdoc
        if document is None:
            self.draw()
            return
        self._waits = True
        document.add_timeout_callback(self._draw_late, _REST_MS)

    def _draw_late(self) -> None:
        self._waits = False
        self.draw()
