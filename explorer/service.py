"""What those who run a server ask it: `panel serve explorer/app.py --plugins explorer.service`.

/health  200 while the event loop answers.
/ready   200 while a new person would be served, 503 with the reason otherwise.
/metrics queue, latency, sessions and memory of this process, for Prometheus.
"""

from __future__ import annotations

import json

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from tornado.web import RequestHandler

from explorer import library, session
from explorer.worker import MODEL, WORKERS


def obstacle() -> str:
    """Return in one sentence why a new person would not be served; empty where they would be."""
    if not library.cards():
        return "No checkpoint was found."
    if MODEL.is_full:
        return f"{len(MODEL)} translations wait already."
    return ""


class Health(RequestHandler):
    """Answers while the event loop does."""

    def get(self) -> None:
        """Answer."""
        self.write({"healthy": True})


class Ready(RequestHandler):
    """Says whether new people should be sent here."""

    def get(self) -> None:
        """Answer 200, or 503 with the reason."""
        reason = obstacle()
        self.set_status(503 if reason else 200)
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"ready": not reason, "reason": reason}))


class Metrics(RequestHandler):
    """The numbers of this process in the text format of Prometheus."""

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest(REGISTRY) + generate_latest(_PRESENT))


class _Present(Collector):
    """What is so at the moment at which it is asked for."""

    def collect(self) -> list[GaugeMetricFamily]:
        """Return the length of each queue, the bytes that are kept, and the number of sessions."""
        queues = GaugeMetricFamily(
            "galactic_alchemy_queue_length", "Jobs that wait.", labels=["worker"]
        )
        for worker in WORKERS:
            queues.add_metric([worker.name], len(worker))
        kept = GaugeMetricFamily(
            "galactic_alchemy_kept_bytes", "Memory of finished translations.", labels=["shelf"]
        )
        kept.add_metric(["runs"], library.RUNS.nbytes)
        kept.add_metric(["ensembles"], library.ENSEMBLES.nbytes)
        sessions = GaugeMetricFamily(
            "galactic_alchemy_sessions", "Open pages.", value=len(session.OPEN)
        )
        return [queues, kept, sessions]


_PRESENT = CollectorRegistry()
_PRESENT.register(_Present())
ROUTES = [(r"/health", Health), (r"/ready", Ready), (r"/metrics", Metrics)]
