"""What all pages of the explorer have in common: they follow the state while they are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import param
from panel.viewable import Viewer

from explorer import theme
from explorer.session import Session

if TYPE_CHECKING:
    from explorer.views.maps import MapContent


class View(Viewer):
    """A page of the explorer, or a part of one; it costs nothing while it is not shown."""

    title: ClassVar[str] = ""

    shown = param.Boolean(default=True, doc="Whether it is on view; what it missed, it makes up.")

    def __init__(self, session: Session, **params: Any):
        super().__init__(**params)
        self._session = session
        self._missed: dict[Callable[..., None], None] = {}
        self.param.watch(self._catch_up, "shown")

    @property
    def colors(self) -> theme.Colors:
        """Colors of the page at present; `session.dark` tells when they change."""
        return theme.colors(self._session.dark)

    def follow(
        self, source: param.Parameterized, names: str | list[str], update: Callable[..., None]
    ) -> None:
        """Call `update` with param's events when one of `source`'s parameters changes.

        While the view is not shown, `update` waits, to be called once, without events, when it is.
        """

        def hear(*events: Any) -> None:
            if self.shown:
                update(*events)
            else:
                self._missed[update] = None

        source.param.watch(hear, names)

    def poster(self) -> Sequence[MapContent]:
        """Return maps to show in place of the page until it has been drawn, or none."""
        return ()

    def fit(self, width_px: int) -> None:
        """Fit into so many pixels; called before the view is first shown, and on changes."""

    def _catch_up(self, *events: Any) -> None:
        if self.shown:
            missed, self._missed = self._missed, {}
            for update in missed:
                update()
