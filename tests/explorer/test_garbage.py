"""When everything is looked through for garbage: at rest, or when that does not come."""

import gc
import weakref
from types import SimpleNamespace

import pytest

from explorer.garbage import OVERDUE_PAGES, OVERDUE_SECONDS, REST_SECONDS, Sweeper
from tests.waiting import wait_until


class Ring:
    """Something that only a garbage collection lets go."""

    def __init__(self):
        self.own = self


class Watched(Sweeper):
    """A sweeper that looks when it is told to, and notes what it did."""

    def __init__(self, clock):
        self.clock, self.began_rest, self.done, self.begun = clock, None, [], 0
        super().__init__([self], lambda: clock.s)

    @property
    def rest_s(self):
        """As a worker that rests since `began_rest`, or does not."""
        return 0.0 if self.began_rest is None else self.clock.s - self.began_rest

    def _run(self):
        self.begun += 1

    def _sweep(self):
        self.done.append("sweep")
        super()._sweep()

    def _settle(self):
        self.done.append("settle")
        super()._settle()

    def look_after(self, seconds):
        self.clock.s += seconds
        before = len(self.done)
        self.look()
        return self.done[before:]


@pytest.fixture
def sweeper():
    """A sweeper of a busy server with one page."""
    made = Watched(SimpleNamespace(s=1000.0))
    made.clock.s += 1.0
    made.note_page()
    yield made
    gc.unfreeze()


def test_frozen_garbage_waits_for_rest(sweeper):
    gc.collect()
    made = Ring()
    ring = weakref.ref(made)
    gc.freeze()
    del made
    gc.collect()  # as Bokeh has them for each page that is left
    assert sweeper.look_after(20.0) == ["settle"]
    sweeper.began_rest = sweeper.clock.s
    assert sweeper.look_after(REST_SECONDS - 0.1) == []
    assert ring() is not None
    assert sweeper.look_after(0.2) == ["sweep"]
    assert ring() is None


def test_a_page_that_was_opened_while_others_work_is_hidden_from_other_collections(sweeper):
    assert sweeper.look_after(0.0) == []
    assert sweeper.look_after(REST_SECONDS) == ["settle"]
    assert gc.get_freeze_count() > 100_000
    assert sweeper.look_after(1.0) == []  # there is nothing new
    sweeper.note_page()
    assert sweeper.look_after(REST_SECONDS) == ["settle"]


def test_without_anything_new_there_is_nothing_to_look_for(sweeper):
    sweeper.began_rest = sweeper.clock.s
    assert sweeper.look_after(20.0) == ["sweep"]
    assert sweeper.look_after(2.0 * OVERDUE_SECONDS) == []
    sweeper.note_page()
    assert sweeper.look_after(REST_SECONDS) == ["sweep"]
    sweeper.began_rest = None
    assert sweeper.look_after(1.0) == []  # that has frozen the page as well


def test_without_rest_it_comes_when_it_is_overdue(sweeper):
    assert sweeper.look_after(REST_SECONDS) == ["settle"]
    assert sweeper.look_after(OVERDUE_SECONDS) == ["sweep"]
    for _ in range(OVERDUE_PAGES - 1):
        sweeper.note_page()
    assert sweeper.look_after(1.0) == []
    sweeper.note_page()
    assert sweeper.look_after(0.0) == ["sweep"]


def test_it_begins_with_the_first_page_and_once():
    sweeper = Watched(SimpleNamespace(s=0.0))
    assert sweeper.begun == 0
    sweeper.note_page()
    wait_until(lambda: sweeper.begun, "the thread", 10)
    sweeper.note_page()
    assert sweeper.begun == 1
