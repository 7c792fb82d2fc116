"""What stands above the maps: translators beside, color scale, and the place pointed at."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer import theme
from explorer.beside import Beside
from explorer.session import Session
from explorer.views.crosshair import Crosshair
from explorer.views.view import View


class GridBar(View):
    """Choices of the maps as a whole, bound to the store."""

    def __init__(self, session: Session, beside: Beside, crosshair: Crosshair):
        super().__init__(session)
        self._beside, self._crosshair = beside, crosshair
        store = session.store
        self._others = pmui.CheckButtonGroup(
            label="Translators beside", options=self._options(), value=list(store.others),
            size="small", margin=(0, 8), align="center",
        )  # fmt: skip
        self._stop = pmui.Button(
            label="Stop", variant="outlined", size="small", width=84, align="center",
            margin=(0, 8), disabled=True, on_click=lambda event: self._toggle(),
        )  # fmt: skip
        self._scale = self._choice("scale", "Color scale", "Key L")
        self._limits = self._choice("limits", "Color limits", "Key O")
        self._others.param.watch(self._choose, "value")
        self.follow(store, ["translator", "beside"], self._show_others)
        self.follow(beside, ["busy", "stopped"], self._show_stop)

    def _options(self) -> dict[str, str]:
        store = self._session.store
        return {
            str(card.get("title", name)): name
            for name, card in store.cards.items()
            if name != store.translator
        }

    def _choice(self, name: str, label: str, hint: str) -> Any:
        """Return buttons for a choice of the store, which the crosshair's keys change as well."""
        store = self._session.store
        buttons = pmui.RadioButtonGroup(
            label=label, value=getattr(store, name), size="small", align="center", margin=(0, 8),
            options={each.capitalize(): each for each in store.param[name].objects},
            description=f"{label} of the maps above. {hint} changes it.",
        )  # fmt: skip
        for other in (buttons, self._crosshair):
            own = "value" if other is buttons else name
            setattr(other, own, getattr(store, name))
            other.param.watch(lambda event: setattr(store, name, event.new), own)
            store.param.watch(lambda event, w=other, p=own: setattr(w, p, event.new), name)
        return buttons

    def _choose(self, event: Any) -> None:
        wanted = [name for name in self._session.store.others if name in event.new]
        names = ",".join([*wanted, *(name for name in event.new if name not in wanted)])
        if set(event.new) != set(self._session.store.others):
            self._session.store.beside = names

    def _show_others(self, *events: Any) -> None:
        self._others.param.update(options=self._options(), value=list(self._session.store.others))

    def _toggle(self) -> None:
        self._beside.cancel() if self._beside.busy else self._beside.resume()

    def _show_stop(self, *events: Any) -> None:
        busy, stopped = self._beside.busy, self._beside.stopped
        self._stop.param.update(label="Resume" if stopped and not busy else "Stop",
                                disabled=not (busy or stopped))  # fmt: skip

    def __panel__(self) -> Any:
        # As high whatever it says; where it is narrow, in rows.
        first = pn.Row(self._others, self._stop, margin=0)
        second = pn.Row(self._scale, self._limits, self._crosshair, margin=0)
        return pn.FlexBox(first, second, margin=(0, 0, 8, 4), gap="8px", align_items="center",
                          sizing_mode="stretch_width", styles=theme.RIGID)  # fmt: skip
