"""Full garbage collections, which stop every thread, at moments when nobody waits."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Sequence

from explorer.worker import WORKERS, Worker

LOOK_SECONDS, REST_SECONDS, APART_SECONDS = 1.0, 3.0, 10.0
# When a collection no longer waits for rest: so long after the last one, or once so many pages have
# come or gone.
OVERDUE_SECONDS, OVERDUE_PAGES = 300.0, 50


class Sweeper:
    """Keeps full garbage collections short, and has the long ones when no worker has work.

    Imports leave half a million objects to look through, and each page some ten thousands more:
    several tenths of a second. Python has full collections whenever an allocation makes one due,
    and Panel and Bokeh have one after every page that is left. So what has come to stay is frozen,
    which costs nothing and hides it from all of those, and here alone everything is looked through:
    after a while without work, or when that has not come for long.
    """

    def __init__(self, workers: Sequence[Worker], clock: Callable[[], float] = time.monotonic):
        self._workers, self._clock = workers, clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pages = 0
        # When a page last came or went; the same of those frozen; when all was looked through.
        self._changed = self._settled = self._swept = clock()

    def note_page(self) -> None:
        """Hear that a page comes or goes; with the first one the sweeper begins."""
        with self._lock:
            self._pages += 1
            self._changed = self._clock()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="garbage", daemon=True)
                self._thread.start()

    def look(self) -> None:
        """Do what the moment is for."""
        now, changed = self._clock(), self._changed
        quiet_s, swept_s = now - changed, now - self._swept
        rest_s = min(quiet_s, *(worker.rest_s for worker in self._workers))
        if rest_s >= swept_s:
            return  # nothing has happened since
        rests = rest_s >= REST_SECONDS and swept_s >= APART_SECONDS
        if rests or swept_s >= OVERDUE_SECONDS or self._pages >= OVERDUE_PAGES:
            self._pages = 0
            self._sweep()
            self._swept = self._clock()
        elif quiet_s >= REST_SECONDS and changed > self._settled:
            self._settle()
        if quiet_s >= REST_SECONDS:
            self._settled = changed  # either way it is frozen

    def _sweep(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _settle(self) -> None:
        gc.freeze()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()


SWEEPER = Sweeper(WORKERS)
