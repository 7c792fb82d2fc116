"""The page Lensing: what the mass on view, true and predicted, does to the light behind it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import panel as pn
from bokeh.models import Range1d
from numpy.typing import NDArray

from data.domains import get_domain
from explorer.bending import PREDICTED, Bending, Masses, bend, field_of, masses_of
from explorer.library import Scene
from explorer.sampling import Sampling
from explorer.session import Session
from explorer.turns import Due
from explorer.views.bent import CSS, KEY_CSS, numbers_html
from explorer.views.cards import cards, fit_grid
from explorer.views.chart import frame_map
from explorer.views.drawing import DrawingBar
from explorer.views.lenses import LensPanel, Overlay
from explorer.views.maps import MapContent
from explorer.views.optics import OpticsInput
from explorer.views.plots import ValueStrip
from explorer.views.view import View

_NUMBERS_PX = 380


class LensingPage(View):
    """A session's dark matter as a lens: the true one beside what a translator makes of it.

    Attributes
    ----------
    bending : on view, None while there is none.
    optics : the controls.
    """

    title: ClassVar[str] = "Lensing"

    def __init__(self, session: Session, sampling: Sampling | None = None, **params: Any):
        """`sampling` holds samples that are there already: nothing is offered to draw others."""
        super().__init__(session, **params)
        self._showing = Due(session.change, self._show)
        self._can_draw, self._sampling = sampling is None, sampling or session.sampling
        self.bending: Bending | None = None
        self._masses: Masses | None = None
        self._galaxy: str | None = None
        # Before the bar hears of it, so that it says that all is there once it is.
        self.follow(self._sampling, ["ensemble", "count"], self._weigh)
        self._bar = DrawingBar(session, "A click on a map puts the source there.")
        self.optics = OpticsInput()
        self._ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
        self._overlays = {is_true: Overlay(is_true) for is_true in (True, False)}
        self._maps = [
            LensPanel(content, self._ranges, self.colors, self._overlays[is_true], self.optics)
            for content, is_true in zip(self.contents(), _IS_TRUE, strict=True)
        ]
        self.strip = ValueStrip()
        self._numbers = pn.pane.HTML("", stylesheets=[CSS], margin=(4, 8), width=_NUMBERS_PX)
        self._layout = self._lay_out()
        self.follow(session, ["scene", "run"], self._weigh)
        self.follow(session.store, ["target", "translator"], self._weigh)
        self.follow(session, "dark", self._dress)
        self.param.watch(self._show_parts, "shown")
        self.optics.param.watch(self._weigh, "mass")
        self.optics.param.watch(self._bend, "optics")
        self._weigh()
        self._dress()

    def _lay_out(self) -> Any:
        head = pn.Row(self.optics, self._numbers, margin=0, sizing_mode="stretch_width",
                      styles={"flex-wrap": "wrap"})  # fmt: skip
        self._grid = pn.Row(*self._maps, self.strip, margin=0)
        key = pn.pane.HTML(f"<p>{_KEY}</p>", stylesheets=[KEY_CSS], margin=(4, 10, 0, 10))
        bar = [[self._bar]] if self._can_draw else []
        return cards([*bar, [head], [self._grid, key]], "lensing")

    def fit(self, width_px: int) -> None:
        """Fit maps and the strip into `width_px`."""
        _, size = fit_grid(self._grid, self._maps, width_px)
        self.strip.figure.update(min_border_left=0, frame_height=size, frame_width=size)

    def contents(self) -> list[MapContent]:
        """Return what each of the maps shows now: pairs of truth and prediction."""
        bending, scene = self.bending, self._scene()
        extent = scene.extent_kpc if scene else 100.0
        count = len(bending.predicted) if bending else 0
        named = f"mean of {count}" if count > 1 else "prediction"
        made = []
        for name, title, quantity, unit, colormap in _SHOWN:
            true = field_of(bending.truth, name) if bending and bending.truth else None
            maps = [true, bending.mean(name) if bending else None]
            limits = _limits(name, maps)
            made += [
                MapContent(f"{title} · {which}", values, extent, limits, colormap, quantity, unit,
                           logarithmic=name == "convergence", nothing=nothing)
                for which, values, nothing in zip(
                    ("truth", named), maps, ("no map of its dark matter", self._nothing()),
                    strict=True)
            ]  # fmt: skip
        spread = bending.spread() if bending is not None else None
        most = 0.1 if spread is None else max(0.1 * np.ceil(10 * spread.max()), 0.1)
        nothing = "" if count > 1 else "drawing samples shows how sure it is"
        return [*made, MapContent(
            "Standard deviation of images", spread, extent, (0.0, float(most)), "cividis",
            "among samples", "source = 1", logarithmic=False, nothing=nothing,
        )]  # fmt: skip

    def _nothing(self) -> str:
        """Say why there is no prediction."""
        store = self._session.store
        if store.target != PREDICTED:
            label = get_domain(store.target).label.lower()
            return f"the target is {label}: choose dark matter, which is what bends light here"
        return self._session.problem or "not translated yet"

    def _scene(self) -> Scene | None:
        """Return the scene that the samples are of, which may come before the session's."""
        ensemble = self._sampling.ensemble
        return self._session.scene if ensemble is None else ensemble.scene

    def _predicted(self) -> NDArray[np.float32] | None:
        """Return maps (M, H, W) of dark matter that the translator made of the view."""
        ensemble, run = self._sampling.ensemble, self._session.run
        if self._session.store.target != PREDICTED:
            return None
        if ensemble is not None:
            return ensemble.samples
        return None if run is None else run.output[None]

    def _weigh(self, *events: Any) -> None:
        """Make lenses of the maps on view, then bend light by them."""
        scene = self._scene()
        if scene is not None:
            self._masses = masses_of(scene, self._predicted(), self.optics.added)
            if scene.key != self._galaxy:
                self._galaxy = scene.key
                self.optics.place(scene.extent_kpc)  # which bends, too
        self._bend()

    def _bend(self, *events: Any) -> None:
        if self._masses is not None:
            self.bending = bend(self._masses, self.optics.optics)
        if self.strip.figure.document is None:
            self._show()
        else:
            self._showing.ask()

    def _show(self) -> None:
        bending, scene = self.bending, self._scene()
        half = 0.5 * scene.extent_kpc if scene else 50.0
        if self._ranges[0].reset_end != half:
            frame_map(self._ranges, 2.0 * half)
        for panel, content in zip(self._maps, self.contents(), strict=True):
            panel.put(content)
        if bending is None or self._masses is None:
            return
        for overlay in self._overlays.values():
            overlay.put(bending)
        self._numbers.object = numbers_html(bending, self._masses, self._nothing())
        self._show_strip(bending)

    def _show_strip(self, bending: Bending) -> None:
        """Show Einstein radii of the samples or, where there are none, largest convergences."""
        truth = bending.truth
        if bending.einstein_kpc.any() or (truth and truth.einstein_kpc):
            title, label = "Einstein radius", "log₁₀ θE (kpc)"
            values, true = bending.einstein_kpc, truth.einstein_kpc if truth else np.nan
        else:
            title, label = "Peak convergence", "log₁₀ of the largest κ"
            values, true = bending.peaks, truth.peak if truth else np.nan
        with np.errstate(divide="ignore"):
            self.strip.put(title, label, np.log10(values), float(np.log10(true)))

    def _dress(self, *events: Any) -> None:
        for panel, content in zip(self._maps, self.contents(), strict=True):
            panel.put(content, self.colors)
        self.strip.dress(self.colors)

    def _show_parts(self, *events: Any) -> None:
        self._bar.shown = self.shown

    def __panel__(self) -> Any:
        return self._layout


_KEY = (
    "White lines are critical curves, where images are stretched most: of the truth, and thin of "
    "each sample, with the truth’s as dashes. The circle is the source; within the orange caustic "
    "it has more images."
)
# Of what there are maps of truth and prediction: name, title, quantity, unit, color map.
_SHOWN = (
    ("convergence", "Convergence κ", "κ", "Σ / Σcr", "inferno"),
    ("image", "Lensed image", "brightness", "source = 1", "gray"),
    ("deflection", "Deflection", "|α|", "kpc", "viridis"),
)
_IS_TRUE = (True, False, True, False, True, False, False)
_DECADES = 2.5


def _limits(name: str, maps: list[NDArray[Any] | None]) -> tuple[float, float]:
    """Return limits of the color scale that truth and prediction share."""
    known = [values for values in maps if values is not None]
    if name == "image":
        return 0.0, 1.0
    high = max((float(values.max()) for values in known), default=1.0) or 1.0
    if name == "deflection" or not known:
        return 0.0, high
    low = float(np.percentile(known, 1.0))
    return min(max(low, high * 10.0**-_DECADES), 0.5 * high), high
