"""The particles of the galaxy on view, shaded: where they are, and the state of the gas."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.models import BoxZoomTool

from data.galaxy import PARTICLE_TYPES
from explorer import library, worker
from explorer.library import Scene
from explorer.session import Session
from explorer.shading import Cloud, shade
from explorer.views.chart import Chart, set_range
from explorer.views.shade import Shade
from explorer.views.view import View

_LABELS = {name.replace("_", " "): name for name in PARTICLE_TYPES}
_PHASE_TITLE = "Gas: temperature and density"


def clouds_of(scene: Scene) -> dict[str, Cloud]:
    """Return a scene's particles by type on the sky, in kpc, and its gas as "phase".

    Weights are masses in Msun. On the sky as the scene is turned; the phase is density in
    Msun/kpc^3 and temperature in K. ValueError where the galaxy cannot be read.
    """
    galaxy = library.load_galaxy(scene.key or scene.name)
    found = {}
    for name, particles in galaxy.particles.items():
        sky = particles.coordinates @ scene.matrix.T[:, :2]
        found[name] = Cloud(sky[:, 0], sky[:, 1], particles.masses)
    gas = galaxy.particles.get("gas")
    if gas is not None and "density" in gas and "temperature" in gas:
        found["phase"] = Cloud(gas["density"], gas["temperature"], gas.masses, is_log=True)
    for cloud in found.values():  # the first image compiles what makes it: not on the page's thread
        ends = (1.0, 10.0)
        shade(cloud, ends, ends, (2, 2))
    return found


class ParticlesChart(Chart):
    """One cloud of particles, shaded."""

    def __init__(self, title: str, x_label: str, y_label: str, scale: str):
        super().__init__(title, [], scale=scale)
        self.figure.xaxis.axis_label, self.figure.yaxis.axis_label = x_label, y_label
        self.shade = Shade(self.figure)
        self.figure.toolbar.active_drag = self.figure.select_one(BoxZoomTool)

    def put(self, cloud: Cloud | None, half_kpc: float | None = None) -> None:
        """Show a cloud, within so many kpc of the middle where that is given."""
        if cloud is not None and half_kpc is not None:
            for axis in (self.figure.x_range, self.figure.y_range):
                set_range(axis, -half_kpc, half_kpc)
        elif cloud is not None:
            self.limit("x", [cloud.x])
            self.limit("y", [cloud.y])
        self.shade.put(cloud)

    def resize(self, width: int, height: int) -> None:
        """Set the size of the frame in pixels, and shade them."""
        super().resize(width, height)
        self.shade.draw()


class ParticlePanel(View):
    """Two charts: particles of one type on the sky, and temperature against density of the gas."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._job: worker.Job | None = None
        self._clouds: dict[str, Cloud] = {}
        self._drawn = False  # what changes before the browser has the figures is lost
        self._scene: Scene | None = None
        self.sky = ParticlesChart("Particles", "x (kpc)", "y (kpc)", "linear")
        self.phase = ParticlesChart(_PHASE_TITLE, "gas density ρ (M☉ kpc⁻³)", "T (K)", "log")
        self.kind = pmui.RadioButtonGroup(
            label="Particles",
            options=_LABELS,
            value="gas",
            size="small",
            margin=(0, 10, 8, 10),
            sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}},
        )
        self.kind.param.watch(self._show, "value")
        self.follow(session, "scene", self._read)
        self.follow(session, "dark", self._dress)
        self._dress()

    def begin(self) -> None:
        """Show particles from now on, for the browser has the figures."""
        self._drawn, self._scene = True, None
        self._read()

    def rest(self) -> None:
        """Show nothing until the browser draws the figures anew."""
        self._drawn = False

    def resize(self, side: int) -> None:
        """Set the side of the frames in pixels."""
        for chart in (self.sky, self.phase):
            chart.resize(side, side)

    def _read(self, *events: Any) -> None:
        if self._job is not None:
            self._job.cancel()
        scene = self._session.scene
        if self._drawn and scene is not None and scene is not self._scene:
            self._job = self._session.read(
                lambda: _clouds_or_none(scene), lambda found: self._take(scene, found)
            )

    def _take(self, scene: Scene, found: dict[str, Cloud]) -> None:
        self._scene, self._clouds = scene, found
        self.phase.put(found.get("phase"))
        lacks = "" if "phase" in found else ": not known"
        self.phase.figure.title.text = _PHASE_TITLE + lacks
        self._show()

    def _show(self, *events: Any) -> None:
        if self._scene is None:
            return
        cloud = self._clouds.get(self.kind.value)
        self.sky.put(cloud, 0.5 * self._scene.extent_kpc)
        words = self.kind.value.replace("_", " ").capitalize()
        count = f"{len(cloud):,} particles" if cloud is not None else "no particles"
        self.sky.figure.title.text = f"{words}: {count}"

    def _dress(self, *events: Any) -> None:
        for chart in (self.sky, self.phase):
            chart.dress(self.colors)

    def __panel__(self) -> Any:
        panes = [
            pn.pane.Bokeh(chart.figure, margin=0, theme=None, styles={"flex": "none"})
            for chart in (self.sky, self.phase)
        ]
        row = pn.Row(*panes, margin=0, sizing_mode="stretch_width", styles={
            "flex-wrap": "wrap", "justify-content": "space-around",
        })  # fmt: skip
        return pn.Column(self.kind, row, margin=0, sizing_mode="stretch_width")


def _clouds_or_none(scene: Scene) -> dict[str, Cloud]:
    """Return no clouds of a galaxy that has its maps but no particles at hand."""
    try:
        return clouds_of(scene)
    except ValueError:
        return {}
