"""The page Translate: input, output, truth and residual above the steps between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel as pn
from bokeh.models import Range1d

from explorer import theme
from explorer.session import Session
from explorer.views.maps import MapContent, MapRow
from explorer.views.steps import StepPlayer
from explorer.views.view import View
from explorer.views.viewport import frame_size, num_columns


class Translate(View):
    """Maps and player of a session, which share their zoom."""

    title = "Translate"

    def __init__(self, session: Session, **params: Any):
        super().__init__(session, **params)
        ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
        self._maps, self._steps = MapRow(session, *ranges), StepPlayer(session, *ranges)
        self.follow(session, "dark", self._dress)
        self.param.watch(self._show_parts, "shown")
        self._dress()

    def poster(self) -> Sequence[MapContent]:
        """Return the four maps of the upper row."""
        return self._maps.contents()

    def fit(self, width_px: int) -> None:
        """Fit the square maps of both rows into `width_px`."""
        columns = num_columns(width_px)
        self._maps.resize(frame_size(width_px, columns), columns)
        self._steps.resize(frame_size(width_px, 4))

    def _dress(self, *events: Any) -> None:
        self._steps.dress(theme.named(self.colors))

    def _show_parts(self, *events: Any) -> None:
        self._maps.shown = self._steps.shown = self.shown

    def __panel__(self) -> Any:
        cards = [
            pn.Column(
                part,
                styles=theme.CARD,
                scroll="x-auto",
                margin=(0, 0, 12, 0),
                sizing_mode="stretch_width",
            )
            for part in (self._maps, self._steps)
        ]
        return pn.Column(*cards, margin=0, sizing_mode="stretch_width")
