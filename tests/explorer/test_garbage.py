"""When everything is looked through for garbage: at rest, or when that does not come."""

import gc
import weakref
from types import SimpleNamespace

import pytest

from explorer import garbage
from explorer.garbage import OVERDUE_PAGES, OVERDUE_SECONDS, REST_SECONDS, Sweeper
from explorer.worker import Worker


class Ring:
    """Something that only a garbage collection lets go."""

    def __init__(self):
        self.own = self


@pytest.fixture
def ring():
    """A ring that nobody holds, and that has come to stay as far as Python knows."""
    gc.collect()
    made = Ring()
    known = weakref.ref(made)
    gc.freeze()
    del made
    yield known
    gc.unfreeze()


@pytest.fixture
def clock(monkeypatch):
    """The time that a sweeper sees."""
    now = SimpleNamespace(s=1000.0)
    monkeypatch.setattr(garbage, "time", SimpleNamespace(monotonic=lambda: now.s))
    return now


@pytest.fixture
def worker(clock):
    """A worker that rests since `began`, or does not."""

    class Busy:
        began = None

        @property
        def rest_s(self):
            return 0.0 if self.began is None else clock.s - self.began

    return Busy()


@pytest.fixture
def sweeper(worker, monkeypatch):
    monkeypatch.setattr(garbage.threading, "Thread", lambda **options: SimpleNamespace(start=int))
    made = Sweeper([worker])
    made.note_page()
    return made


def test_frozen_garbage_waits_for_rest(ring, clock, worker, sweeper):
    gc.collect()  # as Bokeh has them for each page that is left
    clock.s += 20.0
    sweeper.look()
    assert ring() is not None
    worker.began = clock.s
    clock.s += REST_SECONDS - 0.1
    sweeper.look()
    assert ring() is not None
    clock.s += 0.2
    sweeper.look()
    assert ring() is None


def test_a_page_that_was_opened_while_others_work_is_hidden_from_other_collections(
    clock, worker, sweeper
):
    gc.unfreeze()
    before = gc.get_freeze_count()
    sweeper.look()
    assert gc.get_freeze_count() == before
    clock.s += REST_SECONDS
    sweeper.look()
    frozen = gc.get_freeze_count()
    assert frozen > before
    more = [Ring() for _ in range(1000)]
    sweeper.look()  # there is nothing new to settle
    assert gc.get_freeze_count() == frozen
    gc.unfreeze()
    del more


def test_without_anything_new_there_is_nothing_to_look_for(clock, worker, sweeper, monkeypatch):
    worker.began = clock.s
    clock.s += 20.0
    sweeper.look()
    monkeypatch.setattr(garbage, "gc", None)
    clock.s += 2.0 * OVERDUE_SECONDS
    sweeper.look()
    sweeper.note_page()
    clock.s += REST_SECONDS
    with pytest.raises(AttributeError):
        sweeper.look()


@pytest.mark.parametrize("why", ["time", "pages"])
def test_without_rest_it_comes_when_it_is_overdue(why, ring, clock, worker, sweeper):
    clock.s += REST_SECONDS
    sweeper.look()
    assert ring() is not None
    if why == "time":
        clock.s += OVERDUE_SECONDS
    for _ in range(OVERDUE_PAGES if why == "pages" else 0):
        sweeper.note_page()
    sweeper.look()
    assert ring() is None


def test_it_begins_with_the_first_page_and_once(monkeypatch):
    begun = []

    def thread(**options):
        return SimpleNamespace(start=lambda: begun.append(options["name"]))

    monkeypatch.setattr(garbage.threading, "Thread", thread)
    sweeper = Sweeper([Worker("idle")])
    assert not begun
    sweeper.note_page()
    sweeper.note_page()
    assert begun == ["garbage"]
