"""Long work off the page's thread: one thread and a bounded queue, with cancellation."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised inside a job that has been asked to stop."""


class Job:
    """One piece of work, whether it is still wanted, and whether it is `done`."""

    def __init__(self, work: Callable[[Job], None]):
        self._work = work
        self._cancelled = threading.Event()
        self.done = False

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
    """A thread that takes jobs in turn; it starts with the first one."""

    def __init__(self, name: str, capacity: int = 16):
        self._name = name
        self._jobs: queue.Queue[Job] = queue.Queue(maxsize=capacity)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[Job], None]) -> Job | None:
        """Queue `work`, which is called with its job; None where the queue is full."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
        job = Job(work)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return None
        return job

    def _loop(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job.run()
            except Exception:  # one session's failure must not end the thread all share
                _log.exception("a job of worker %s failed", self._name)


MAPS = Worker("maps")
MODEL = Worker("model")
FILES = Worker("files")
