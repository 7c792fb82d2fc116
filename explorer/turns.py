"""Changes of pages, one at a time, so that an event loop has time for others in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn
from panel.io.state import set_curdoc

Loop = asyncio.AbstractEventLoop
Act = Callable[[], Any]


class Turns:
    """What is to be done on an event loop, each in a round of its own.

    The sessions of a batch of translations all have news at once, which would otherwise keep the
    loop from everybody else until all of them are told.
    """

    def __init__(self, loop: Loop):
        self._loop = loop
        self._waiting: deque[Act] = deque()
        self._runs = False

    def add(self, act: Act) -> None:
        """Have `act` called on the loop, from any thread; of a loop that is closed, never."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take, act)

    def _take(self, act: Act) -> None:
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


def changer() -> Callable[[Act], None]:
    """Return what changes the page that is being made, by acts that each have their turn.

    They are called with the document's lock, which Bokeh's own models need, and may come from any
    thread. Where no page is served, an act is called at once; of a page that was left, never.
    """
    document, turns = pn.state.curdoc, turns_here()
    if document is None or document.session_context is None or turns is None:
        return lambda act: act()

    def change(act: Act) -> None:
        def schedule() -> None:
            if document.session_context is not None:
                with set_curdoc(document):
                    pn.state.execute(act, schedule=True)

        # From another thread a document loses what is scheduled while it lets go what it has held.
        turns.add(schedule)

    return change


class Due:
    """Something to be done in a turn of its own, once for all who ask until then."""

    def __init__(self, change: Callable[[Act], None], act: Act):
        self._change, self._act = change, act
        self._is_due = False

    def ask(self, *events: Any) -> None:
        """Have it done."""
        if not self._is_due:
            self._is_due = True
            self._change(self._do)

    def _do(self) -> None:
        self._is_due = False
        self._act()
