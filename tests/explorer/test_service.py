"""What a server answers to those who run it."""

import asyncio
import json
import queue
import threading
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from explorer import library, service
from explorer.session import Session
from explorer.store import Store
from explorer.worker import Worker
from tests.waiting import wait_until

LONG = 10.0


@pytest.fixture(scope="module")
def served():
    """Address and loop of a server in a thread, for the browser's tests leave their loop here."""
    told, loops = queue.Queue(), []

    def serve():
        async def main():
            server = HTTPServer(Application(service.ROUTES))
            sockets = bind_sockets(0, "127.0.0.1")
            server.add_sockets(sockets)
            end = asyncio.Event()
            loops.append((asyncio.get_running_loop(), end))
            told.put(sockets[0].getsockname()[1])
            await end.wait()
            server.stop()

        asyncio.run(main())

    thread = threading.Thread(target=serve)
    thread.start()
    port = told.get(timeout=LONG)
    loop, end = loops[0]
    yield f"http://127.0.0.1:{port}", loop
    loop.call_soon_threadsafe(end.set)
    thread.join(LONG)


@pytest.fixture
def fetch(served):
    address, _ = served

    def ask(path):
        try:
            with urllib.request.urlopen(address + path, timeout=LONG) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return ask


def numbers(fetch):
    status, text = fetch("/metrics")
    assert status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_is_healthy(fetch):
    assert json.loads(fetch("/health")[1]) == {"healthy": True}


def test_it_is_ready_unless_there_is_nothing_to_serve(fetch, monkeypatch):
    monkeypatch.setattr(library, "cards", lambda: {"toy": {}})
    status, text = fetch("/ready")
    assert (status, json.loads(text)["reason"]) == (200, "")
    monkeypatch.setattr(library, "cards", dict)
    status, text = fetch("/ready")
    assert status == 503
    assert json.loads(text) == {"ready": False, "reason": "No checkpoint was found."}


def test_it_is_not_ready_while_too_much_waits_and_tells_how_much(fetch, monkeypatch):
    small, gate, begun = Worker("small", capacity=1), threading.Event(), threading.Event()

    def wait(job):
        begun.set()
        assert gate.wait(LONG)

    monkeypatch.setattr(library, "cards", lambda: {"toy": {}})
    monkeypatch.setattr(service, "MODEL", small)
    monkeypatch.setattr(service, "WORKERS", (small,))
    try:
        small.submit(wait, "a")
        assert begun.wait(LONG)
        small.submit(lambda job: None, "b")
        status, text = fetch("/ready")
        assert status == 503
        assert "1 translations wait already" in json.loads(text)["reason"]
        assert numbers(fetch)["galactic_alchemy_queue_length", "small"] == 1
    finally:
        gate.set()


def test_it_counts_sessions_and_jobs(fetch):
    before = numbers(fetch)["galactic_alchemy_sessions",]
    session = Session(Store(cards={}))
    assert numbers(fetch)["galactic_alchemy_sessions",] == before + 1
    session.close()
    done = threading.Event()
    worker = Worker("counted")
    worker.submit(lambda job: done.set())
    assert done.wait(LONG)
    after = numbers(fetch)
    assert after["galactic_alchemy_sessions",] == before
    assert after["galactic_alchemy_wait_seconds_count", "counted"] == 1
    assert after["process_resident_memory_bytes",] > 1e6


def test_it_tells_how_late_its_loop_comes(served, fetch):
    numbers(fetch)  # from now on
    _, loop = served
    loop.call_soon_threadsafe(time.sleep, 0.3)
    worst = []
    wait_until(lambda: worst.append(late(fetch)) or max(worst) > 0.2, "the loop", 10)
    assert numbers(fetch)["galactic_alchemy_loop_late_seconds_count",] > 0
    wait_until(lambda: late(fetch) < 0.2, "a loop that is on time again", 10)


def late(fetch):
    return numbers(fetch)["galactic_alchemy_loop_worst_seconds",]
