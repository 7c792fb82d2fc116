"""What happens in one session: maps are made, translations run, results put up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray
from panel.io.state import set_curdoc

from explorer import library, worker
from explorer.library import Scene
from explorer.store import Store
from explorer.translation import translate

if TYPE_CHECKING:
    from explorer.sampling import Sampling

_log = logging.getLogger(__name__)

T = TypeVar("T")

PREVIEW_SECONDS = 0.15
GRID_SIZE = 64


class Session(param.Parameterized):
    """Runs the work that a store asks for and holds what came of it.

    Parameters change on the page's thread only; views watch them.
    """

    scene = param.Parameter(doc="Scene on view, None while it is made.")
    run = param.Parameter(doc="Finished translation of the view, or None.")
    pinned = param.Parameter(doc="Finished translation that others are compared with, or None.")
    preview = param.Parameter(doc="(step, number of steps, estimate) of a running translation.")
    busy = param.Boolean(default=False, doc="A translation runs or waits.")
    loading = param.Boolean(default=False, doc="Maps are being made.")
    problem = param.String(default="", doc="One sentence on why there is no translation.")
    notice = param.String(default="", doc="One sentence that a person should read.")
    recalled = param.Boolean(default=False, doc="The run on view was kept from before.")
    dark = param.Boolean(default=True, doc="The page is dark, not light.")

    def __init__(self, store: Store, **params: Any):
        super().__init__(**params)
        self.store = store
        self._document = pn.state.curdoc
        self._load_job: worker.Job | None = None
        self._run_job: worker.Job | None = None
        self._read_jobs: list[worker.Job] = []
        self._translate_next = False
        store.param.watch(self._on_scene, ["galaxy", "rotation"])
        store.param.watch(self._on_translator, "translator")
        store.param.watch(self._on_view, ["source", "target", "seed", "steps", "guidance"])

    @cached_property
    def sampling(self) -> Sampling:
        """The samples of the view, one for all pages that show them; made when first asked for."""
        from explorer.sampling import Sampling  # which works for a session itself

        return Sampling(self)

    def start(self) -> None:
        """Put up the first view and translate it."""
        self._translate_next = True
        self._load()

    def close(self) -> None:
        """End the session's work."""
        for job in (self._load_job, self._run_job, *self._read_jobs):
            if job is not None:
                job.cancel()
        if "sampling" in self.__dict__:
            self.sampling.cancel()

    def translate(self) -> None:
        """Translate the view on the worker."""
        self.notice = ""
        # While the maps of another view are made, the scene is still that of the last.
        if self.busy or self.loading or self.problem or self.scene is None:
            return
        view, scene = self.store.view, self.scene
        if (kept := library.RUNS.get(view)) is not None:
            self.param.update(run=kept, recalled=True)
            return

        def work(job: worker.Job) -> None:
            try:
                run = translate(view, scene, self._reporter(job))
            except worker.Cancelled:
                raise
            except Exception as error:
                self._fail(job, error)
                return
            library.RUNS.put(view, run)
            self.tell(job, lambda: self.param.update(run=run, busy=False, preview=None))

        self.param.update(run=None, preview=None, busy=True, recalled=False)
        self._run_job = worker.MODEL.submit(work)
        if self._run_job is None:
            self.busy = False
            self.notice = "Too many translations wait already: try again in a moment."

    def cancel(self) -> None:
        """Stop the running translation after its current step."""
        if self._run_job is not None:
            self._run_job.cancel()
        if self.busy:
            self.param.update(busy=False, preview=None, notice="The translation was cancelled.")

    def read(self, work: Callable[[], T], show: Callable[[T], None]) -> worker.Job | None:
        """Do `work` off the page's thread and hand what it returns to `show` on it.

        The job, to cancel it; None, with a notice, where too much waits already.
        """

        def run(job: worker.Job) -> None:
            try:
                found = work()
            except Exception:
                _log.exception("reading failed")
                notice = "What the page asked for could not be read: the server's log says why."
                self.tell(job, lambda: self.param.update(notice=notice))
                return
            self.tell(job, lambda: show(found))

        job = worker.FILES.submit(run)
        if job is None:
            self.notice = "The server is busy: try again in a moment."
            return None
        self._read_jobs = [*(each for each in self._read_jobs if not each.done), job]
        return job

    def _reporter(self, job: worker.Job) -> Callable[[int, int, NDArray[np.float32]], None]:
        last = 0.0

        def report(step: int, num_steps: int, estimate: NDArray[np.float32]) -> None:
            nonlocal last
            job.check()
            now = time.monotonic()
            if now - last >= PREVIEW_SECONDS and step < num_steps:
                last = now
                news = (step, num_steps, estimate)
                self.tell(job, lambda: self.param.update(preview=news))

        return report

    def _load(self) -> None:
        if self._load_job is not None:
            self._load_job.cancel()
        galaxy, rotation = self.store.galaxy, self.store.rotation
        grid_size = int(self.store.card.get("grid_size", GRID_SIZE))

        def work(job: worker.Job) -> None:
            try:
                scene = library.load_scene(galaxy, rotation, grid_size)
            except Exception as error:
                self._fail(job, error)
                return
            self.tell(job, lambda: self._show(scene))

        self.loading = True
        self._load_job = worker.MAPS.submit(work)
        if self._load_job is None:
            self.param.update(loading=False, notice="The server is busy: try again in a moment.")

    def _show(self, scene: Scene) -> None:
        self.param.update(scene=scene, loading=False)
        self._judge()
        wanted, self._translate_next = self._translate_next, False
        if wanted or library.RUNS.get(self.store.view) is not None:
            self.translate()

    def _judge(self) -> None:
        self.problem = self.store.problem(self.scene.missing if self.scene else None)

    def _drop(self) -> None:
        """Take down what belongs to another view."""
        if self._run_job is not None:
            self._run_job.cancel()
        self.param.update(run=None, preview=None, busy=False, notice="")
        self.store.step = 0

    def _on_scene(self, *events: Any) -> None:
        self._drop()
        self._load()

    def _on_translator(self, *events: Any) -> None:
        steps = self.store.default_steps()
        if steps != self.store.steps:
            self.store.steps = steps
        if not self.store.has_prior:
            self.store.guidance = 1.0
        self._drop()
        self._load()

    def _on_view(self, *events: Any) -> None:
        self._drop()
        self._judge()
        if self.scene is not None and library.RUNS.get(self.store.view) is not None:
            self.translate()

    def _fail(self, job: worker.Job, error: Exception) -> None:
        if not isinstance(error, ValueError):
            _log.exception("a translation failed")
        text = sentence(error)
        self.tell(
            job, lambda: self.param.update(busy=False, loading=False, preview=None, notice=text)
        )

    def tell(self, job: worker.Job, change: Callable[[], Any]) -> None:
        """Apply `change` on the page's thread, unless the job is no longer wanted by then."""

        def apply() -> None:
            if not job.cancelled:
                change()

        if job.cancelled:
            return
        if self._document is None:
            apply()
            return
        with set_curdoc(self._document):
            pn.state.execute(apply, schedule=True)


def sentence(error: Exception) -> str:
    """Return what an error says, as a sentence for the page."""
    text = str(error).split("\n")[0] or type(error).__name__
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
