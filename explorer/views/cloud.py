"""Clouds of points side by side, which are turned and whose steps are played in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer import theme
from explorer.scales import palette_words

_HERE = Path(__file__).parent
_SCRIPTS = ("canvas.js", "pose.js", "points.js", "cloud.js")
_MOST = np.iinfo(np.int16).max
_NUMBERS = count(1)


@dataclass(frozen=True)
class CloudPane:
    """Points of equal mass to show, the same at all steps or others at each.

    Attributes
    ----------
    title, words : what it is, and a line beneath.
    steps : (n, 4) kpc each, as `explorer.clouds.spots` gives them, along the galaxy's axes; one
        alone, or one for each step. Panes that share them are the same to the browser.
    limits : of the colors, surface density in Msun/kpc^2.
    mass : of all points together in Msun.
    colormap : by name, as a domain has it.
    """

    title: str
    words: str
    steps: Sequence[NDArray[np.floating[Any]]]
    limits: tuple[float, float]
    mass: float
    colormap: str


class CloudPlayer(pn.custom.JSComponent):
    """Draws clouds by WebGL; see cloud.js. It asks for the points of each step by a message."""

    clouds = param.List(default=[], doc="Of each cloud all but its points.")
    labels = param.List(default=[], doc="Words for each step.")
    extent = param.Number(default=50.0, doc="Side of what is seen at first, in kpc.")
    reach = param.Number(default=50.0, doc="What 1 stands for in the points, in kpc.")
    pose = param.List(default=np.eye(3).tolist(), doc="Rotation to the screen's axes at first.")
    size = param.Integer(default=300, doc="Side of a picture in pixels.")
    speed = param.Number(default=6.0, doc="Steps a second while they are played.")
    colors = param.Dict(default={}, doc="Colors and font by name, as `theme.named`.")

    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in _SCRIPTS)
    _stylesheets: ClassVar[list[str]] = [(_HERE / "cloud.css").read_text("utf-8")]

    def __init__(self, **params: Any):
        super().__init__(colors=theme.named(theme.DARK), margin=0, **params)
        self._held: dict[int, CloudPane] = {}
        self.on_msg(self._answer)

    def put(
        self,
        clouds: Sequence[CloudPane],
        labels: Sequence[str],
        extent_kpc: float,
        matrix: NDArray[np.floating[Any]],
    ) -> None:
        """Show clouds.

        Parameters
        ----------
        labels : a line for each step of those that have steps.
        extent_kpc : side of what is seen at first.
        matrix : (3, 3) rotation of the galaxy's axes to the screen's, at first.
        """
        numbers = {id(cloud.steps): number for number, cloud in self._held.items()}
        self._held = {numbers.get(id(cloud.steps)) or next(_NUMBERS): cloud for cloud in clouds}
        told = [
            {
                "number": number, "title": cloud.title, "words": cloud.words,
                "steps": len(cloud.steps), "palette": palette_words(cloud.colormap),
                "limits": [limit / cloud.mass for limit in cloud.limits],
            }
            for number, cloud in self._held.items()
        ]  # fmt: skip
        self.param.update(
            clouds=told, labels=list(labels), extent=extent_kpc, reach=2.0 * extent_kpc,
            pose=np.asarray(matrix, float).tolist(),
        )  # fmt: skip

    def _answer(self, event: Any) -> None:
        """Send the points that the browser asks for, where their cloud is still on view."""
        asked = event.data if isinstance(event.data, dict) else {}
        number, start = asked.get("cloud"), asked.get("start")
        cloud = self._held.get(number) if isinstance(number, int) else None
        if cloud is None or not isinstance(start, int) or not 0 <= start < len(cloud.steps):
            return
        points = quantized(cloud.steps[start], self.reach).tobytes()
        self._send_msg({"cloud": number, "start": start, "points": points})


def quantized(steps: NDArray[np.floating[Any]], reach: float) -> NDArray[np.int16]:
    """Return of spots (n, 4) those within a cube of half side `reach`, in units of 3e-5 of it."""
    scaled = np.asarray(steps, np.float64) / reach
    inside = np.all(np.abs(scaled[:, :3]) <= 1.0, axis=1)
    return np.rint(np.minimum(scaled[inside], 1.0) * _MOST).astype(np.int16)
