"""The page Translate: maps of one translator or several, above the steps of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel as pn
from bokeh.models import Range1d

from explorer import theme
from explorer.session import Session
from explorer.views.crosshair import Crosshair
from explorer.views.grid import MapGrid
from explorer.views.gridbar import GridBar
from explorer.views.maps import MapContent
from explorer.views.steps import StepPlayer
from explorer.views.view import View
from explorer.views.viewport import frame_size


class Translate(View):
    """Maps and player of a session, which share their zoom."""

    title = "Translate"

    def __init__(self, session: Session, **params: Any):
        super().__init__(session, **params)
        ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
        self._beside, self._crosshair = session.beside, Crosshair(margin=(0, 4), align="center")
        self._bar = GridBar(session, self._beside, self._crosshair)
        self._maps = MapGrid(session, self._beside, ranges, self._crosshair)
        self._steps = StepPlayer(session, *ranges, crosshair=self._crosshair.move)
        self.follow(session, "dark", self._dress)
        self.param.watch(self._show_parts, "shown")
        self._dress()

    def poster(self) -> Sequence[MapContent]:
        """Return the four maps of the upper row; none where there are several translators'."""
        return () if self._beside.lanes else self._maps.contents()

    def fit(self, width_px: int) -> None:
        """Fit the square maps of both rows into `width_px`."""
        self._maps.resize(width_px)
        self._steps.resize(frame_size(width_px, 4))

    def _dress(self, *events: Any) -> None:
        self._steps.dress(theme.named(self.colors))
        self._crosshair.color = self.colors.muted

    def _show_parts(self, *events: Any) -> None:
        self._bar.shown = self._maps.shown = self._steps.shown = self.shown

    def __panel__(self) -> Any:
        styles = theme.CARD | theme.RIGID
        cards = [
            pn.Column(*parts, styles=styles, scroll="x-auto", margin=(0, 0, 12, 0),
                      sizing_mode="stretch_width")
            for parts in ((self._bar, self._maps), (self._steps,))
        ]  # fmt: skip
        return pn.Column(*cards, margin=0, sizing_mode="stretch_width", styles=theme.RIGID)
