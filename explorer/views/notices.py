"""One line above the maps: what is on view, or what a person should read instead."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewer

from data.domains import DOMAINS
from explorer import library
from explorer.session import Session

_CSS = """
p { margin: 0; min-height: 20px; padding: 6px 12px; border-radius: 6px;
  border: 1px solid transparent; font: 14px/20px var(--font); color: var(--muted); }
p.alert { color: var(--text); background: var(--alert); border-color: var(--warm); }
p.alert::before { content: "!"; display: inline-block; width: 18px; margin-right: 10px;
  border-radius: 9px; font: bold 13px/18px var(--font); text-align: center;
  color: var(--surface); background: var(--warm); }
"""


class Notices(Viewer):
    """Complaints about the address, a problem, a notice; the view's own name where all is well.

    The line has its height from the start, so that nothing moves when a sentence comes or goes.
    """

    def __init__(self, session: Session, complaints: list[str]):
        super().__init__()
        self._session = session
        self._complaints = list(complaints)
        self._pane = pn.pane.HTML(
            "", sizing_mode="stretch_width", margin=(0, 0, 8, 0), css_classes=["notice"],
            stylesheets=[_CSS],
        )  # fmt: skip
        choices = [
            "galaxy", "rotation", "angles", "source", "target", "translator", "seed", "steps",
            "guidance",
        ]  # fmt: skip
        session.param.watch(self._update, ["problem", "notice", "scene"])
        session.store.param.watch(self._forget, choices)
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
        alert = " ".join(sentence for sentence in sentences if sentence)
        kind = ' class="alert"' if alert else ""
        self._pane.object = f'<p role="status"{kind}>{escape(alert or self._caption())}</p>'

    def _caption(self) -> str:
        """Return what is on view, as "Spiral 3 · rotation 1 · gas → dark matter · DDPM"."""
        store, scene = self._session.store, self._session.scene
        source, target = (DOMAINS[name].label.lower() for name in (store.source, store.target))
        parts = [
            library.GALAXIES.find(store.galaxy).label,
            store.view.direction,
            f"z = {scene.redshift:g}" if scene else "",
            f"{source} → {target}",
            str(store.card.get("title", store.translator)),
        ]
        return " · ".join(part for part in parts if part)

    def __panel__(self) -> Any:
        return self._pane
