"""What a server answers to those who run it."""

import json
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.testing import AsyncHTTPTestCase
from tornado.web import Application

from explorer import library, service
from explorer.session import Session
from explorer.store import Store
from explorer.worker import Worker

LONG = 10.0


class TestService(AsyncHTTPTestCase):
    def get_app(self):
        return Application(service.ROUTES)

    @pytest.fixture(autouse=True)
    def _patch(self, monkeypatch):
        self.monkeypatch = monkeypatch

    def numbers(self):
        response = self.fetch("/metrics")
        assert response.code == 200
        families = text_string_to_metric_families(response.body.decode())
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    def test_it_is_healthy(self):
        assert json.loads(self.fetch("/health").body) == {"healthy": True}

    def test_it_is_ready_unless_there_is_nothing_to_serve(self):
        response = self.fetch("/ready")
        assert (response.code, json.loads(response.body)["reason"]) == (200, "")
        self.monkeypatch.setattr(library, "cards", dict)
        response = self.fetch("/ready")
        assert response.code == 503
        assert json.loads(response.body) == {"ready": False, "reason": "No checkpoint was found."}

    def test_it_is_not_ready_while_too_much_waits_and_tells_how_much(self):
        small, gate, begun = Worker("small", capacity=1), threading.Event(), threading.Event()

        def wait(job):
            begun.set()
            assert gate.wait(LONG)

        self.monkeypatch.setattr(service, "MODEL", small)
        self.monkeypatch.setattr(service, "WORKERS", (small,))
        try:
            small.submit(wait, "a")
            assert begun.wait(LONG)
            small.submit(lambda job: None, "b")
            response = self.fetch("/ready")
            assert response.code == 503
            assert "1 translations wait already" in json.loads(response.body)["reason"]
            assert self.numbers()["galactic_alchemy_queue_length", "small"] == 1
        finally:
            gate.set()

    def test_it_counts_sessions_and_jobs(self):
        before = self.numbers()
        session = Session(Store(cards={}))
        assert self.numbers()["galactic_alchemy_sessions",] == (
            before["galactic_alchemy_sessions",] + 1
        )
        session.close()
        done = threading.Event()
        worker = Worker("counted")
        worker.submit(lambda job: done.set())
        assert done.wait(LONG)
        after = self.numbers()
        assert after["galactic_alchemy_sessions",] == before["galactic_alchemy_sessions",]
        assert after["galactic_alchemy_wait_seconds_count", "counted"] == 1
        assert after["process_resident_memory_bytes",] > 1e6
