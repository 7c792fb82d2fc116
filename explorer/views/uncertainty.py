"""The page Uncertainty: what samples of one translation agree on, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import Range1d

from data.domains import DOMAINS
from engine.metrics.profile import radial_profile, residual_dex
from explorer import theme
from explorer.ensemble import central_aperture, mean_map, profile_band, spread_dex
from explorer.library import Scene
from explorer.sampling import Sampling
from explorer.scales import dex_limit, log_limits
from explorer.session import Session
from explorer.translation import NUM_BINS
from explorer.views.aperture import ApertureInput, AperturePanel
from explorer.views.calibration import CSS, calibration_html
from explorer.views.cards import cards, fit_grid
from explorer.views.chart import frame_map
from explorer.views.drawing import DrawingBar
from explorer.views.maps import MapContent, quantity
from explorer.views.plots import ProfilePlot, SampleSheet
from explorer.views.posterior import Posterior
from explorer.views.view import View

_NUMBERS_PX = 290
_SMALL_PX = 64  # a side of samples that are being drawn, to be sent several times a second


class Uncertainty(View):
    """Samples of a session's view: their mean, spread and calibration, and masses in a circle."""

    title = "Uncertainty"

    def __init__(self, session: Session, sampling: Sampling | None = None, **params: Any):
        """`sampling` holds samples that are there already: nothing is offered to draw others."""
        super().__init__(session, **params)
        self._can_draw, self._sampling = sampling is None, sampling or session.sampling
        # Before the bar hears of it, so that it says that all is there once it is.
        self.follow(self._sampling, ["ensemble", "count"], self._update)
        self.follow(self._sampling, "preview", self._preview)
        self._galaxy, self._width_px = "", 1150
        self._bar = DrawingBar(session, "A click on a map moves the aperture.")
        self._aperture = ApertureInput()
        self._ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
        self._maps = [
            AperturePanel(content, self._ranges, self.colors, self._aperture)
            for content in self.contents()
        ]
        self._sheet, self._profile, self._posterior = SampleSheet(), ProfilePlot(), Posterior()
        self._calibration = pn.pane.HTML(
            "", stylesheets=[CSS], sizing_mode="stretch_width", margin=(4, 0), height=196
        )
        self._layout = self._lay_out()
        self.follow(session, "scene", self._update)
        self.follow(session.store, ["source", "target", "translator"], self._update)
        self.follow(session, "dark", self._dress)
        self.param.watch(self._show_parts, "shown")
        self._aperture.param.watch(self._measure, "aperture")
        self._update()
        self._dress()

    def _lay_out(self) -> Any:
        self._map_row = pn.Row(*self._maps, margin=0)
        numbers = pn.Column(
            self._aperture, self._posterior.numbers,
            *([self._calibration] if self._can_draw else []), margin=(0, 8), width=_NUMBERS_PX,
            styles={"flex": "none"},
        )  # fmt: skip
        self._plots = pn.Row(self._profile, self._posterior, numbers, margin=0)
        bar = [self._bar] if self._can_draw else []
        return cards([part] for part in (*bar, self._map_row, self._plots, self._sheet))

    def fit(self, width_px: int) -> None:
        """Fit maps and plots into `width_px`."""
        self._width_px = width_px
        columns, _ = fit_grid(self._map_row, self._maps, width_px)
        wide = columns == 4
        self._plots.styles = {"flex-wrap": "nowrap" if wide else "wrap", "row-gap": "12px"}
        free = width_px - (_NUMBERS_PX if wide else 0) - 4 * theme.GAP - 2 * theme.MARGIN_LEFT
        for plot in (self._profile, self._posterior.strip):
            plot.figure.frame_width = max(free // 2, 180)
        self._sheet.resize(width_px, self._sampling.count)

    def contents(self) -> list[MapContent]:
        """Return what each of the four maps shows now."""
        ensemble, scene = self._sampling.ensemble, self._scene()
        domain = DOMAINS[self._session.store.target]
        extent = scene.extent_kpc if scene else 100.0
        truth = scene.maps.get(domain.name) if scene else None
        mean, spread, error, number = None, None, None, ""
        if ensemble is not None:
            number = f" of {len(ensemble.samples)}"
            mean = mean_map(ensemble.samples, domain.name)
            spread = spread_dex(ensemble.samples, domain.name)
            error = None if truth is None else residual_dex(mean, truth, domain.floor)
        elif (seen := self._sampling.preview) is not None:
            number = f" of {len(seen.estimates)}, step {seen.step}/{seen.num_steps}"
            mean = mean_map(seen.small(_SMALL_PX), domain.name)
        limits = log_limits([truth if truth is not None else mean], domain.name)
        off, label = dex_limit(error), domain.label.lower()
        most = 0.4 if spread is None else 0.2 * np.ceil(5 * np.nanpercentile(spread, 99.5))
        shown = (domain.colormap, quantity(domain), domain.unit)
        return [
            MapContent(f"Mean{number} · {label}", mean, extent, limits, *shown),
            MapContent("Standard deviation", spread, extent, (0.0, max(float(most), 0.2)),
                       "cividis", "of log₁₀ among samples", "dex", logarithmic=False),
            MapContent(f"Truth · {label}", truth, extent, limits, *shown),
            MapContent("Error of the mean", error, extent, (-off, off), self.colors.diverging,
                       "log₁₀ mean / truth", "dex", logarithmic=False),
        ]  # fmt: skip

    def _scene(self) -> Scene | None:
        """Return the scene that the samples are of, else the session's."""
        ensemble = self._sampling.ensemble
        return self._session.scene if ensemble is None else ensemble.scene

    def _update(self, *events: Any) -> None:
        session, scene = self._session, self._scene()
        if scene is not None and scene.key != self._galaxy:
            self._galaxy = scene.key
            frame_map(self._ranges, scene.extent_kpc)
            self._aperture.place(central_aperture(scene, session.store.target), scene.extent_kpc)
        contents = self.contents()
        for panel, content in zip(self._maps, contents, strict=True):
            panel.put(content)
        self._sheet.resize(self._width_px, self._sampling.count)
        self._show_sheet(contents[0])
        self._show_profile()
        self._measure()
        store = session.store
        title = str(store.card.get("title", store.translator))
        self._calibration.object = calibration_html(
            str(store.translator), title, store.source, store.target
        )

    def _show_sheet(self, mean: MapContent) -> None:
        """Show the samples in the colors of their mean; while they are drawn, what they may be."""
        ensemble, seen = self._sampling.ensemble, self._sampling.preview
        title, samples = "Samples, in the colors of their mean", None
        if ensemble is not None:
            samples = ensemble.samples
        elif seen is not None:
            title = f"Samples to be, as step {seen.step} of {seen.num_steps} estimates them"
            title += f" · t = {seen.time:.2f}"
            samples = seen.small(_SMALL_PX)
        self._sheet.put(replace(mean, title=title), samples)

    def _preview(self, *events: Any) -> None:
        """Show the mean and the samples as they will be, as far as that is known, or no longer."""
        if self._sampling.ensemble is not None:
            return
        mean = self.contents()[0]
        self._maps[0].put(mean)
        self._show_sheet(mean)
        self._mark()

    def _show_profile(self) -> None:
        scene, ensemble = self._scene(), self._sampling.ensemble
        domain = DOMAINS[self._session.store.target]
        extent = scene.extent_kpc if scene else 100.0
        truth = scene.maps.get(domain.name) if scene else None
        radii, band, own = np.empty(0), np.empty((3, 0)), None
        if ensemble is not None:
            radii, band = profile_band(ensemble.samples, extent, NUM_BINS)
        if truth is not None:
            own = radial_profile(truth, extent, NUM_BINS)
        self._profile.put(f"{quantity(domain)} ({domain.unit})", extent, (radii, band), own)

    def _measure(self, *events: Any) -> None:
        self._mark()
        self._posterior.put(self._session.store.target, self._scene(), self._sampling.ensemble,
                            self._aperture.aperture)  # fmt: skip

    def _mark(self) -> None:
        scene = self._scene()
        self._sheet.mark(self._aperture.aperture, scene.extent_kpc if scene else 100.0)

    def _dress(self, *events: Any) -> None:
        for panel, content in zip(self._maps, self.contents(), strict=True):
            panel.put(content, self.colors)
        for plot in (self._sheet, self._profile, self._posterior):
            plot.dress(self.colors)

    def _show_parts(self, *events: Any) -> None:
        self._bar.shown = self.shown

    def __panel__(self) -> Any:
        return self._layout
