"""One thread for many: who is served when, who is told what, and what is never begun."""

import threading
import time

import pytest

from explorer.worker import Cancelled, Worker

LONG = 10.0


@pytest.fixture
def held():
    """A worker whose first job waits for `gate`; what is queued meanwhile is taken in order."""
    worker, gate, begun = Worker("held"), threading.Event(), threading.Event()

    def wait(job):
        begun.set()
        assert gate.wait(LONG)

    worker.submit(wait, "first")
    assert begun.wait(LONG)
    yield worker, gate
    gate.set()


def finish(worker, gate):
    """Let the worker do all that waits."""
    gate.set()
    end = time.monotonic() + LONG
    while not worker.rest_s:
        assert time.monotonic() < end
        time.sleep(0.002)


def test_owners_are_served_in_turn(held):
    worker, gate = held
    done = []
    for owner, count in (("a", 3), ("b", 1), ("c", 2)):
        for number in range(count):
            worker.submit(lambda job, name=f"{owner}{number}": done.append(name), owner)
    finish(worker, gate)
    assert done == ["a0", "b0", "c0", "a1", "c1", "a2"]


def test_those_who_wait_are_told_how_many_come_before(held):
    worker, gate = held
    told = {"a": [], "b": [], "late": []}
    for owner in ("a", "b"):
        worker.submit(
            lambda job: None, owner, lambda job, ahead, owner=owner: told[owner].append(ahead)
        )
    assert told == {"a": [1], "b": [2], "late": []}
    worker.submit(lambda job: None, "a", lambda job, ahead: told["late"].append(ahead))
    assert told["late"] == [3]
    finish(worker, gate)
    assert told["a"] == [1, 0]
    assert told["b"] == [2, 1, 0]
    assert told["late"] == [3, 2, 1, 0]


def test_jobs_of_one_key_are_done_in_one_go_and_others_keep_their_turns(held):
    worker, gate = held
    done, places = [], []

    def work(job):
        done.append([each.request for each in worker.join(job, 3)])

    for owner, key, request in (
        ("a", "x", "a0"), ("a", "x", "a1"), ("b", "y", "b0"), ("c", "x", "c0"), ("d", None, "d0"),
        ("e", "x", "e0"), ("f", None, "f0"), ("g", "y", "g0"),
    ):  # fmt: skip
        tell = (lambda job, ahead: places.append(ahead)) if request == "b0" else lambda *told: None
        worker.submit(work, owner, tell, key, request)
    finish(worker, gate)
    # One of each first, and who was served goes to the end; without a key, a job stands alone.
    assert done == [["a0", "c0", "e0"], ["b0", "g0"], ["d0"], ["f0"], ["a1"]]
    assert places[0] == 2
    assert places[-1] == 0


def test_who_leaves_is_not_joined(held):
    worker, gate = held
    done, jobs = [], []

    def work(job):
        jobs[1].cancel()
        done.append([each.request for each in worker.join(job, 3)])

    jobs += [worker.submit(work, owner, key="x", request=owner) for owner in "abc"]
    finish(worker, gate)
    assert done == [["a", "c"]]
    assert all(job.done for job in jobs)


def test_places_move_up_when_somebody_leaves(held):
    worker, gate = held
    places = []
    leaving = worker.submit(lambda job: places.append("ran"), "a")
    worker.submit(lambda job: None, "b", lambda job, ahead: places.append(ahead))
    leaving.cancel()
    worker.submit(lambda job: None, "c")
    assert places == [2, 1]
    assert leaving.done
    finish(worker, gate)
    assert "ran" not in places


def test_nobody_fills_the_queue_alone():
    worker, gate = Worker("small", capacity=4, share=2), threading.Event()
    begun = threading.Event()

    def wait(job):
        begun.set()
        assert gate.wait(LONG)

    assert worker.submit(wait, "a")
    assert begun.wait(LONG)
    jobs = [worker.submit(lambda job: None, "a") for _ in range(3)]
    assert [job is None for job in jobs] == [False, False, True]
    others = [worker.submit(lambda job: None, owner) for owner in "bcd"]
    assert [job is None for job in others] == [False, False, True]
    # What is not wanted any more makes room.
    jobs[0].cancel()
    assert worker.submit(lambda job: None, "d") is not None
    gate.set()


def test_a_failure_ends_neither_the_thread_nor_the_others(held, caplog):
    worker, gate = held
    order = []

    def fail(job):
        raise RuntimeError("no")

    def stop(job):
        job.cancel()
        job.check()

    failed = worker.submit(fail, "a")
    stopped = worker.submit(stop, "b")
    worker.submit(lambda job: order.append("ran"), "c", lambda job, ahead: 1 / 0)
    finish(worker, gate)
    assert order == ["ran"]
    assert failed.done
    assert stopped.done
    with pytest.raises(Cancelled):
        stopped.check()
    assert "a job of worker held failed" in caplog.text


def test_it_rests_since_all_was_done(held):
    worker, gate = held
    assert worker.rest_s == 0.0
    ended = threading.Event()
    worker.submit(lambda job: ended.set(), "a")
    assert worker.rest_s == 0.0
    finish(worker, gate)
    assert ended.is_set()
    first = worker.rest_s
    time.sleep(0.02)
    assert first + 0.02 <= worker.rest_s < LONG
