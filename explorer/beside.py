"""Translators beside the chosen one: their runs on the same view, one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import param

from explorer import library, worker
from explorer.session import Session
from explorer.store import CHOICES
from explorer.translation import Run


@dataclass(frozen=True)
class Lane:
    """One translator beside the chosen one.

    Attributes
    ----------
    name, title : of the translator; the title is for people.
    run : finished, or None.
    step : steps taken, and their number; zeros before the first.
    problem : one sentence on why there is no run, and will not be.
    """

    name: str
    title: str
    run: Run | None = None
    step: tuple[int, int] = (0, 0)
    problem: str = ""


class Beside(param.Parameterized):
    """The runs of the store's other translators, begun once the session's own is on view.

    Parameters change on the page's thread only; views watch them.
    """

    lanes = param.List(default=[], item_type=Lane, doc="One a translator, in their order.")
    busy = param.Boolean(default=False, doc="A run is under way, or waits.")
    stopped = param.Boolean(default=False, doc="A person has stopped the runs that are missing.")

    def __init__(self, session: Session, **params: Any):
        super().__init__(**params)
        self._session = session
        self._job: worker.Job | None = None
        session.store.param.watch(self._begin, [*CHOICES, "beside"])
        session.param.watch(self._begin, ["scene", "run"])
        self._begin()

    def cancel(self) -> None:
        """Stop after the current step."""
        if self._job is not None:
            self._job.cancel()
        if self.busy:
            lanes = [replace(lane, step=(0, 0)) for lane in self.lanes]
            self.param.update(busy=False, stopped=True, lanes=lanes)

    def resume(self) -> None:
        """Go on with the runs that are missing."""
        if not self.busy and self._session.run is not None:
            self.param.update(busy=True, stopped=False)
            self._next()

    def _begin(self, *events: Any) -> None:
        """Put up what was kept, and run the others where the session's own run is on view."""
        if self._job is not None:
            self._job.cancel()
        session, store = self._session, self._session.store
        missing = session.scene.missing if session.scene else None
        lanes = []
        for name in store.others:
            problem = store.problem(missing, name) or self._size_problem(name)
            run = None if problem else library.RUNS.get(store.view_of(name))
            title = str(store.cards[name].get("title", name))
            lanes.append(Lane(name, title, run, problem=problem))
        self.param.update(lanes=lanes, busy=session.run is not None, stopped=False)
        if self.busy:
            self._next()

    def _size_problem(self, name: str) -> str:
        """Say where a translator wants maps of another size than those on view."""
        store = self._session.store
        own, shown = (store.cards[each].get("grid_size") for each in (name, store.translator))
        if own == shown:
            return ""
        return f"{name} takes maps of {own} pixels a side, and those on view have {shown}."

    def _next(self) -> None:
        lane = next((each for each in self.lanes if each.run is None and not each.problem), None)
        if lane is None:
            self.busy = False
            return
        view, scene = self._session.store.view_of(lane.name), self._session.run.scene

        def progress(step: int, num_steps: int, estimate: Any) -> None:
            self._put(replace(lane, step=(step, num_steps)))

        def show(run: Run) -> None:
            self._put(replace(lane, run=run))
            self._next()

        def fail(text: str) -> None:
            self._put(replace(lane, problem=text))
            self._next()

        self._job = self._session.wish(view, scene, progress, show, fail)
        if self._job is None:
            self.param.update(busy=False, stopped=True)

    def _put(self, lane: Lane) -> None:
        self.lanes = [lane if each.name == lane.name else each for each in self.lanes]
