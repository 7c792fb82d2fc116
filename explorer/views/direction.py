"""The sidebar's choice of a direction to look from: stored ones, and a sphere to turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewer

from explorer import library
from explorer.session import Session
from explorer.store import MAX_ANGLES, are_angles

_HERE = Path(__file__).parent
_HELP = "Five directions drawn at random, from which the galaxy is seen, and one of your own."
_ANGLES = ("Inclination", "Position angle", "Azimuth")
_ANGLE_HELP = (
    "Degrees between the disk's axis and the line of sight: 0 is face-on, 90 edge-on.",
    "Of the line of nodes in degrees, from the top of the map counterclockwise.",
    "Degrees by which the disk is turned about its own axis.",
)
FACE_ON, EDGE_ON = (0.0, 0.0, 0.0), (90.0, 90.0, 0.0)


class Sphere(pn.custom.JSComponent):
    """A sphere with the disk's plane and axis, which is dragged to turn a galaxy; see sphere.js."""

    angles = param.List(default=[0.0, 0.0, 0.0], doc="Inclination, position angle, azimuth.")

    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in ("pose.js", "sphere.js"))
    _stylesheets: ClassVar[list[str]] = [(_HERE / "sphere.css").read_text("utf-8")]

    def tell_shown(self) -> None:
        """Let the browser ask for the next view."""
        self._send_msg({"shown": True})


class DirectionControl(Viewer):
    """Buttons for the stored rotations and a free one, with a sphere, angles and two views."""

    def __init__(self, session: Session, number_style: dict[str, Any]):
        super().__init__()
        self._session, self._store = session, session.store
        self._showing = False
        self._free_next = False
        self._rotation = pmui.RadioButtonGroup(
            label="Rotation", options=_options(True), value=self._store.rotation,
            size="small", sizing_mode="stretch_width", margin=(2, 10, 6, 10), description=_HELP,
        )  # fmt: skip
        self._sphere = Sphere(width=114, height=114, margin=(4, 12, 0, 2))
        self._sphere.on_msg(self._hear)
        self._numbers = [
            self._number(*each, number_style)
            for each in zip(_ANGLES, MAX_ANGLES, _ANGLE_HELP, strict=True)
        ]
        self._views = [
            self._view("Face-on", FACE_ON),
            self._view("Edge-on", EDGE_ON),
        ]
        self._free = self._layout()
        self._rotation.param.watch(self._choose, "value")
        for number in self._numbers:
            number.param.watch(self._enter, "value")
        self._store.param.watch(self._update, ["rotation", "angles"])
        session.param.watch(self._update, "scene")
        self._update()

    @staticmethod
    def _number(label: str, most: float, words: str, style: dict[str, Any]) -> Any:
        return pmui.FloatInput(
            label=label, start=0.0, end=most, step=5.0, size="small", min_width=60,
            margin=(0, 0, 9, 0), sx=style, format="0[.]0", description=words,
            sizing_mode="stretch_width",
        )  # fmt: skip

    def _view(self, label: str, angles: library.Angles) -> Any:
        return pmui.Button(
            label=label, variant="outlined", size="small", sizing_mode="stretch_width", margin=0,
            on_click=lambda event: self._session.settle(angles),
        )  # fmt: skip

    def _layout(self) -> pn.Column:
        numbers = pn.Column(*self._numbers, margin=0, sizing_mode="stretch_width")
        return pn.Column(
            pn.Row(self._sphere, numbers, margin=0, sizing_mode="stretch_width"),
            pn.Row(*self._views, margin=0, sizing_mode="stretch_width", styles={"gap": "8px"}),
            margin=(4, 10, 8, 10), sizing_mode="stretch_width",
        )  # fmt: skip

    def _choose(self, event: Any) -> None:
        if event.new == self._store.rotation:
            return
        self._free_next = event.new == library.FREE
        if self._free_next:
            self._set_free()
        else:
            self._store.rotation = event.new

    def _set_free(self) -> None:
        """Let the galaxy be turned from how it is seen; once it is, where its maps are made yet."""
        scene = self._session.scene
        if scene is not None and scene.key == self._store.galaxy:
            self._free_next = False
            if scene.orientation is not None:
                self._session.settle(scene.angles)

    def _enter(self, event: Any) -> None:
        if self._showing or any(number.value is None for number in self._numbers):
            return
        inclination, position_angle, azimuth = (float(n.value) for n in self._numbers)
        self._session.settle((inclination, position_angle, azimuth))

    def _hear(self, event: Any) -> None:
        """Take what the sphere says; a browser can say anything."""
        said = event.data if isinstance(event.data, dict) else {}
        for act, heard in (("turn", said.get("turn")), ("settle", said.get("settle"))):
            if heard is None or not are_angles(heard):
                continue
            inclination, position_angle, azimuth = heard
            angles = (float(inclination), float(position_angle), float(azimuth))
            if act == "settle":
                self._session.settle(angles)
            else:
                # The numbers wait: of several in a second a browser tells some back, as if typed.
                self._session.turn(angles, self._sphere.tell_shown)

    def _update(self, *events: Any) -> None:
        store, scene = self._store, self._session.scene
        orientation = scene.orientation if scene else None
        self._rotation.options = _options(scene is None or orientation is not None)
        if self._free_next:
            self._set_free()
        self._rotation.value = store.rotation
        self._free.visible = store.rotation == library.FREE
        for button in self._views:
            button.disabled = orientation is None or not orientation.has_disk
        self._show(store.angles)
        self._sphere.angles = list(store.angles)

    def _show(self, angles: library.Angles) -> None:
        """Let the numbers tell the angles without taking them for typed ones."""
        self._showing = True
        try:
            for number, angle in zip(self._numbers, angles, strict=True):
                number.value = angle
        finally:
            self._showing = False

    def __panel__(self) -> Any:
        return pn.Column(self._rotation, self._free, margin=0, sizing_mode="stretch_width")


def _options(can_turn: bool) -> dict[str, int]:
    """Return the numbers of the rotations by label; a galaxy without particles has no free one."""
    stored = {str(number): number for number in range(1, library.NUM_ROTATIONS + 1)}
    return {**stored, "Free": library.FREE} if can_turn else stored
