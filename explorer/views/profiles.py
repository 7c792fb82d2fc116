"""The page Profiles: what the view's maps hold by radius, and how far that is from the truth."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from data.domains import DOMAINS, Domain
from explorer import theme
from explorer.radial import Profiles, Reading, profiles_of
from explorer.sampling import Sampling
from explorer.session import Session
from explorer.views.cards import cards
from explorer.views.drawing import DrawingBar
from explorer.views.maps import quantity
from explorer.views.radial import CurvesPlot, InputPlot, RadiusAxis, ResidualsPlot
from explorer.views.view import View

_HEIGHT, _BELOW = 270, 120
_ROOM_PX = 110  # of a figure beside its frame
_SWITCHES: dict[str, dict[str, Any]] = {
    "center": {"map’s middle": "middle", "center of mass": "mass", "peak": "peak"},
    "is_cumulative": {"annuli": False, "cumulative": True},
    "in_half_mass_radii": {"kpc": False, "R½": True},
    "is_log": {"linear": False, "log": True},
}
_NAMES = {
    "center": "Center", "is_cumulative": "Profile", "in_half_mass_radii": "Unit of radii",
    "is_log": "Scale of radii",
}  # fmt: skip
_CSS = """
p { margin: 4px 0 0; min-height: 18px; font: 13px/18px var(--font); color: var(--muted); }
"""


class ProfilesPage(View):
    """Radial profiles of a session's view.

    Attributes
    ----------
    reading : how profiles are read now.
    curves, residuals, source : the figures.
    """

    title = "Profiles"

    def __init__(self, session: Session, sampling: Sampling | None = None, **params: Any):
        """`sampling` holds samples that are there already: nothing is offered to draw others."""
        super().__init__(session, **params)
        self._can_draw, self._sampling = sampling is None, sampling or session.sampling
        # Before the bar hears of it, so that it says that all is there once it is.
        self.follow(self._sampling, "ensemble", self._update)
        axis = RadiusAxis()
        self._axis = axis
        self.curves, self.residuals = CurvesPlot(axis), ResidualsPlot(axis)
        self.source = InputPlot(axis)
        self._bar = DrawingBar(session)
        self._switches = {name: self._switch(name) for name in _SWITCHES}
        self._words = pn.pane.HTML("", stylesheets=[_CSS], sizing_mode="stretch_width",
                                   margin=(0, 10))  # fmt: skip
        self._layout = self._lay_out()
        self.follow(session, ["scene", "run"], self._update)
        self.follow(session.store, ["source", "target"], self._update)
        self.follow(session, "dark", self._dress)
        self.param.watch(self._show_parts, "shown")
        self._update()
        self._dress()

    @property
    def reading(self) -> Reading:
        """How profiles are read, as the switches say."""
        names = ("center", "is_cumulative", "in_half_mass_radii")
        return Reading(**{name: self._switches[name].value for name in names})

    def _switch(self, name: str) -> Any:
        widget = pmui.RadioButtonGroup(
            label=_NAMES[name], options=_SWITCHES[name], value=next(iter(_SWITCHES[name].values())),
            size="small", margin=(2, 10), sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}},
        )  # fmt: skip
        widget.param.watch(self._update, "value")
        return widget

    def _lay_out(self) -> Any:
        head = pn.Row(*self._switches.values(), margin=0, sizing_mode="stretch_width",
                      styles={"flex-wrap": "wrap", "row-gap": "4px"})  # fmt: skip
        left = pn.Column(self.curves, self.residuals, margin=0, styles={"flex": "none"})
        self._plots = pn.Row(left, self.source, margin=0)
        parts = (*([[self._bar]] if self._can_draw else []), [head, self._words, self._plots])
        return cards(parts, "profiles")

    def fit(self, width_px: int) -> None:
        """Put the input's profile beside the others or, where there is no room, beneath."""
        free, beside = width_px - 24, width_px >= theme.NARROW_PX
        main = int(0.62 * (free - 2 * _ROOM_PX)) if beside else free - _ROOM_PX
        side = free - 2 * _ROOM_PX - main if beside else main
        self._plots.styles = {"flex-wrap": "nowrap" if beside else "wrap", "row-gap": "12px"}
        self.curves.figure.update(frame_width=max(main, 200), frame_height=_HEIGHT)
        self.residuals.figure.update(frame_width=max(main, 200), frame_height=_BELOW)
        self.source.figure.update(frame_width=max(side, 200), frame_height=_HEIGHT)

    def _update(self, *events: Any) -> None:
        session, scene = self._session, self._session.scene
        if scene is None:
            return
        store, run, ensemble = session.store, session.run, self._sampling.ensemble
        asked = {
            "output": None if run is None else run.output,
            "samples": None if ensemble is None else ensemble.samples,
        }
        reading, why_not = self.reading, ""
        try:
            found = profiles_of(scene, store.source, store.target, reading, **asked)
        except ValueError as error:
            reading, why_not = Reading(reading.center, reading.is_cumulative), str(error)
            found = profiles_of(scene, store.source, store.target, reading, **asked)
        self._put(found, reading)
        self._words.object = f"<p>{escape(self._sentence(found, why_not))}</p>"

    def _put(self, found: Profiles, reading: Reading) -> None:
        store = self._session.store
        source, target = DOMAINS[store.source], DOMAINS[store.target]
        unit = "R½" if reading.in_half_mass_radii else "kpc"
        within = "enclosing" if reading.is_cumulative else "projected"
        label = f"{within} radius ({unit})"
        if reading.in_half_mass_radii:
            label = f"{within} radius / half-mass radius of the {found.radius_of.replace('_', ' ')}"
        plots = [self.curves.figure, self.residuals.figure, self.source.figure]
        self._axis.fit(found.radii, self._switches["is_log"].value, plots, label)
        self.curves.figure.xaxis.axis_label = ""  # it is that beneath
        self.curves.put(found, *_axis(target, reading), unit)
        self.residuals.put(found, unit)
        self.source.put(found, *_axis(source, reading), unit)
        self.curves.figure.title.text = f"Target · {target.label.lower()}"
        self.source.figure.title.text = f"Input · {source.label.lower()}"

    def _sentence(self, found: Profiles, why_not: str) -> str:
        said = [why_not[:1].upper() + why_not[1:] + "."] if why_not else []
        if found.center_of:
            x, y = (_signed(each) for each in found.center_kpc)
            whose = DOMAINS[found.center_of].label.lower()
            kind = "peak" if self.reading.center == "peak" else "center of mass"
            said.append(f"The {kind} of {whose} lies at x = {x}, y = {y} kpc; all maps take it.")
        if np.isfinite(found.half_mass_radius_kpc):
            whose = DOMAINS[found.radius_of].label.lower()
            said.append(f"R½ of {whose}: {found.half_mass_radius_kpc:.2f} kpc.")
        if found.truth is None:
            said.append("This galaxy has no truth of the target.")
        if found.output is None:
            said.append("Not translated yet: the button is at the left.")
        return " ".join(said)

    def _dress(self, *events: Any) -> None:
        for plot in (self.curves, self.residuals, self.source):
            plot.dress(self.colors)

    def _show_parts(self, *events: Any) -> None:
        self._bar.shown = self.shown

    def __panel__(self) -> Any:
        return self._layout


def _signed(kpc: float) -> str:
    return f"{round(kpc, 1) + 0.0:.1f}".replace("-", "\u2212")


def _axis(domain: Domain, reading: Reading) -> tuple[str, str]:
    """Return the label of a domain's profile, with its symbol and unit, and the unit."""
    symbol = quantity(domain)
    if not reading.is_cumulative:
        return f"{symbol} ({domain.unit})", domain.unit
    if domain.is_mass:
        part = symbol.removeprefix("Σ").strip()
        return f"M {part} (<R) (M☉)", "M☉"
    return f"mean {symbol} within R ({domain.unit})", domain.unit
