"""What those who run a server ask it: `panel serve explorer/app.py --plugins explorer.service`.

/health  200 while the event loop answers.
/ready   200 while a new person would be served, 503 with the reason otherwise.
/metrics queue, latency, sessions and memory of this process, for Prometheus; how late its event
         loop comes to what is due, from the first time on that this is asked for.
"""

from __future__ import annotations

import asyncio
import json

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from tornado.web import RequestHandler

from explorer import library, session
from explorer.worker import MODEL, WORKERS

PULSE_SECONDS = 0.02
LATE = Histogram(
    "galactic_alchemy_loop_late_seconds", "By how much the event loop came late.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)  # fmt: skip


class Pulse:
    """Asks the event loop every 20 ms to come back, and notes how late it does.

    Attributes
    ----------
    worst : the longest in seconds since `start` was called last.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> float:
        """Begin, unless it has begun; return the worst since the last time."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._beat())
        worst, self.worst = self.worst, 0.0
        return worst

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PULSE_SECONDS
            await asyncio.sleep(PULSE_SECONDS)
            late = max(loop.time() - due, 0.0)
            self.worst = max(self.worst, late)
            LATE.observe(late)


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
        """Return queues, kept bytes, sessions, and how late the event loop has come."""
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
        late = GaugeMetricFamily(
            "galactic_alchemy_loop_worst_seconds",
            "The most by which the event loop came late since this was asked for.",
            value=_PULSE.start(),
        )
        return [queues, kept, sessions, late]


_PULSE = Pulse()
_PRESENT = CollectorRegistry()
_PRESENT.register(_Present())
ROUTES = [(r"/health", Health), (r"/ready", Ready), (r"/metrics", Metrics)]
