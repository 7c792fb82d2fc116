"""A session's work: it runs, it can be cancelled, and it fails in a sentence."""

import threading
import time

import numpy as np
import pytest

from data.normalize import DEFAULT
from explorer import library, session, worker
from explorer.store import Store
from explorer.translation import residual_map
from tests.waiting import wait_until

CARD = {"domains": ["gas", "dark_matter"], "default_steps": 4, "grid_size": 32}


class Toy:
    """Walks from twice the input to the input; waits at a gate before each step."""

    default_sampler = "ddim"
    normalization = DEFAULT

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    def trajectory(self, source_map, source, target, *, num_steps, seed, guidance):
        try:
            for i in range(1, num_steps + 1):
                assert self.gate.wait(10)
                x = np.full((1, *source_map.shape), seed, np.float32)
                factor = 1.0 + (num_steps - i) / num_steps
                yield Frame(i, num_steps, 1 - i / num_steps, x, (source_map * factor)[None])
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
    wait_until(lambda: toy.closed or worker.MODEL.is_idle, "the worker", 10)
    time.sleep(0.05)
    assert one.run is None
    one.translate()
    wait_until(lambda: one.run is not None, "the worker", 10)


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
