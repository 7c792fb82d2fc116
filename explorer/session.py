"""What happens in one session: maps are made, translations run, results put up."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer import library, worker
from explorer.library import Scene
from explorer.store import Store, View
from explorer.together import Wish
from explorer.translation import Run
from explorer.turns import changer

if TYPE_CHECKING:
    from explorer.beside import Beside
    from explorer.sampling import Sampling

_log = logging.getLogger(__name__)

T = TypeVar("T")

PREVIEW_SECONDS = 0.15
GRID_SIZE = 64
OPEN: weakref.WeakSet[Session] = weakref.WeakSet()


class Latest:
    """News that wait for another thread, of which it gets the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: tuple[Any, ...] = ()
        self._waits = False

    def put(self, *news: Any) -> bool:
        """Take news; return whether they are to be asked for, or have replaced others that are."""
        with self._lock:
            waited, self._waits, self._news = self._waits, True, news
        return not waited

    def take(self) -> tuple[Any, ...]:
        """Return what came last."""
        with self._lock:
            self._waits = False
            return self._news


class Session(param.Parameterized):
    """Runs the work that a store asks for and holds what came of it.

    Parameters change on the page's thread only; views watch them.
    """

    scene = param.Parameter(doc="Scene on view, None while it is made.")
    glimpse = param.Parameter(doc="Coarse scene while the galaxy is turned, or None.")
    run = param.Parameter(doc="Finished translation of the view, or None.")
    pinned = param.Parameter(doc="Finished translation that others are compared with, or None.")
    preview = param.Parameter(doc="(step, number of steps, estimate) of a running translation.")
    busy = param.Boolean(default=False, doc="A translation runs or waits.")
    ahead = param.Integer(default=0, doc="Other people's work that the session's own waits for.")
    loading = param.Boolean(default=False, doc="Maps are being made.")
    problem = param.String(default="", doc="One sentence on why there is no translation.")
    notice = param.String(default="", doc="One sentence that a person should read.")
    recalled = param.Boolean(default=False, doc="The run on view was kept from before.")
    dark = param.Boolean(default=True, doc="The page is dark, not light.")

    def __init__(self, store: Store, **params: Any):
        super().__init__(**params)
        self.store = store
        OPEN.add(self)
        self.change = changer()
        self._load_job: worker.Job | None = None
        self._run_job: worker.Job | None = None
        self._jobs: list[worker.Job] = []
        self._translate_next = False
        self.on_close: list[Callable[[], None]] = []
        store.param.watch(self._on_scene, ["galaxy", "rotation", "angles"])
        store.param.watch(self._on_translator, "translator")
        store.param.watch(self._on_view, ["source", "target", "seed", "steps", "guidance"])

    def recall(self) -> None:
        """Put up what is there already of the view: its maps, and its run."""
        view = self.store.view
        scene = library.ready_scene(view.galaxy, view.rotation, self._grid_size, view.angles)
        if scene is not None:
            self._show(scene)

    @cached_property
    def sampling(self) -> Sampling:
        """The samples of the view, one for all pages that show them; made when first asked for."""
        from explorer.sampling import Sampling  # which works for a session itself

        return Sampling(self)

    @cached_property
    def beside(self) -> Beside:
        """The runs of translators beside the chosen one; made when first asked for."""
        from explorer.beside import Beside  # which works for a session itself

        return Beside(self)

    def start(self) -> None:
        """Put up the view and translate it, unless `recall` has found its run."""
        if self.run is None:
            self._translate_next = True
            self._load()

    def close(self) -> None:
        """End the session's work."""
        OPEN.discard(self)
        for job in (self._load_job, *self._jobs):
            if job is not None:
                job.cancel()
        for end in self.on_close:
            end()

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

        def preview(step: int, num_steps: int, estimate: NDArray[np.float32]) -> None:
            if step < num_steps:
                self.preview = (step, num_steps, estimate)

        def show(run: Run) -> None:
            self.param.update(run=run, busy=False, preview=None)

        def fail(text: str) -> None:
            self.param.update(busy=False, preview=None, notice=text)

        self.param.update(run=None, preview=None, busy=True, recalled=False)
        self._run_job = self.wish(view, scene, preview, show, fail)
        if self._run_job is None:
            self.busy = False
            self.notice = "Too many translations wait already: try again in a moment."

    def cancel(self) -> None:
        """Stop the running translation after its current step."""
        if self._run_job is not None:
            self._run_job.cancel()
        if self.busy:
            self.param.update(busy=False, preview=None, notice="The translation was cancelled.")

    def read(
        self,
        work: Callable[[], T],
        show: Callable[[T], None],
        fail: Callable[[str], None] | None = None,
    ) -> worker.Job | None:
        """Do `work` off the page's thread and hand what it returns to `show` on it.

        `fail` gets what a ValueError says, as a sentence; where it is not given, a notice says that
        something failed. The job, to cancel it; None, with a notice, where too much waits already.
        """

        def refuse(error: Exception) -> Callable[[], Any]:
            if fail is not None and isinstance(error, ValueError):
                return partial(fail, explain(error))
            _log.exception("reading failed")
            notice = "What the page asked for could not be read: the server's log says why."
            return partial(self.param.update, notice=notice)

        task = self._task(lambda job: work(), show, refuse)
        job = self._keep(worker.FILES.submit(task, id(self)))
        if job is None:
            self.notice = "The server is busy: try again in a moment."
        return job

    def _keep(self, job: worker.Job | None) -> worker.Job | None:
        """Remember a job, to be cancelled when the session ends."""
        if job is not None:
            self._jobs = [*(each for each in self._jobs if not each.done), job]
        return job

    def compute(
        self,
        work: Callable[[worker.Job], T],
        show: Callable[[T], None],
        fail: Callable[[str], None],
        at: worker.Worker | None = None,
    ) -> worker.Job | None:
        """Do `work` on a worker and hand its result to `show` on the page's thread.

        The worker is that of models unless another is given. `work` gets its job, to ask whether it
        is still wanted; `fail` gets a sentence on what went wrong. Returns the job, to cancel it,
        or None where too much waits already.
        """

        task = self._task(work, show, lambda error: partial(fail, explain(error)))
        at = worker.MODEL if at is None else at
        return self._keep(at.submit(task, id(self), self._place_teller()))

    def wish(
        self,
        view: View,
        scene: Scene,
        preview: Callable[..., Any],
        show: Callable[[Run], None],
        fail: Callable[[str], None],
    ) -> worker.Job | None:
        """Translate a view on the worker of models, with others' where that is faster; keep it.

        `preview` gets steps as `reporter` says; the others are those of `compute`.
        """

        def finish(job: worker.Job, made: Run | Exception) -> None:
            if isinstance(made, Run):
                self.tell(job, partial(show, made))
            elif not isinstance(made, worker.Cancelled):
                self.tell(job, partial(fail, explain(made)))

        wish = Wish(view, scene, lambda job: self.reporter(job, preview), finish)
        return self._keep(wish.submit(id(self), self._place_teller()))

    def _task(
        self,
        work: Callable[[worker.Job], T],
        show: Callable[[T], Any],
        refuse: Callable[[Exception], Callable[[], Any]],
    ) -> Callable[[worker.Job], None]:
        """Return what a worker is to run: `work`, and `show` of its result on the page's thread.

        `refuse` is asked on the worker, while an error is handled, what the page does about it.
        """

        def run(job: worker.Job) -> None:
            try:
                made = work(job)
            except worker.Cancelled:
                raise
            except Exception as error:
                self.tell(job, refuse(error))
                return
            self.tell(job, lambda: show(made))

        return run

    def _place_teller(self) -> Callable[[worker.Job, int], None]:
        """Return what tells the page a job's place among those that wait."""
        latest = Latest()

        def tell(job: worker.Job, ahead: int) -> None:
            if latest.put(ahead):
                self.tell(job, lambda: self.param.update(ahead=latest.take()[0]))

        return tell

    def reporter(self, job: worker.Job, show: Callable[..., Any]) -> Callable[..., None]:
        """Return what a job calls with its news after each step, which ends it where it should.

        `show` gets them on the page's thread, the latest at most once in `PREVIEW_SECONDS`, and
        less often where that thread has no time for more.
        """
        last, latest = 0.0, Latest()

        def report(*news: Any) -> None:
            nonlocal last
            job.check()
            now = time.monotonic()
            if now - last >= PREVIEW_SECONDS:
                last = now
                if latest.put(*news):
                    self.tell(job, lambda: show(*latest.take()))

        return report

    @property
    def _grid_size(self) -> int:
        return int(self.store.card.get("grid_size", GRID_SIZE))

    def _load(self) -> None:
        view, grid_size = self.store.view, self._grid_size

        def work(job: worker.Job) -> Scene:
            return library.load_scene(view.galaxy, view.rotation, grid_size, view.angles)

        self.loading = True
        self._make(work, self._show)

    def _make(self, work: Callable[[worker.Job], Scene], show: Callable[[Scene], None]) -> None:
        """Make maps on their worker in place of those that were asked for before."""
        if self._load_job is not None:
            self._load_job.cancel()
        self._load_job = worker.MAPS.submit(self._task(work, show, self._refuse), id(self))
        if self._load_job is None:
            self.param.update(loading=False, notice="The server is busy: try again in a moment.")

    def turn(self, angles: library.Angles, shown: Callable[[], Any] = lambda: None) -> None:
        """Show the domains on view under other angles, coarsely, until `settle`; then call `shown`.

        Of several that come while one is at work, the last one counts.
        """
        scene, store = self.scene, self.store
        if scene is None or scene.key != store.galaxy or scene.orientation is None:
            return
        if self.glimpse is None:
            self._drop()
            self.loading = True

        def work(job: worker.Job) -> Scene:
            return library.glimpse(scene, angles, (store.source, store.target))

        def show(glimpse: Scene) -> None:
            self.glimpse = glimpse
            shown()

        self._make(work, show)

    def settle(self, angles: library.Angles) -> None:
        """Take over the angles to which the galaxy was turned."""
        before = self.store.view
        self.store.param.update(rotation=library.FREE, angles=angles)
        if self.store.view == before:  # turned there and back
            self._load()

    def _show(self, scene: Scene) -> None:
        self.param.update(scene=scene, glimpse=None, loading=False)
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
        if all(event.name == "angles" for event in events) and self.store.rotation != library.FREE:
            return
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

    def _refuse(self, error: Exception) -> Callable[[], Any]:
        return partial(
            self.param.update, busy=False, loading=False, preview=None, notice=explain(error)
        )

    def tell(self, job: worker.Job, change: Callable[[], Any]) -> None:
        """Apply `change` on the page's thread, unless the job is no longer wanted by then."""

        def apply() -> None:
            if not job.cancelled:
                change()

        if not job.cancelled:
            self.change(apply)


def explain(error: Exception) -> str:
    """Return what an error says, as a sentence for the page; log one that is not meant for it."""
    if not isinstance(error, ValueError):
        _log.error("a job failed", exc_info=error)
    text = str(error).split("\n")[0] or type(error).__name__
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
