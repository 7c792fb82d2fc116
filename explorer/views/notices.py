"""Sentences for the person: what is wrong, and what can be done."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewer

from explorer import theme
from explorer.session import Session

_STYLE = {
    "color": theme.TEXT, "background": "#2a2214", "border": f"1px solid {theme.WARM}",
    "border-radius": "6px", "padding": "8px 14px", "font-size": "14px",
}  # fmt: skip


class Notices(Viewer):
    """An alert over the maps: complaints about the address, a problem, a notice."""

    def __init__(self, session: Session, complaints: list[str]):
        super().__init__()
        self._session = session
        self._complaints = list(complaints)
        self._pane = pn.pane.HTML(
            "", styles=_STYLE, sizing_mode="stretch_width", margin=(0, 0, 10, 0),
            css_classes=["notice"], visible=False,
        )  # fmt: skip
        session.param.watch(self._update, ["problem", "notice"])
        session.store.param.watch(
            self._forget,
            ["galaxy", "rotation", "source", "target", "translator", "seed", "steps", "guidance"],
        )
        self._update()

    def complain(self, sentences: list[str]) -> None:
        """Say what was wrong with an address."""
        self._complaints = list(sentences)
        self._update()

    def _forget(self, *events: Any) -> None:
        self._complaints = []
        self._update()

    def _update(self, *events: Any) -> None:
        sentences = [*self._complaints, self._session.problem, self._session.notice]
        text = " ".join(sentence for sentence in sentences if sentence)
        self._pane.param.update(object=escape(text), visible=bool(text))

    def __panel__(self) -> Any:
        return self._pane
