"""News for pages, one at a time, so that an event loop has time for others in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakKeyDictionary

Loop = asyncio.AbstractEventLoop


class Turns:
    """What is to be done on an event loop, each in a round of its own.

    The sessions of a batch of translations all have news at once, which would otherwise keep the
    loop from everybody else until all of them are told.
    """

    def __init__(self, loop: Loop):
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._runs = False

    def add(self, act: Callable[[], None]) -> None:
        """Have `act` called on the loop, from any thread; of a loop that is closed, never."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take, act)

    def _take(self, act: Callable[[], None]) -> None:
        self._waiting.append(act)
        if not self._runs:
            self._runs = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        act = self._waiting.popleft()
        if self._waiting:
            self._loop.call_soon(self._next)
        else:
            self._runs = False
        act()


_OF: WeakKeyDictionary[Loop, Turns] = WeakKeyDictionary()


def turns_here() -> Turns | None:
    """Return those of the event loop that is running, None where there is none."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a server that warms up makes the page before its loop runs
        return None
    return _OF.setdefault(loop, Turns(loop))
