"""A session's work: it runs, it can be cancelled, and it fails in a sentence."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from data.normalize import DEFAULT
from explorer import library, session, worker
from explorer.store import Store
from explorer.translation import residual_map
from tests.waiting import wait_until

CARD = {"domains": ["gas", "dark_matter"], "default_steps": 4, "grid_size": 32}
FORBIDDEN = 666


class Toy:
    """Walks from twice the input to the input; waits at a gate before each step.

    It has room for four at once, and notes the seeds of each batch.
    """

    default_sampler = "ddim"
    normalization = DEFAULT

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False
        self.batches, self.steps = [], 0

    def room(self, shape):
        return 4

    def together(self, requests, *, num_steps, guidance):
        self.batches.append([request.seed for request in requests])
        if any(request.seed == FORBIDDEN for request in requests):
            raise ValueError("this seed is not to be had")
        return self._walk(requests, num_steps)

    def _walk(self, requests, num_steps):
        try:
            for i in range(1, num_steps + 1):
                assert self.gate.wait(10)
                self.steps += 1
                factor = 1.0 + (num_steps - i) / num_steps
                yield [
                    Frame(i, num_steps, 1 - i / num_steps,
                          np.full((1, *each.source_map.shape), each.seed, np.float32),
                          (each.source_map * factor)[None])
                    for each in requests
                ]  # fmt: skip
        finally:
            self.closed = True


class Frame:
    def __init__(self, index, num_steps, moment, x, estimate):
        self.index, self.num_steps, self.time = index, num_steps, moment
        self.x, self.estimate, self.sigma = x, estimate, moment


@pytest.fixture
def toy(monkeypatch, run):
    toy = Toy()
    monkeypatch.setattr(library, "load_translator", lambda name: toy)
    monkeypatch.setattr(library, "load_scene", lambda *arguments: run.scene)
    monkeypatch.setattr(library, "RUNS", library.Shelf(4))
    monkeypatch.setattr(session, "PREVIEW_SECONDS", 0.0)
    return toy


def test_first_view_is_translated_and_kept(toy, run):
    one = session.Session(Store(cards={"toy": CARD}))
    previews = []
    one.param.watch(lambda event: previews.append(event.new), "preview")
    one.start()
    wait_until(lambda: one.run is not None, "the worker", 10)
    assert one.run.num_steps == 4
    np.testing.assert_allclose(one.run.output, run.scene.maps["gas"])
    np.testing.assert_allclose(one.run.residuals[-1], -1.0, atol=1e-6)
    np.testing.assert_allclose(residual_map(one.run), -1.0, atol=0.1)
    assert [p[0] for p in previews if p] == [1, 2, 3]
    assert library.RUNS.get(one.store.view) is one.run
    assert not one.recalled
    first = one.run
    one.store.seed = 5
    assert one.run is None
    one.store.seed = 0
    assert one.run is first
    assert one.recalled


def test_the_maps_of_another_view_are_not_translated(toy, run):
    one = session.Session(Store(cards={"toy": CARD}))
    one.start()
    wait_until(lambda: one.run is not None, "the worker", 10)
    one.store.seed = 7
    one.loading = True  # As while another galaxy is made: the scene is still the last one's.
    one.translate()
    assert not one.busy
    assert library.RUNS.get(one.store.view) is None


def test_cancel_stops_between_steps(toy):
    toy.gate.clear()
    one = session.Session(Store(cards={"toy": CARD}))
    one.start()
    wait_until(lambda: one.busy, "the worker", 10)
    one.cancel()
    assert not one.busy
    assert "cancelled" in one.notice
    toy.gate.set()
    wait_until(lambda: toy.closed or worker.MODEL.rest_s, "the worker", 10)
    time.sleep(0.05)
    assert one.run is None
    one.translate()
    wait_until(lambda: one.run is not None, "the worker", 10)


def sessions_of(toy, *seeds):
    """Return sessions that wait for their own seeds, each with the worker held at the first's."""
    made = []
    for seed in seeds:
        one = session.Session(Store(cards={"toy": CARD}, seed=seed))
        one.start()
        wait_until(lambda one=one: one.busy, "the maps", 10)
        made.append(one)
        if len(made) == 1:
            wait_until(lambda: toy.batches, "the first to be begun", 10)
    return made


def test_sessions_that_wait_are_translated_in_one_go_each_with_its_own_seed(toy):
    toy.gate.clear()
    sessions = sessions_of(toy, 10, 11, 12, 13, 14, 15)
    sessions[1].store.steps = 3  # which does not agree with the others
    wait_until(lambda: sessions[1].scene is not None, "the maps", 10)
    sessions[1].translate()
    previews = {each.store.seed: [] for each in sessions}
    for each in sessions:
        seen = previews[each.store.seed]
        each.param.watch(lambda event, seen=seen: seen.append(event.new), "preview")
    toy.gate.set()
    for each in sessions:
        wait_until(lambda each=each: each.run is not None, "the worker", 10)
        assert each.run.view == each.store.view
        assert (each.run.noisy == each.store.seed).all()
        # The last one is the result itself.
        assert [p[0] for p in previews[each.store.seed] if p] == list(range(1, each.store.steps))
    # Four have room; the one that does not agree has its turn after those who came before it.
    assert toy.batches == [[10], [12, 13, 14, 15], [11]]


def test_one_that_leaves_does_not_stop_the_others_and_all_stop_the_batch(toy):
    toy.gate.clear()
    first, stays, leaves = sessions_of(toy, 20, 21, 22)
    first.cancel()
    toy.closed = False
    seen = []
    stays.param.watch(lambda event: seen.append(leaves.cancel()), "preview")
    toy.gate.set()
    wait_until(lambda: stays.run is not None, "the worker", 10)
    assert toy.batches == [[20], [21, 22]]
    assert leaves.run is None
    assert library.RUNS.get(leaves.store.view) is None
    assert "cancelled" in leaves.notice
    wait_until(lambda: worker.MODEL.rest_s, "the worker", 10)

    toy.gate.clear()
    toy.batches.clear()
    toy.steps = 0
    first, one, other = sessions_of(toy, 30, 31, 32)
    one.param.watch(lambda event: (one.close(), other.close()), "preview")
    toy.gate.set()
    wait_until(lambda: worker.MODEL.rest_s, "the worker", 10)
    assert toy.batches == [[30], [31, 32]]
    assert one.run is other.run is None
    assert toy.steps == first.store.steps + 2  # both have left by the second


def test_a_bad_request_in_a_batch_harms_no_other(toy):
    toy.gate.clear()
    _, good, bad = sessions_of(toy, 40, 41, FORBIDDEN)
    toy.gate.set()
    wait_until(lambda: good.run is not None and bad.notice, "the worker", 10)
    assert bad.notice == "This seed is not to be had."
    assert bad.run is None
    assert toy.batches == [[40], [41, FORBIDDEN], [41], [FORBIDDEN]]


def test_what_another_has_waited_for_as_well_is_made_once(toy):
    toy.gate.clear()
    sessions = sessions_of(toy, 50, 51)
    same = session.Session(Store(cards={"toy": CARD}, seed=50))
    same.start()
    wait_until(lambda: same.busy, "the maps", 10)
    toy.gate.set()
    for each in (*sessions, same):
        wait_until(lambda each=each: each.run is not None, "the worker", 10)
    assert toy.batches == [[50], [51]]
    assert same.run is sessions[0].run


def test_turning_says_where_the_queue_is_full(toy, run, monkeypatch):
    one = session.Session(Store(cards={"toy": CARD}, galaxy=run.scene.key or None))
    monkeypatch.setattr(worker.MAPS, "submit", lambda *arguments: None)
    one.scene = replace(run.scene, key=one.store.galaxy, orientation=object())
    one.turn((10.0, 20.0, 30.0))
    assert one.notice == "The server is busy: try again in a moment."
    assert not one.loading


def test_failure_is_a_sentence_and_the_worker_lives_on(toy, monkeypatch):
    def refuse(name):
        raise ValueError("the weights of toy are damaged")

    one = session.Session(Store(cards={"toy": CARD}))
    with monkeypatch.context() as patch:
        patch.setattr(library, "load_translator", refuse)
        one.start()
        wait_until(lambda: one.notice, "the worker", 10)
    assert one.notice == "The weights of toy are damaged."
    assert not one.busy
    one.translate()
    wait_until(lambda: one.run is not None, "the worker", 10)


def test_unknown_direction_is_not_started(toy):
    one = session.Session(Store(cards={"toy": CARD}))
    one.store.target = "stars"
    one.start()
    wait_until(lambda: one.scene is not None, "the worker", 10)
    assert "does not know" in one.problem
    assert not one.busy


def test_worker_refuses_beyond_its_capacity():
    gate, small = threading.Event(), worker.Worker("small", capacity=1)
    started = threading.Event()

    def block(job):
        started.set()
        gate.wait(10)

    assert small.submit(block) is not None
    assert started.wait(10)
    assert small.submit(block) is not None
    assert small.submit(block) is None
    gate.set()


def test_shelf_keeps_the_recently_used_within_its_bytes():
    one, two, three = (np.zeros(size, np.uint8) for size in (10, 20, 30))
    shelf = library.Shelf(2)
    shelf.put("a", one)
    shelf.put("b", two)
    shelf.get("a")
    shelf.put("c", three)
    assert (shelf.get("a"), shelf.get("b"), shelf.get("c")) == (one, None, three)
    small = library.Shelf(9, max_bytes=40)
    for name, value in (("a", one), ("b", two), ("c", three)):
        small.put(name, value)
    assert (small.get("a"), small.get("b"), small.get("c")) == (None, None, three)
    small.put("d", np.zeros(50, np.uint8))  # more than there is room for, and still the last
    assert small.get("d") is not None


def test_news_from_a_worker_are_scheduled_by_the_page_itself():
    """What another thread schedules is lost where the page lets go what it has held just then."""
    document, context = Document(), SimpleNamespace(session=None)
    document._session_context = lambda: context
    job = worker.Job(lambda job: None)

    async def serve():
        with set_curdoc(document):
            one = session.Session(Store(cards={"toy": CARD}))
        document.hold("collect")
        thread = threading.Thread(target=one.tell, args=(job, lambda: None))
        thread.start()
        thread.join()
        held = list(document.callbacks._held_events)
        document.unhold()
        await asyncio.sleep(0.05)
        return held, list(document.session_callbacks)

    with ThreadPoolExecutor(1) as pool:  # for the browser's tests leave their loop in this thread
        held, scheduled = pool.submit(asyncio.run, serve()).result(10)
    assert held == []
    assert len(scheduled) == 1
