"""The sidebar: what to translate, the buttons, progress and exports."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewer

from data.domains import DOMAINS
from explorer.export import FORMATS, export_bytes, export_name, takes_others, unavailable
from explorer.session import Session
from explorer.store import Store
from explorer.translation import Run
from explorer.turns import Due
from explorer.views.direction import DirectionControl
from explorer.views.facts import Facts

_HEADING_CSS = """
h2 { margin: 0; font: 600 11px var(--font); letter-spacing: 0.08em; text-transform: uppercase;
  color: var(--muted); }
"""
_STATUS_CSS = """
.bar { height: 4px; border-radius: 2px; background: var(--line); overflow: hidden; }
.rest { visibility: hidden; }
.bar > i { display: block; height: 100%; border-radius: 2px; background: var(--accent); }
.wait > i { width: 30%; animation: wait 1.4s ease-in-out infinite alternate; }
@keyframes wait { to { margin-left: 70%; } }
@media (prefers-reduced-motion: reduce) { .wait > i { animation: none; width: 100%; } }
p { margin: 6px 0 0; min-height: 34px; font: 13px/17px var(--font); color: var(--muted); }
"""
_HELP = {
    "translator": "The trained model; “On view” below tells its error in this direction.",
    "steps": "Steps of the sampler between noise (t = 1) and map (t = 0): more take longer and "
    "follow the model more closely.",
    "seed": "Start of the random numbers: another seed draws another sample of what the target "
    "may look like, the same seed the same one.",
    "guidance": "0 ignores the source, 1 is the model as trained, more insists on the source.",
}
# Their own − and + have no names, and arrow keys do the same.
_NUMBER_STYLE = {
    "& .MuiInputAdornment-root": {"display": "none"}, "& .MuiInputBase-input": {"paddingX": "12px"},
}  # fmt: skip


def _heading(text: str) -> pn.pane.HTML:
    return pn.pane.HTML(f"<h2>{text}</h2>", stylesheets=[_HEADING_CSS], margin=(10, 10, 2, 10))


class Controls(Viewer):
    """Widgets bound to a session's store."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        store = session.store
        self._choices = self._make_choices()
        self._run = pmui.Button(
            label="Translate", sizing_mode="stretch_width", margin=(8, 4, 4, 10), disabled=True,
            disable_elevation=True, on_click=lambda event: session.translate(),
        )  # fmt: skip
        self._stop = pmui.Button(
            label="Cancel", variant="outlined", width=88, margin=(8, 10, 4, 4), disabled=True,
            on_click=lambda event: session.cancel(),
        )  # fmt: skip
        self._status = pn.pane.HTML(
            "", margin=(6, 10, 0, 10), sizing_mode="stretch_width", stylesheets=[_STATUS_CSS]
        )
        self._format, self._download = self._make_export()
        self._why_not = pn.pane.HTML(
            "", visible=False, margin=(0, 10), sizing_mode="stretch_width",
            stylesheets=[_STATUS_CSS],
        )  # fmt: skip
        self._facts = Facts(session)
        update = Due(session.change, self._update).ask
        session.param.watch(
            update, ["scene", "run", "preview", "busy", "ahead", "loading", "problem"]
        )
        session.beside.param.watch(update, "lanes")
        store.param.watch(update, ["translator"])
        self._update()

    def _make_choices(self) -> list[Any]:
        store = self._session.store
        domains = {domain.label: name for name, domain in DOMAINS.items()}
        titles = {str(card.get("title", name)): name for name, card in store.cards.items()}

        def select(name: str, label: str, options: dict[str, str]) -> Any:
            widget = pmui.Select(
                label=label, options=options, value=getattr(store, name), size="small",
                sizing_mode="stretch_width", margin=(7, 10), description=_HELP.get(name, ""),
            )  # fmt: skip
            _bind(widget, store, name)
            return widget

        def number(kind: Any, name: str, step: float) -> Any:
            widget = kind(
                label=name.capitalize(), value=getattr(store, name), step=step, size="small",
                sizing_mode="stretch_width", min_width=60, margin=0, sx=_NUMBER_STYLE,
                format="0[.]0[00]", description=_HELP[name],
            )  # fmt: skip
            _bind(widget, store, name, self._refuse)
            return widget

        self._steps = number(pmui.IntInput, "steps", 1)
        self._seed = number(pmui.IntInput, "seed", 1)
        self._guidance = number(pmui.FloatInput, "guidance", 0.5)
        galaxy = select("galaxy", "Galaxy", _labels(store))
        store.param.watch(lambda event: setattr(galaxy, "options", _labels(store)), "galaxy_names")
        return [
            galaxy,
            DirectionControl(self._session, _NUMBER_STYLE),
            _heading("Translation"),
            select("source", "Source", domains), select("target", "Target", domains),
            select("translator", "Translator", titles),
            pn.Row(self._steps, self._seed, sizing_mode="stretch_width", margin=(7, 10),
                   styles={"gap": "8px"}),
            pn.Row(self._guidance, sizing_mode="stretch_width", margin=(7, 10)),
        ]  # fmt: skip

    def _make_export(self) -> tuple[Any, Any]:
        """Return the choice of a format and the button that writes it."""
        formats = {f"{f.label}: {f.description}": name for name, f in FORMATS.items()}
        choice = pmui.Select(
            label="Format", options=formats, value="pdf", size="small", margin=(7, 10),
            sizing_mode="stretch_width",
        )  # fmt: skip
        button = pmui.FileDownload(
            label="Download", callback=self._export,
            filename="export.pdf", variant="outlined", disabled=True, margin=(4, 10),
            sizing_mode="stretch_width",
        )  # fmt: skip
        choice.param.watch(self._update, "value")
        return choice, button

    def _export(self) -> Any:
        """Return what is on view as a file, with the translators beside where it shows them."""
        return export_bytes(self._session.run, self._format.value, others=self._others())

    def _others(self) -> tuple[Run, ...]:
        if not takes_others(self._format.value):
            return ()
        return tuple(lane.run for lane in self._session.beside.lanes if lane.run is not None)

    def _refuse(self, name: str) -> None:
        allowed = self._session.store.allowed(name)
        self._session.notice = f"{name.capitalize()} must be {allowed}."

    def _update(self, *events: Any) -> None:
        session = self._session
        run = session.run
        self._steps.disabled = session.store.default_steps() == 1
        self._seed.disabled = not session.store.is_random
        self._guidance.disabled = not session.store.has_prior
        working = session.busy or session.loading
        self._run.disabled = working or bool(session.problem) or session.scene is None
        self._stop.disabled = not session.busy
        self._status.object = self._progress()
        reason = unavailable(self._format.value, run)
        self._download.disabled = run is None or bool(reason)
        self._why_not.object = f"<p>{escape(reason)}</p>" if reason else ""
        self._why_not.visible = bool(reason)
        if run is not None:
            self._download.filename = export_name(run, self._format.value, others=self._others())

    def _progress(self) -> str:
        """Return bar and sentence as HTML, as high while there is nothing to tell."""
        session = self._session
        working = session.busy or session.loading
        kind = "rest" if not working else "" if session.preview else "wait"
        share = int(100 * session.preview[0] / session.preview[1]) if session.preview else 0
        told = f' aria-valuenow="{share}"' if session.preview else ""
        width = f' style="width: {share}%"' if session.preview else ""
        bar = f'class="bar {kind}" role="progressbar" aria-label="Progress"{told}'
        return f'<div {bar}><i{width}></i></div><p role="status">{escape(self._sentence())}</p>'

    def _sentence(self) -> str:
        session, run = self._session, self._session.run
        if session.loading:
            return "Making the maps of this galaxy…"
        if session.preview:
            return f"Sampling: step {session.preview[0]} of {session.preview[1]}"
        if session.busy and session.ahead:
            return f"Waiting: {session.ahead} before this one…"
        if session.busy:
            return "Waiting for the translator…"
        if run:
            steps = "1 step" if run.num_steps == 1 else f"{run.num_steps} steps"
            if session.recalled:
                return f"{steps}, kept from before; sampling took {run.seconds:.1f} s then"
            return f"{steps} sampled in {run.seconds:.1f} s"
        return "" if session.problem else "Ready to translate"

    def __panel__(self) -> Any:
        return pn.Column(
            *self._choices,
            pn.Row(self._run, self._stop, sizing_mode="stretch_width", margin=0),
            self._status,
            _heading("Export"), self._format, self._download, self._why_not,
            _heading("On view"), self._facts,
            sizing_mode="stretch_width", margin=(10, 0, 16, 0),
        )  # fmt: skip


def _labels(store: Store) -> dict[str, str]:
    return {offer.label: name for name, offer in store.galaxies.items()}


def _bind(
    widget: Any, store: Any, name: str, refuse: Callable[[str], None] = lambda name: None
) -> None:
    """Let a widget and a parameter follow each other.

    What the parameter does not allow is put back, and `refuse` told its name.
    """

    def to_store(event: Any) -> None:
        try:
            setattr(store, name, event.new)
        except ValueError:
            widget.value = getattr(store, name)
            refuse(name)

    widget.param.watch(to_store, "value")
    store.param.watch(lambda event: setattr(widget, "value", event.new), name)
