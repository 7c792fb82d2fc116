"""What is on view, in a few lines: the galaxy's numbers and what the translator is worth here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn
from panel.viewable import Viewer

from explorer.library import Scene, hold_out_error
from explorer.scales import power_of_ten
from explorer.session import Session

Fact = tuple[str, str]
_SPLITS = {"train": "training", "validation": "validation", "test": "test (hold-out)"}
_CSS = """
table { border-collapse: collapse; width: 100%; font: 12.5px var(--font); }
th, td { padding: 1px 0; vertical-align: top; color: var(--text); text-align: right; }
th { font-weight: normal; color: var(--muted); padding-right: 10px; white-space: nowrap;
  text-align: left; }
[title] { text-decoration: underline dotted var(--muted); text-underline-offset: 3px;
  cursor: help; }
"""
_MEANING = {
    "Halo mass M200": "Mass within the radius in which the mean density is 200 times the critical",
    "Stellar mass": "Of all stars of the galaxy and its satellites, also beyond the map",
    "Split": "Whether the translators saw this galaxy in training",
    "Hold-out error": "Mean absolute error of one sample over galaxies that training never saw; "
    "0.3 dex is a factor of two",
    "… of a pixelwise fit": "The same for the target's mean at the source's value in that pixel",
}


def galaxy_facts(scene: Scene) -> list[Fact]:
    """Return name, kind, redshift, masses, side of the map, and which split it belongs to."""
    facts = [("Name", scene.name), ("Kind", scene.kind or "unknown"),
             ("Redshift", f"{scene.redshift:g}")]  # fmt: skip
    for key, label in (("halo_mass", "Halo mass M200"), ("stellar_mass", "Stellar mass")):
        if key in scene.properties:
            facts.append((label, f"{power_of_ten(scene.properties[key])} M☉"))
    return [*facts, ("Field of view", f"{scene.extent_kpc:.0f} kpc"),
            ("Split", _SPLITS.get(scene.split, "unknown"))]  # fmt: skip


def translator_facts(card: Mapping[str, Any]) -> list[Fact]:
    """Return the translator's size, and what it was trained on, as far as its card says so."""
    facts = []
    if isinstance(size := card.get("parameters"), int):
        facts.append(("Parameters", f"{size / 1e6:.1f} million"))
    if isinstance(training := card.get("training"), Mapping) and "data" in training:
        facts.append(("Trained on", str(training["data"])))
    return facts


def error_facts(translator: str, source: str, target: str) -> list[Fact]:
    """Return the translator's hold-out error in this direction, and that of the baseline.

    Those that were evaluated; a user's own translator may not have been.
    """
    labels = {translator: "Hold-out error", "pixelwise": "… of a pixelwise fit"}
    errors = {label: hold_out_error(name, source, target) for name, label in labels.items()}
    return [(label, f"{error:.2f} dex") for label, error in errors.items() if error is not None]


class Facts(Viewer):
    """A table of facts on the galaxy and on the translator."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        self._pane = pn.pane.HTML("", margin=(4, 10, 0, 10), stylesheets=[_CSS],
                                  sizing_mode="stretch_width", css_classes=["facts"])  # fmt: skip
        session.param.watch(self._update, "scene")
        session.store.param.watch(self._update, ["source", "target", "translator"])
        self._update()

    def _update(self, *events: Any) -> None:
        session = self._session
        facts = galaxy_facts(session.scene) if session.scene else []
        store = session.store
        facts += translator_facts(store.card)
        facts += error_facts(store.translator, store.source, store.target)
        self._pane.object = f"<table>{''.join(_row(*fact) for fact in facts)}</table>"

    def __panel__(self) -> Any:
        return self._pane


def _row(name: str, value: str) -> str:
    meaning = f' title="{escape(_MEANING[name])}"' if name in _MEANING else ""
    head = f'<th scope="row"><span{meaning}>{escape(name)}</span></th>'
    return f"<tr>{head}<td>{escape(value)}</td></tr>"
