"""The observations that a session asks for, one after the other, and their translations."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from typing import Any

import panel as pn
import param

from explorer import worker
from explorer.observing import SERIES, Point, Setting, Sight, observe, translate
from explorer.session import Session

_REST_MS = 250
_MOST_POINTS = 200


class Observatory(param.Parameterized):
    """The observation of a session's view, and how far it has come; the newest request counts.

    Parameters change on the page's thread only; views watch them.

    Attributes
    ----------
    points : of all that was translated in this session, by galaxy, direction and target.
    """

    setting = param.Parameter(default=Setting(), doc="What is asked for.")
    sight = param.Parameter(doc="The `Sight` on view, without samples at first, or None.")
    busy = param.Boolean(default=False, doc="Something is at work, or waits for it.")
    progress = param.Tuple(default=(0, 0), doc="Steps taken, and their number.")
    said = param.String(default="", doc="One sentence on what happens, or went wrong.")

    def __init__(self, session: Session, **params: Any):
        super().__init__(**params)
        self._session = session
        self._job: worker.Job | None = None
        self._timer: Any = None
        self._next: list[Setting] = []
        self.points: dict[Hashable, dict[Hashable, Point]] = {}

    @property
    def known(self) -> list[Point]:
        """The points of the galaxy, direction and target on view."""
        return list(self.points.get(self._of_view, {}).values())

    def change(self, **changes: Any) -> None:
        """Observe otherwise."""
        self._next = []
        self.setting = replace(self.setting, **changes)
        self.ask()

    def renew(self) -> None:
        """Observe with other noise."""
        self.change(seed=self.setting.seed + 1)

    def series(self) -> None:
        """Observe for each of `SERIES`, one after the other."""
        first, *self._next = [replace(self.setting, hours=float(hours)) for hours in SERIES]
        self.setting = first
        self.ask()

    def cancel(self) -> None:
        """Stop what is at work."""
        self._next = []
        self._drop()
        if self.busy:
            self.param.update(busy=False, said="The observation was stopped.")

    def ask(self, *events: Any) -> None:
        """Observe and translate, once no other request has come for a moment."""
        self._drop()
        session = self._session
        if session.scene is None or session.loading:
            self.param.update(sight=None, busy=False, said="Making the maps of this galaxy…")
            return
        self.param.update(busy=True, said="Waiting for the telescope…")
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            self._start()
        else:
            self._timer = document, document.add_timeout_callback(self._start_late, _REST_MS)

    def view_changed(self, *events: Any) -> None:
        """Observe what is on view now."""
        self._next = []
        self.ask()

    @property
    def _of_view(self) -> Hashable:
        view = self._session.store.view
        return view.galaxy, view.rotation, view.angles, view.target

    def _drop(self) -> None:
        if self._timer is not None:
            document, timer = self._timer
            document.remove_timeout_callback(timer)
            self._timer = None
        if self._job is not None:
            self._job.cancel()

    def _start_late(self) -> None:
        self._timer = None
        self._start()

    def _start(self) -> None:
        session, setting, of_view = self._session, self.setting, self._of_view
        scene, target, seed = session.scene, session.store.target, session.store.seed
        kept = self.sight
        before = None
        if kept is not None and kept.scene is scene:
            before = kept.seen if kept.seen.fits(setting, scene.extent_kpc) else None

        def look(job: worker.Job) -> Sight:
            start = time.perf_counter()
            seen = observe(scene, setting, job.check)
            return Sight(scene, target, seen, seconds=time.perf_counter() - start)

        def go_on(sight: Sight) -> None:
            self.param.update(sight=sight, said="Translating…")
            keep(session.compute(partial(sample, sight), show, fail))

        def sample(sight: Sight, job: worker.Job) -> Sight:
            start = time.perf_counter()
            tell = session.reporter(job, self._progress)
            samples = translate(sight.seen, target, seed=seed, on_step=tell)
            seconds = sight.seconds + time.perf_counter() - start
            return replace(sight, samples=samples, seconds=seconds)

        def show(sight: Sight) -> None:
            points = self.points.setdefault(of_view, {})
            if len(points) < _MOST_POINTS:
                points[setting] = Point.of(sight)
            self.param.update(sight=sight, busy=bool(self._next), said=_told(sight))
            if self._next:
                self.setting = self._next.pop(0)
                self.ask()

        def fail(sentence: str) -> None:
            self._next = []
            if self.sight is not None and self.sight.scene is not scene:
                self.sight = None
            self.param.update(busy=False, said=sentence)

        def keep(job: worker.Job | None) -> None:
            self._job = job
            if job is None:
                fail("Too much waits already: try again in a moment.")

        self.param.update(progress=(0, 0), said="Observing…")
        if before is None:
            keep(session.compute(look, show=go_on, fail=fail, at=worker.TELESCOPE))
        else:
            go_on(Sight(scene, target, before))

    def _progress(self, step: int, number: int) -> None:
        self.param.update(progress=(step, number), said=f"Translating: step {step} of {number}")


def _told(sight: Sight) -> str:
    number = 0 if sight.samples is None else len(sight.samples)
    return f"Observed and translated in {sight.seconds:.1f} s: {number} samples."
