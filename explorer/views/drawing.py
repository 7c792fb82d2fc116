"""What starts and stops the drawing of samples, and says how far it is."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.sampling import COUNTS
from explorer.session import Session
from explorer.views.view import View

PROGRESS_CSS = """
.bar { height: 4px; border-radius: 2px; background: var(--line); overflow: hidden; }
.rest { visibility: hidden; }
.bar > i { display: block; height: 100%; border-radius: 2px; background: var(--accent); }
p { margin: 4px 0 0; min-height: 36px; font: 13px/18px var(--font); color: var(--muted); }
"""


def progress_html(label: str, busy: bool, progress: tuple[int, int], sentence: str) -> str:
    """Return a bar of steps done of so many, unseen where nothing is at work, and a sentence."""
    done, number = progress
    share = 100 * done // number if number else 0
    kind = "bar" if busy else "bar rest"
    return (
        f'<div class="{kind}" role="progressbar" aria-label="{label}" aria-valuenow="{share}">'
        f'<i style="width: {share}%"></i></div>'
        f'<p role="status">{escape(sentence)}</p>'
    )


class DrawingBar(View):
    """The number of samples, two buttons, progress, and a sentence; as high whatever it says."""

    def __init__(self, session: Session, hint: str = ""):
        super().__init__(session)
        self._sampling = sampling = session.sampling
        self._hint = hint  # on what there is to do once samples are there
        self._counts = pmui.RadioButtonGroup(
            label="Number of samples", options={str(n): n for n in COUNTS}, value=sampling.count,
            size="small", margin=(0, 8), align="center",
        )  # fmt: skip
        self._draw = pmui.Button(
            label="Draw samples", disable_elevation=True, align="center", margin=(0, 4),
            on_click=lambda event: sampling.draw(),
        )  # fmt: skip
        self._stop = pmui.Button(
            label="Stop", variant="outlined", align="center", margin=(0, 4),
            on_click=lambda event: sampling.cancel(),
        )  # fmt: skip
        self._status = pn.pane.HTML("", stylesheets=[PROGRESS_CSS], sizing_mode="stretch_width",
                                    margin=(0, 12), align="center")  # fmt: skip
        self._counts.param.watch(lambda event: setattr(sampling, "count", event.new), "value")
        self.follow(sampling, ["busy", "progress", "notice", "ensemble", "count"], self._update)
        self.follow(session, ["scene", "loading", "problem"], self._update)
        self.follow(session.store, "translator", self._update)
        self._update()

    def _update(self, *events: Any) -> None:
        sampling, session = self._sampling, self._session
        self._counts.value = sampling.count  # which another page may have changed
        self._counts.disabled = not session.store.is_random
        self._draw.disabled = not sampling.is_ready
        self._stop.disabled = not sampling.busy
        self._status.object = progress_html(
            "Samples", sampling.busy, sampling.progress, self._sentence()
        )

    def _sentence(self) -> str:
        sampling, session = self._sampling, self._session
        if not session.store.is_random:
            title = session.store.card.get("title", session.store.translator)
            return (
                f"{title} draws nothing at random: it has one answer to each input, and no samples "
                "that could say how sure it is."
            )
        if said := session.problem or sampling.notice:
            return said
        if sampling.busy:
            step, number = sampling.progress
            return f"Drawing: step {step} of {number}" if step else "Waiting for the translator…"
        if (made := sampling.ensemble) is not None:
            return f"{len(made.samples)} samples, of seed {made.view.seed}. {self._hint}"
        return "Making the maps of this galaxy…" if session.loading else "No samples yet."

    def __panel__(self) -> Any:
        return pn.Row(self._counts, self._draw, self._stop, self._status, margin=(2, 0),
                      sizing_mode="stretch_width")  # fmt: skip
