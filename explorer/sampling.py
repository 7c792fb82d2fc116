"""Drawing several samples of what is on view, on the worker of models."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import param
from numpy.typing import NDArray

from explorer import library, worker
from explorer.ensemble import Ensemble
from explorer.library import Scene
from explorer.session import Session
from explorer.store import CHOICES, View

COUNTS = (4, 8, 16, 32)


@dataclass(frozen=True)
class Glimpse:
    """Samples after one of the steps that draw them.

    Attributes
    ----------
    step, num_steps : from 1, and how many there will be.
    time : the sampler's, 1 at the start and 0 at the end.
    estimates : (M, H, W) what each sample would become, in the target's unit.
    """

    step: int
    num_steps: int
    time: float
    estimates: NDArray[np.float32]

    def small(self, most_px: int) -> NDArray[np.float32]:
        """Return the estimates with about so many pixels a side, every second of twice as many."""
        every = max(1, round(self.estimates.shape[-1] / most_px))
        return self.estimates[:, ::every, ::every]


class Sampling(param.Parameterized):
    """The samples of a session's view, and how far drawing them has come.

    Parameters change on the page's thread only; views watch them.
    """

    count = param.Selector(default=8, objects=list(COUNTS), doc="How many samples are wanted.")
    ensemble = param.Parameter(doc="Samples of the view, or None.")
    busy = param.Boolean(default=False, doc="Samples are drawn, or wait for it.")
    preview = param.Parameter(doc="The `Glimpse` of samples that are being drawn, or None.")
    progress = param.Tuple(default=(0, 0), doc="Steps taken, and their number.")
    notice = param.String(default="", doc="One sentence on what went wrong.")

    def __init__(self, session: Session, **params: Any):
        super().__init__(**params)
        self._session = session
        self._job: worker.Job | None = None
        session.store.param.watch(self._on_view, list(CHOICES))
        self.param.watch(self._on_view, "count")
        self._recall()

    @property
    def is_ready(self) -> bool:
        """Whether samples of the view can be drawn now, and are not there yet."""
        session = self._session
        waits = self.busy or session.loading or session.scene is None or self.ensemble is not None
        return session.store.is_random and not (waits or session.problem)

    def draw(self) -> None:
        """Draw the samples on the worker."""
        if not self.is_ready or self._recall():
            return
        view, scene, count = self._session.store.view, self._session.scene, self.count

        def work(job: worker.Job) -> Ensemble:
            made = draw(view, scene, count, self._session.reporter(job, progress))
            library.ENSEMBLES.put(view, made)
            return made

        def progress(seen: Glimpse) -> None:
            self.param.update(progress=(seen.step, seen.num_steps), preview=seen)

        def show(made: Ensemble) -> None:
            self.param.update(ensemble=made, preview=None, busy=False)

        def fail(text: str) -> None:
            self.param.update(busy=False, preview=None, notice=text)

        self.param.update(ensemble=None, preview=None, busy=True, progress=(0, 0), notice="")
        self._job = self._session.compute(work, show, fail)
        if self._job is None:
            self.param.update(busy=False, notice="Too much waits already: try again in a moment.")

    def cancel(self) -> None:
        """Stop drawing after the current step."""
        if self._job is not None:
            self._job.cancel()
        if self.busy:
            told = "Drawing was stopped."
            self.param.update(busy=False, progress=(0, 0), preview=None, notice=told)

    def _on_view(self, *events: Any) -> None:
        if self._job is not None:
            self._job.cancel()
        self.param.update(busy=False, progress=(0, 0), preview=None, notice="")
        if not self._recall():
            self.ensemble = None

    def _recall(self) -> bool:
        """Put up samples that were kept, the first of more where there are; say if there are."""
        kept = library.ENSEMBLES.get(self._session.store.view)
        if kept is None or len(kept.samples) < self.count:
            return False
        self.ensemble = kept.first(self.count)
        return True


def draw(
    view: View,
    scene: Scene,
    count: int,
    on_step: Callable[[Glimpse], None] = lambda seen: None,
) -> Ensemble:
    """Draw `count` samples side by side.

    `on_step` is called after each step; what it raises ends it.
    """
    translator = library.load_translator(view.translator)
    start = time.perf_counter()
    steps = translator.trajectory(
        scene.maps[view.source], view.source, view.target, num_steps=view.steps,
        num_samples=count, seed=view.seed, guidance=view.guidance,
    )  # fmt: skip
    try:
        for step in steps:
            samples = step.estimate
            on_step(Glimpse(step.index, step.num_steps, float(step.time), samples))
    finally:
        close = getattr(steps, "close", None)
        if close is not None:
            close()
    return Ensemble(view, scene, samples, time.perf_counter() - start)
