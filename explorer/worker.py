"""Long work off the page's thread: a thread that serves sessions in turn, with cancellation."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from prometheus_client import Histogram

_log = logging.getLogger(__name__)

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
WAITED = Histogram(
    "galactic_alchemy_wait_seconds", "Time that a job waited for its turn.", ["worker"],
    buckets=_SECONDS,
)  # fmt: skip
WORKED = Histogram(
    "galactic_alchemy_job_seconds", "Time that a job took once it was begun.", ["worker"],
    buckets=_SECONDS,
)  # fmt: skip
TOGETHER = Histogram(
    "galactic_alchemy_jobs_together", "Jobs that were done in one go.", ["worker"],
    buckets=(1, 2, 4, 8, 16, 32),
)  # fmt: skip


class Cancelled(Exception):
    """Raised inside a job that has been asked to stop."""


class Job:
    """One piece of work, whether it is still wanted, and whether it is `done`.

    Attributes
    ----------
    owner : whose it is; a worker serves owners in turn.
    key : equal for jobs that can be done in one go; None for one that cannot.
    request : what is asked for, which whoever does several jobs in one go reads.
    queued : when it was queued, on the monotonic clock.
    """

    def __init__(
        self,
        work: Callable[[Job], None],
        owner: Hashable = None,
        on_place: Callable[[Job, int], None] = lambda job, ahead: None,
        key: Hashable = None,
        request: Any = None,
    ):
        self.owner, self.key, self.request = owner, key, request
        self.done = False
        self.queued = time.monotonic()
        self._work = work
        self._on_place = on_place
        self._ahead: int | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop; it does between two steps, or never starts."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the job has been asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` where the job has been asked to stop."""
        if self.cancelled:
            raise Cancelled

    def place(self, ahead: int) -> None:
        """Say how many jobs come before this one, to whom it concerns, where that has changed."""
        if ahead != self._ahead and not self.cancelled:
            self._ahead = ahead
            try:
                self._on_place(self, ahead)
            except Exception:  # whoever listens must not hold up those who work
                _log.exception("a job could not be told its place")

    def run(self) -> None:
        """Do the work, unless it is no longer wanted."""
        try:
            self.check()
            self._work(self)
        except Cancelled:
            pass
        finally:
            self.done = True


class Worker:
    """A thread that takes one job of each owner in turn; it starts with the first one.

    Parameters
    ----------
    name : of the thread.
    capacity : jobs that may wait.
    share : jobs of one owner that may wait, so that nobody fills the queue alone.
    """

    def __init__(self, name: str, capacity: int = 64, share: int = 8):
        self.name = name
        self._capacity, self._share = capacity, share
        # By owner, in the order of their turns.
        self._waiting: OrderedDict[Hashable, deque[Job]] = OrderedDict()
        self._running: list[Job] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = time.monotonic()

    def submit(
        self,
        work: Callable[[Job], None],
        owner: Hashable = None,
        on_place: Callable[[Job, int], None] = lambda job, ahead: None,
        key: Hashable = None,
        request: Any = None,
    ) -> Job | None:
        """Queue `work`, which is called with its job; None where too much waits.

        `on_place` is called, on any thread, with the job and the number of jobs that come before,
        whenever that changes; 0 when the work begins. `key` and `request` are the job's; where
        `work` is to do other jobs of its key as well, it asks for them by `join`.
        """
        job = Job(work, owner, on_place, key, request)
        with self._changed:
            self._drop_cancelled()
            own = self._waiting.get(owner, ())
            if len(self) >= self._capacity or len(own) >= self._share:
                return None
            self._waiting.setdefault(owner, deque()).append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self.name, daemon=True)
                self._thread.start()
            self._changed.notify()
        self._tell_places()
        return job

    def __len__(self) -> int:
        """Return the number of jobs that wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def is_full(self) -> bool:
        """Whether a new owner's job would be refused."""
        with self._changed:
            self._drop_cancelled()
            return len(self) >= self._capacity

    @property
    def rest_s(self) -> float:
        """For how long nothing has been done, 0 while something is, or waits."""
        with self._changed:
            self._drop_cancelled()
            busy = self._running or self._waiting
            return 0.0 if busy else time.monotonic() - self._ended

    def _order(self) -> list[Job]:
        """Return the jobs that wait, in the order in which they will be taken."""
        turns = max(map(len, self._waiting.values()), default=0)
        rows = self._waiting.values()
        return [jobs[turn] for turn in range(turns) for jobs in rows if turn < len(jobs)]

    def _drop_cancelled(self) -> None:
        for owner, jobs in list(self._waiting.items()):
            kept = deque(job for job in jobs if not job.cancelled)
            for job in jobs:
                job.done = job.done or job.cancelled
            if kept:
                self._waiting[owner] = kept
            else:
                del self._waiting[owner]

    def _tell_places(self) -> None:
        with self._changed:
            self._drop_cancelled()
            waiting, running = self._order(), len(self._running)
        for index, job in enumerate(waiting):
            job.place(index + running)

    def _take(self) -> Job:
        """Wait for a job and take it; its owner's next one has its turn after all others."""
        with self._changed:
            self._drop_cancelled()
            while not self._waiting:
                self._changed.wait()
                self._drop_cancelled()
            job = next(iter(self._waiting.values()))[0]
            self._begin(job)
            return job

    def _begin(self, job: Job) -> None:
        """Take a job out of those that wait; what else its owner has comes after all others'."""
        jobs = self._waiting.pop(job.owner)
        jobs.remove(job)
        if jobs:
            self._waiting[job.owner] = jobs
        self._running.append(job)
        WAITED.labels(self.name).observe(time.monotonic() - job.queued)

    def join(self, job: Job, most: int) -> Sequence[Job]:
        """Return a job that is being done with others of its key for it to do, `most` in all.

        They are taken in the order of their turns, and count as done when the job is.
        """
        with self._changed:
            self._drop_cancelled()
            alike = [each for each in self._order() if each.key == job.key and job.key is not None]
            others = alike[: most - 1]
            for each in others:
                self._begin(each)
        for each in others:
            each.place(0)
        self._tell_places()
        return [job, *others]

    def _loop(self) -> None:
        while True:
            job = self._take()
            job.place(0)
            self._tell_places()
            begun = time.monotonic()
            try:
                job.run()
            except Exception:  # one session's failure must not end the thread all share
                _log.exception("a job of worker %s failed", self.name)
            finally:
                self._end(time.monotonic() - begun)
            # Held on to while it waits for the next, the last one would keep its session alive.
            del job

    def _end(self, seconds: float) -> None:
        """Count what was done as done."""
        with self._changed:
            done, self._running = self._running, []
            self._ended = time.monotonic()
        TOGETHER.labels(self.name).observe(len(done))
        for job in done:
            job.done = True
            WORKED.labels(self.name).observe(seconds)


MAPS = Worker("maps")
MODEL = Worker("model")
FILES = Worker("files")
TELESCOPE = Worker("telescope")
WORKERS = (MAPS, MODEL, FILES, TELESCOPE)
