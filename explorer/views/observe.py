"""The page Observe: the HI on view as SKA-Mid sees it, and what a translator makes of that."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import panel as pn
from bokeh.models import Range1d

from data.domains import DOMAINS
from engine.metrics.profile import residual_dex
from explorer import theme
from explorer.library import Scene
from explorer.observatory import Observatory
from explorer.observing import SEEN, Point, Sight
from explorer.scales import dex_limit, log_limits
from explorer.session import Session
from explorer.views.bent import KEY_CSS
from explorer.views.cards import cards, fit_grid
from explorer.views.chart import frame_map
from explorer.views.maps import MapContent, MapPanel, quantity
from explorer.views.observed import ObservedPanel, SpreadPlot
from explorer.views.radio import CSS, numbers_html
from explorer.views.telescope import TelescopeInput
from explorer.views.view import View

_NUMBERS_PX = 400
# Of the maps of HI from the true peak on, whatever the noise, so that one sees how strong it is.
_DECADES = 2.5
_KEY = (
    "The white ellipse is the beam; white lines are at three times the noise. The observed map has "
    "the pixels of the true one, and the darkest color below zero. Prediction, spread and error "
    "are of the mean of samples in the logarithm. What translates is a network that was trained on "
    "such maps, whatever source and translator are chosen for the other pages."
)


class ObservePage(View):
    """A session's HI through a telescope, and samples of the target, given what it sees.

    Attributes
    ----------
    observatory : which observes, and holds what came of it.
    """

    title: ClassVar[str] = "Observe"

    def __init__(self, session: Session, sight: Sight | None = None, **params: Any):
        """`sight` is there already: nothing is offered to observe otherwise."""
        super().__init__(session, **params)
        self._can_observe = sight is None
        self.observatory = Observatory(session, sight=sight)
        self._galaxy: str | None = None
        self._ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
        self._maps: list[MapPanel] = [
            (ObservedPanel if index == 1 else MapPanel)(content, self._ranges, self.colors)
            for index, content in enumerate(self.contents())
        ]
        self.plot = SpreadPlot()
        self._numbers = pn.pane.HTML("", stylesheets=[CSS], margin=(4, 8), width=_NUMBERS_PX,
                                     min_height=160)  # fmt: skip
        self._telescope = TelescopeInput(session, self.observatory) if self._can_observe else None
        self._layout = self._lay_out()
        self.follow(self.observatory, "sight", self._update)
        self.follow(session, "dark", self._dress)
        if self._can_observe:
            self.follow(session, "scene", self._look)
            self.follow(session.store, ["target", "seed"], self._look)
            self.param.watch(self._show_parts, "shown")
            self._look()
        self._update()
        self._dress()

    def _lay_out(self) -> Any:
        parts = [self._numbers] if self._telescope is None else [self._telescope, self._numbers]
        head = pn.Row(*parts, margin=0, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})
        chart = [self.plot] if self._can_observe else []
        self._grid = pn.Row(*self._maps, *chart, margin=0)
        key = pn.pane.HTML(f"<p>{_KEY}</p>", stylesheets=[KEY_CSS], margin=(4, 10, 0, 10))
        return cards([[head], [self._grid, key]], "observe")

    def fit(self, width_px: int) -> None:
        """Fit maps and chart into `width_px`."""
        _, size = fit_grid(self._grid, self._maps, width_px)
        wide = 2 * size + theme.GAP - theme.MARGIN_LEFT
        self.plot.pane.styles = {"flex": "none", "grid-column": "span 2"}
        self.plot.figure.update(frame_height=size, frame_width=wide)

    def contents(self) -> list[MapContent]:
        """Return what each map shows: HI true and seen, prediction, truth, spread and error."""
        sight, scene = self._sight, self._scene
        domain, hi = DOMAINS[self._session.store.target], DOMAINS[SEEN]
        extent = scene.extent_kpc if scene else 100.0
        own, truth = (scene.maps.get(name) if scene else None for name in (SEEN, domain.name))
        seen = sight.seen if sight else None
        mean, spread = (sight.mean, sight.spread) if sight else (None, None)
        error = None if mean is None or truth is None else residual_dex(mean, truth, domain.floor)
        limits = log_limits([truth if truth is not None else mean], domain.name)
        words = (domain.colormap, quantity(domain), domain.unit)
        hi_words = (hi.colormap, quantity(hi), hi.unit)
        hi_limits, label = _hi_limits(own), domain.label.lower()
        off = dex_limit(error)
        most = 0.4 if spread is None else 0.2 * np.ceil(5 * np.nanpercentile(spread, 99.5))
        samples = sight.samples if sight else None
        number = "" if samples is None else f" of {len(samples)}"
        waits = "no map of it" if own is None else "not observed yet"
        return [
            MapContent("HI · truth", own, extent, hi_limits, *hi_words, nothing=waits),
            MapContent("HI · as SKA-Mid sees it", seen.surface_density if seen else None, extent,
                       hi_limits, *hi_words, nothing=waits),
            MapContent(f"Mean{number} · {label}", mean, extent, limits, *words, nothing=waits),
            MapContent(f"Truth · {label}", truth, extent, limits, *words, nothing="no map of it"),
            MapContent("Standard deviation", spread, extent, (0.0, max(float(most), 0.2)),
                       "cividis", "of log₁₀ among samples", "dex", logarithmic=False),
            MapContent("Error of the mean", error, extent, (-off, off), self.colors.diverging,
                       "log₁₀ mean / truth", "dex", logarithmic=False),
        ]  # fmt: skip

    @property
    def _sight(self) -> Sight | None:
        """The sight on view, unless it is of another target or galaxy than the page shows."""
        sight, session = self.observatory.sight, self._session
        if sight is None or sight.target != session.store.target:
            return None
        return sight if session.scene is None or sight.scene is session.scene else None

    @property
    def _scene(self) -> Scene | None:
        return self._sight.scene if self._sight else self._session.scene

    def _look(self, *events: Any) -> None:
        """Observe what is on view now."""
        self._update()
        self.observatory.view_changed()

    def _update(self, *events: Any) -> None:
        sight, scene = self._sight, self._scene
        if scene is not None and scene.key != self._galaxy:
            self._galaxy = scene.key
            frame_map(self._ranges, scene.extent_kpc)
        for panel, content in zip(self._maps, self.contents(), strict=True):
            panel.put(content)
        observed = self._maps[1]
        if isinstance(observed, ObservedPanel):
            observed.mark(sight.seen if sight else None, scene.extent_kpc if scene else 100.0)
        if sight is not None:
            self._numbers.object = numbers_html(sight, self.observatory.setting)
        last = Point.of(sight) if sight is not None and sight.samples is not None else None
        self.plot.put(self.observatory.known, last)

    def _dress(self, *events: Any) -> None:
        for panel, content in zip(self._maps, self.contents(), strict=True):
            panel.put(content, self.colors)
        self.plot.dress(self.colors)

    def _show_parts(self, *events: Any) -> None:
        if self._telescope is not None:
            self._telescope.shown = self.shown

    def __panel__(self) -> Any:
        return self._layout


def _hi_limits(own: Any) -> tuple[float, float]:
    """Return the limits that both maps of HI share: those of the true one, of few decades."""
    low, high = log_limits([own], SEEN)
    return max(low, high / 10.0**_DECADES), high
