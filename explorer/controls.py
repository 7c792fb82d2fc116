"""The sidebar: what to translate, the buttons, progress and exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
from panel.viewable import Viewer

from data.domains import DOMAINS
from explorer import library, theme
from explorer.export import FORMATS, export_bytes, export_name
from explorer.session import Session
from explorer.views.facts import Facts

_HEADING = {
    "color": theme.MUTED, "font-size": "11px", "font-weight": "600",
    "letter-spacing": "0.08em", "text-transform": "uppercase",
}  # fmt: skip
_GUIDANCE = "0 ignores the source, 1 is the model as trained, more insists on the source."
_HINT = {"color": theme.MUTED, "font-size": "12px", "line-height": "1.3"}


def _heading(text: str) -> pn.pane.HTML:
    return pn.pane.HTML(text, styles=_HEADING, margin=(12, 10, 0, 10))


class Controls(Viewer):
    """Widgets bound to a session's store."""

    def __init__(self, session: Session):
        super().__init__()
        self._session = session
        store = session.store
        self._choices = self._make_choices()
        self._run = pn.widgets.Button(
            label="Translate", button_type="primary", sizing_mode="stretch_width",
            margin=(10, 4, 4, 10), on_click=lambda event: session.translate(),
        )  # fmt: skip
        self._stop = pn.widgets.Button(
            label="Cancel", width=84, disabled=True, margin=(10, 10, 4, 4),
            on_click=lambda event: session.cancel(),
        )  # fmt: skip
        self._progress = pn.indicators.Progress(
            value=0,
            max=100,
            sizing_mode="stretch_width",
            height=6,
            margin=(4, 10, 0, 10),
            stylesheets=[theme.PROGRESS_CSS],
        )
        self._status = pn.pane.HTML(
            "", margin=(4, 10, 0, 10), styles={"color": theme.MUTED, "font-size": "13px"}
        )
        self._downloads = [self._download(extension) for extension in FORMATS]
        self._facts = Facts(session)
        session.param.watch(self._update, ["scene", "run", "preview", "busy", "loading", "problem"])
        store.param.watch(self._update, ["translator"])
        self._update()

    def _make_choices(self) -> list[Any]:
        store = self._session.store
        galaxies = {library.galaxy_label(e): e.name for e in library.CATALOG}
        domains = {domain.label: name for name, domain in DOMAINS.items()}
        titles = {str(card.get("title", name)): name for name, card in store.cards.items()}

        def select(name: str, label: str, options: dict[str, str]) -> Any:
            widget = pn.widgets.Select(
                label=label, options=options, value=getattr(store, name),
                sizing_mode="stretch_width", margin=(3, 10), stylesheets=[theme.INPUT_CSS],
            )  # fmt: skip
            _bind(widget, store, name)
            return widget

        def number(name: str, label: str) -> Any:
            kind = pn.widgets.FloatInput if name == "guidance" else pn.widgets.IntInput
            widget = kind(
                label=label, value=getattr(store, name), step=0.5 if name == "guidance" else 1,
                sizing_mode="stretch_width", margin=(3, 10), min_width=90,
                stylesheets=[theme.INPUT_CSS],
            )  # fmt: skip
            _bind(widget, store, name, self._refuse)
            return widget

        rotation = pn.widgets.RadioButtonGroup(
            options=list(range(1, library.NUM_ROTATIONS + 1)), value=store.rotation,
            sizing_mode="stretch_width", margin=(0, 10, 3, 10), button_style="outline",
            button_type="primary",
        )  # fmt: skip
        _bind(rotation, store, "rotation")
        caption = pn.pane.HTML("Rotation", margin=(3, 10, 2, 10), styles={"font-size": "13px"})
        self._steps, self._seed = number("steps", "Steps"), number("seed", "Seed")
        self._guidance = number("guidance", "Guidance")
        return [
            _heading("Galaxy"),
            select("galaxy", "Galaxy", galaxies), caption, rotation,
            _heading("Translation"),
            select("source", "Source", domains), select("target", "Target", domains),
            select("translator", "Translator", titles),
            pn.Row(self._steps, self._seed, sizing_mode="stretch_width", margin=0),
            self._guidance,
            pn.pane.HTML(_GUIDANCE, margin=(0, 10), styles=_HINT, width=theme.SIDEBAR_WIDTH - 40),
        ]  # fmt: skip

    def _download(self, extension: str) -> pn.widgets.FileDownload:
        return pn.widgets.FileDownload(
            label=extension.upper(), callback=lambda: export_bytes(self._session.run, extension),
            filename=f"figure.{extension}", button_type="default", icon=None,
            disabled=True, width=76, margin=(4, 0, 4, 8), css_classes=[f"export-{extension}"],
        )  # fmt: skip

    def _refuse(self, name: str) -> None:
        allowed = self._session.store.allowed(name)
        self._session.notice = f"{name.capitalize()} must be {allowed}."

    def _update(self, *events: Any) -> None:
        session = self._session
        run = session.run
        self._steps.disabled = session.store.default_steps() == 1
        self._seed.disabled = not session.store.is_random
        self._guidance.disabled = not session.store.has_prior
        self._run.disabled = session.busy or bool(session.problem) or session.scene is None
        self._stop.disabled = not session.busy
        self._progress.visible = session.busy
        if session.preview:
            step, num_steps, _ = session.preview
            self._progress.value = int(100 * step / num_steps)
        elif session.busy:
            self._progress.value = 0
        self._status.object = self._sentence()
        for extension, button in zip(FORMATS, self._downloads, strict=True):
            button.disabled = run is None
            if run is not None:
                button.filename = export_name(run, extension)

    def _sentence(self) -> str:
        session = self._session
        if session.loading:
            return "Making the maps of this galaxy…"
        if session.preview:
            return f"Sampling: step {session.preview[0]} of {session.preview[1]}"
        if session.busy:
            return "Loading the translator…"
        if session.run:
            plural = "step" if session.run.num_steps == 1 else "steps"
            return f"{session.run.num_steps} {plural} in {session.run.seconds:.1f} s"
        return "" if session.problem else "Ready to translate"

    def __panel__(self) -> Any:
        return pn.Column(
            *self._choices,
            pn.Row(self._run, self._stop, sizing_mode="stretch_width", margin=0),
            self._progress, self._status,
            _heading("Export figure"),
            pn.Row(*self._downloads, margin=(0, 0, 0, 2)),
            _heading("On view"), self._facts,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


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
