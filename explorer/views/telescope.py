"""The controls of the page Observe: distance, time, noise, and how far the observation has come."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.observatory import Observatory
from explorer.observing import DISTANCES, HOURS, SERIES
from explorer.session import Session
from explorer.views.drawing import PROGRESS_CSS, progress_html
from explorer.views.view import View

_DISTANCE_HELP = (
    "Where the galaxy is put, whatever its own redshift: the beam of 10″ is so much larger in kpc. "
    "One that is too large for the dishes to see evenly is put farther away."
)
_HOURS_HELP = "Time on the source in all, on as many days as it takes: noise falls with its root."


class TelescopeInput(View):
    """Sliders for distance and time, buttons for other noise and a series, and a sentence."""

    def __init__(self, session: Session, observatory: Observatory):
        super().__init__(session)
        self._observatory = observatory
        setting = observatory.setting
        self._distance = _slider("Distance (Mpc)", DISTANCES, setting.distance_mpc, _DISTANCE_HELP)
        self._hours = _slider("Time on source (h)", HOURS, setting.hours, _HOURS_HELP)
        again = "Draw noise again"
        series = f"Series: {', '.join(f'{hours}' for hours in SERIES)} h"
        self._again = _button(again, lambda event: observatory.renew())
        self._series = _button(series, lambda event: observatory.series())
        self._stop = _button("Stop", lambda event: observatory.cancel())
        self._words = pn.pane.HTML("", stylesheets=[PROGRESS_CSS], align="center", margin=(0, 12),
                                   sizing_mode="stretch_width")  # fmt: skip
        self._distance.param.watch(self._move, "value_throttled")
        self._hours.param.watch(self._move, "value_throttled")
        self.follow(observatory, ["setting", "busy", "progress", "said"], self._update)
        self._update()

    def _move(self, event: Any) -> None:
        """Observe otherwise, where a slider was let go at another value."""
        asked = {"distance_mpc": float(self._distance.value), "hours": float(self._hours.value)}
        setting = self._observatory.setting
        if asked != {name: getattr(setting, name) for name in asked}:
            self._observatory.change(**asked)

    def _update(self, *events: Any) -> None:
        observatory = self._observatory
        self._distance.value = int(observatory.setting.distance_mpc)
        self._hours.value = int(observatory.setting.hours)
        self._stop.disabled = not observatory.busy
        self._words.object = progress_html(
            "Observation", observatory.busy, observatory.progress, observatory.said
        )

    def __panel__(self) -> Any:
        row: dict[str, Any] = {"margin": 0, "sizing_mode": "stretch_width"}
        return pn.Column(
            pn.Row(self._distance, self._hours, **row),
            pn.Row(self._again, self._series, self._stop, **row, styles={"flex-wrap": "wrap"}),
            self._words, **row,
        )  # fmt: skip


def _slider(label: str, values: tuple[int, ...], value: float, told: str) -> Any:
    return pmui.DiscreteSlider(
        label=label, options=list(values), value=int(value), description=told, size="small",
        margin=(4, 14), sizing_mode="stretch_width", min_width=150,
    )  # fmt: skip


def _button(label: str, act: Any) -> Any:
    return pmui.Button(label=label, variant="outlined", size="small", margin=(4, 6), on_click=act)
