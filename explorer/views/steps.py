"""The steps of a run, and of one pinned beside it, held in the browser and played there."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
from bokeh.models import Range1d

from explorer import theme
from explorer.frames import Reel, Scale, chunk
from explorer.scales import POWER_OF_TEN_JS
from explorer.session import Session
from explorer.translation import Run
from explorer.turns import Due
from explorer.views.spec import estimate_scale, runs_on_view, spec
from explorer.views.view import View

_HERE = Path(__file__).parent
# One module out of files, for the browser gets no address from which it could import others.
_SCRIPTS = (
    "canvas.js", "plot.js", "curves.js", "reel.js", "sky.js", "compare.js", "film.js",
    "template.js", "frames.js",
)  # fmt: skip
_NUMBERS = count(1)


class FramePlayer(pn.custom.JSComponent):
    """Draws and plays frames; see frames.js. It asks for them in pieces, by a message each."""

    spec = param.Dict(default={}, doc="What there is to draw, but for the frames: see `spec`.")
    step = param.Integer(default=0, doc="Step from 1 at which the pictures rest.")
    size = param.Integer(default=220, doc="Side of a map's frame in pixels.")
    crosshair = param.String(default="", doc="Id of the callback that knows Bokeh's crosshair.")
    ranges = param.List(default=[], doc="Ids of the Bokeh ranges of x and y that maps share.")
    colors = param.Dict(default={}, doc="Colors and font by name, as `theme.named`.")

    _esm = "\n".join([POWER_OF_TEN_JS, *((_HERE / name).read_text("utf-8") for name in _SCRIPTS)])
    _stylesheets: ClassVar[list[str]] = [(_HERE / "frames.css").read_text("utf-8")]


class StepPlayer(View):
    """The player of a session's run; the maps above share its zoom."""

    def __init__(self, session: Session, x_range: Range1d, y_range: Range1d, crosshair: str = ""):
        super().__init__(session)
        self._reels: list[Reel] = []
        self._player = FramePlayer(
            ranges=[x_range.id, y_range.id],
            crosshair=crosshair,
            colors=theme.named(theme.DARK),
            margin=0,
        )
        self._show_runs()
        showing = Due(session.change, self._show_runs)
        self._player.on_msg(self._answer)
        self._player.param.watch(self._follow_player, "step")
        self.follow(session, ["run", "scene", "pinned"], showing.ask)
        self.follow(session.store, "step", self._follow_store)
        self.follow(session.store, "target", showing.ask)

    def resize(self, size: int) -> None:
        """Set the side of the map frames in pixels."""
        self._player.size = size

    def dress(self, colors: dict[str, str]) -> None:
        """Set colors by name, as `theme.named`."""
        self._player.colors = colors

    def _show_runs(self) -> None:
        session, scale = self._session, estimate_scale(self._session)
        self._reels = [self._reel(run, scale) for run in runs_on_view(session)]
        shown = spec(session, self._reels)
        self._player.param.update(spec=shown, step=shown["step"])

    def _reel(self, run: Run, scale: Scale) -> Reel:
        """Return the run's reel; the one on view where it is the same, whose frames are sent."""
        held = (reel for reel in self._reels if reel.run is run and reel.scale == scale)
        return next(held, None) or Reel(next(_NUMBERS), run, scale)

    def _answer(self, event: Any) -> None:
        """Pin, or send the frames that the browser asks for where their run is still on view."""
        asked = event.data if isinstance(event.data, dict) else {}
        if isinstance(asked.get("pin"), bool):
            self._session.pinned = self._session.run if asked["pin"] else None
            return
        number, start = asked.get("run"), asked.get("start")
        reel = next((reel for reel in self._reels if reel.number == number), None)
        if reel is None or not isinstance(start, int):
            return
        frames = chunk(reel, min(max(start, 0), reel.run.num_steps - 1))
        self._player._send_msg({"run": number, "start": start, "frames": frames})

    def _follow_player(self, *events: Any) -> None:
        """Note in the store where the pictures rest."""
        run = self._session.run
        if run is not None:
            self._session.store.step = min(max(self._player.step, 1), run.num_steps)

    def _follow_store(self, *events: Any) -> None:
        run, step = self._session.run, self._session.store.step
        if run is not None:
            self._player.step = min(step or run.num_steps, run.num_steps)

    def __panel__(self) -> Any:
        return self._player
