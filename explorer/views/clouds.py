"""The page Clouds: a galaxy's particles in space, true and drawn from its gas, step by step."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from numpy.typing import NDArray

from data.clouds import Cloud
from data.domains import get_domain
from explorer import clouds, theme, worker
from explorer.clouds import CloudRun
from explorer.scales import log_limits, power_of_ten
from explorer.session import Session
from explorer.views.cards import cards
from explorer.views.chart import Chart
from explorer.views.cloud import CloudPane, CloudPlayer
from explorer.views.view import View

_LARGEST_PX, _LEAST_PX, _GAP = 420, 180, 20
_PROFILE_PX = 240
_CSS = """
p { margin: 4px 0 0; min-height: 36px; font: 13px/18px var(--font); color: var(--muted); }
"""


class DensityChart(Chart):
    """Density against radius in space, of the truth and of what was drawn."""

    def __init__(self) -> None:
        super().__init__("Density profile", ["truth", "output"])
        self.figure.xaxis.axis_label = "radius in space (kpc)"
        self.figure.yaxis.axis_label = "ρ (M☉ kpc⁻³)"
        for source in self.sources.values():
            source.data = {"x": [], "y": []}
        self._lines = {
            "output": self.figure.line("x", "y", source=self.sources["output"], line_width=2.5,
                                       legend_label="output"),
            "truth": self.figure.line("x", "y", source=self.sources["truth"], line_width=2,
                                      line_dash="dashed", legend_label="truth"),
        }  # fmt: skip

    def put(self, truth: tuple[Any, float] | None, output: tuple[Any, float] | None) -> None:
        """Show clouds (n, 3 or more) kpc with the mass of each in Msun."""
        known = {"truth": truth, "output": output}
        there = [cloud for cloud, _ in filter(None, known.values())]
        if not there:
            return self.clear()
        edges = clouds.shells(there)
        middles = np.sqrt(edges[1:] * edges[:-1])
        curves: dict[str, NDArray[np.float64]] = {}
        for name, each in known.items():
            curve = np.empty(0) if each is None else clouds.density_profile(*each, edges)
            curves[name] = curve
            self.sources[name].data = {"x": middles[: len(curve)], "y": curve}
        self.limit("x", [middles])
        self.limit("y", list(curves.values()))
        return None

    def dress(self, colors: theme.Colors) -> None:
        """Wear other colors."""
        super().dress(colors)
        for name, color in (("truth", colors.text), ("output", colors.warm)):
            self._lines[name].glyph.line_color = color


class CloudsPage(View):
    """Gas, what a translator of points makes of it, and the truth, under one camera.

    Attributes
    ----------
    run : on view, None while there is none.
    player, chart : what shows them.
    """

    title = "Clouds"

    def __init__(self, session: Session, **params: Any):
        super().__init__(session, **params)
        self.run: CloudRun | None = None
        self._truth: Cloud | None = None
        self._own: dict[str, tuple[list[Any], float]] = {}  # spots of the galaxy's, and Msun
        self._reading: worker.Job | None = None
        self._drawing: worker.Job | None = None
        self._busy, self._said = False, ""
        self.player, self.chart = CloudPlayer(), DensityChart()
        self._count = pmui.RadioButtonGroup(
            label="Number of points", options={f"{n:,}": n for n in clouds.COUNTS},
            value=clouds.COUNTS[1], size="small", margin=(0, 8), align="center",
        )  # fmt: skip
        self._draw = pmui.Button(label="Draw points", disable_elevation=True, align="center",
                                 margin=(0, 4), on_click=lambda event: self.draw())  # fmt: skip
        self._stop = pmui.Button(label="Stop", variant="outlined", align="center",
                                 margin=(0, 4), on_click=lambda event: self.cancel())  # fmt: skip
        self._words = pn.pane.HTML("", stylesheets=[_CSS], align="center", margin=(0, 12),
                                   sizing_mode="stretch_width")  # fmt: skip
        self._count.param.watch(self._read, "value")
        self.follow(session, "scene", self._read)
        self.follow(session.store, ["target", "seed"], self._read)
        self.follow(session, "dark", self._dress)
        self._dress()
        self._read()

    @property
    def _translator(self) -> str | None:
        return next(iter(clouds.translators()), None)

    def fit(self, width_px: int) -> None:
        """Put three pictures side by side, as large as there is room."""
        side = (width_px - 40 - 2 * _GAP) // 3
        self.player.size = int(min(max(side, _LEAST_PX), _LARGEST_PX))
        width = 3 * self.player.size + 2 * _GAP - theme.MARGIN_LEFT - 20
        self.chart.resize(min(width, 700), _PROFILE_PX)

    def draw(self) -> None:
        """Draw the points of the view on the worker of models."""
        store, count, name = self._session.store, self._count.value, self._translator
        if self._busy or self._truth is None or name is None or not self._can_draw:
            return
        galaxy, target, seed = store.galaxy, store.target, store.seed

        def work(job: worker.Job) -> CloudRun:
            report = self._session.reporter(job, self._progress)
            return clouds.draw(galaxy, target, count, seed, name, report)

        def show(run: CloudRun) -> None:
            self._busy, self.run = False, run
            self._say(f"{len(run.steps[-1]):,} points in {run.seconds:.1f} s, of seed {run.seed}.")
            self._show()

        def fail(sentence: str) -> None:
            self._busy = False
            self._say(sentence)

        self._busy = True
        self._say("Waiting for the translator…")
        self._drawing = self._session.compute(work, show, fail)
        if self._drawing is None:
            fail("Too much waits already: try again in a moment.")

    def cancel(self) -> None:
        """Stop drawing after the current step."""
        if self._drawing is not None:
            self._drawing.cancel()
        if self._busy:
            self._busy = False
            self._say("Drawing was stopped.")

    @property
    def _can_draw(self) -> bool:
        return clouds.is_target(self._session.store.target)

    def _progress(self, step: int, num_steps: int) -> None:
        self._say(f"Drawing: step {step} of {num_steps}")

    def _read(self, *events: Any) -> None:
        """Make the clouds of the galaxy itself off the page's thread."""
        for job in (self._reading, self._drawing):
            if job is not None:
                job.cancel()
        self._busy, self.run, self._truth = False, None, None
        scene, count = self._session.scene, self._count.value
        if scene is None or not scene.key:
            return self._say("Making the maps of this galaxy…")
        self._say("Taking points of this galaxy’s particles…")

        def make() -> tuple[Cloud, dict[str, Any]]:
            cloud = clouds.cloud_of(scene.key, count)
            own = {clouds.SOURCE: cloud.gas, **cloud.points}
            return cloud, {name: clouds.spots(points) for name, points in own.items()}

        def take(found: tuple[Cloud, dict[str, Any]]) -> None:
            self._truth, points = found
            masses = {clouds.SOURCE: self._truth.gas_mass, **self._truth.masses}
            self._own = {name: ([each], masses[name]) for name, each in points.items()}
            self._say(self._hint())
            self._show()

        self._reading = self._session.read(make, take, self._say)
        return None

    def _pane(self, role: str, domain: str, steps: Any, mass: float) -> CloudPane:
        """Return what shows a cloud in the colors of the domain's maps."""
        scene = self._session.scene
        known = get_domain(domain)
        limits = log_limits([scene.maps.get(domain) if scene else None], domain)
        words = f"{len(steps[0]):,} points of {power_of_ten(mass / len(steps[0]))} M☉"
        title = f"{role} · {known.label.lower()}"
        return CloudPane(title, words, steps, limits, mass, known.colormap)

    def _hint(self) -> str:
        if not self._can_draw:
            target = get_domain(self._session.store.target).label.lower()
            return f"The target is {target}: clouds are of dark matter or stars, from gas."
        if self._translator is None:
            return "These are the galaxy’s own particles: no translator of points is at hand."
        return "The galaxy’s own particles. Draw points to see what its gas tells of them."

    def _show(self) -> None:
        scene, target, run = self._session.scene, self._session.store.target, self.run
        if scene is None or clouds.SOURCE not in self._own:
            return
        shown = [self._pane("Input", clouds.SOURCE, *self._own[clouds.SOURCE])]
        labels: list[str] = []
        if run is not None:
            number = len(run.steps)
            labels = [f"step {i}/{number}, t = {t:.2f}" for i, t in enumerate(run.times, 1)]
            shown.append(self._pane("Output", run.target, run.steps, run.mass))
        truth = self._own.get(target)
        if truth is not None:
            shown.append(self._pane("Truth", target, *truth))
        self.player.put(shown, labels, scene.extent_kpc, scene.matrix)
        own = None if truth is None else (truth[0][0], truth[1])
        self.chart.put(own, None if run is None else (run.steps[-1], run.mass))

    def _say(self, sentence: str) -> None:
        self._words.object = f"<p role='status'>{escape(sentence)}</p>"
        ready = self._truth is not None and self._can_draw and self._translator is not None
        self._draw.disabled = self._busy or not ready
        self._stop.disabled = not self._busy

    def _dress(self, *events: Any) -> None:
        self.player.colors = theme.named(self.colors)
        self.chart.dress(self.colors)

    def __panel__(self) -> Any:
        bar = pn.Row(self._count, self._draw, self._stop, self._words, margin=(2, 0),
                     sizing_mode="stretch_width")  # fmt: skip
        figure = pn.pane.Bokeh(self.chart.figure, margin=0, theme=None, styles={"flex": "none"})
        parts = (bar, pn.Row(self.player, margin=(0, 10)), figure)
        return cards(([part] for part in parts), "clouds")
