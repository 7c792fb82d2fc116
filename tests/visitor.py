"""Visitors of the explorer without a browser: what a page sends and hears, over a websocket."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
from bokeh.core.serialization import Deserializer
from bokeh.protocol import Protocol
from bokeh.protocol.messages.patch_doc import patch_doc
from bokeh.protocol.receiver import Receiver
from bokeh.util.token import generate_jwt_token, generate_session_id
from tornado.websocket import websocket_connect

ROOT = Path(__file__).parents[1]
SHOWN = "Output · "  # how the title above a finished output begins


@contextlib.contextmanager
def serve(log: Path, **environment: str):
    """Run `panel serve` with the service's routes; yield its address, host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "panel", "serve", "explorer/app.py",
               "--plugins", "explorer.service", "--port", address.split(":")[1]]  # fmt: skip
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        try:
            _wait(f"http://{address}/health", process)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(url, timeout=60).read()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the server did not start") from error
            time.sleep(0.2)


class Visitor:
    """One open page: `open` it, `choose` a seed, `translate`, `close` it."""

    def __init__(self, connection):
        self._connection, self._receiver = connection, Receiver(Protocol())
        self._changed = asyncio.Event()
        self._reading = None
        self.title, self.image = "", None

    @classmethod
    async def open(cls, address: str) -> "Visitor":
        """Open the page of a server and wait for its first output."""
        token = generate_jwt_token(generate_session_id())
        connection = await websocket_connect(
            f"ws://{address}/app/ws", subprotocols=["bokeh", token], max_message_size=2**28
        )
        one = cls(connection)
        await one._next()  # the server's word that it is there
        await one._send(Protocol().create("PULL-DOC-REQ"))
        one._learn((await one._next()).content["doc"])
        one._reading = asyncio.create_task(one._read())
        await one._event("document_ready")
        await one.until(lambda: one.title.startswith(SHOWN))
        return one

    async def choose(self, seed: int) -> None:
        """Choose a seed, and wait until the output of the last one is gone."""
        model = {"id": self._seed}
        await self._patch({"kind": "ModelChanged", "model": model, "attr": "value", "new": seed})
        await self.until(lambda: not self.title.startswith(SHOWN))

    async def translate(self) -> np.ndarray:
        """Click on Translate; return the output (H, W), log10 in the target's unit."""
        nothing = {"type": "map", "entries": []}
        await self._event("dom_event", model={"id": self._button}, node="click", data=nothing)
        await self.until(lambda: self.title.startswith(SHOWN))
        return self.image

    async def until(self, condition, seconds: float = 120.0) -> None:
        """Wait for what the server says."""
        async with asyncio.timeout(seconds):
            while not condition():
                if self._reading.done():
                    self._reading.result()  # raises what went wrong, if anything did
                    raise ConnectionError("the server has ended the connection")
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        """Leave the page."""
        self._reading.cancel()
        self._connection.close()

    def _learn(self, document: dict) -> None:
        """Find what is needed of all models."""
        models = {each["id"]: each for each in _objects(document)}

        def follow(reference: dict) -> dict:
            return models[reference["id"]]

        def labelled(label: str) -> str:
            return next(i for i, m in models.items() if m["attributes"].get("label") == label)

        self._seed, button = labelled("Seed"), labelled("Translate")
        # A component's parameters are a model of their own, and its events are the component's.
        self._button = next(
            i for i, m in models.items()
            if isinstance(data := m["attributes"].get("data"), dict) and data.get("id") == button
        )  # fmt: skip
        for model in models.values():
            title = model["attributes"].get("title")
            title = follow(title) if isinstance(title, dict) and "id" in title else {}
            if str(title.get("attributes", {}).get("text")).startswith("Output"):
                self._title, self.title = title["id"], title["attributes"]["text"]
                renderer = follow(model["attributes"]["renderers"][0])
                self._source = renderer["attributes"]["data_source"]["id"]

    async def _read(self) -> None:
        try:
            while (message := await self._next()) is not None:
                for event in message.content.get("events", []):
                    self._hear(event, message.buffers)
                self._changed.set()
        finally:
            self._changed.set()

    def _hear(self, event: dict, buffers: list) -> None:
        model = (event.get("model") or {}).get("id")
        if model == self._title and event.get("attr") == "text":
            self.title = event["new"]
        elif model == self._source and "data" in event:
            images = Deserializer().decode(event["data"], buffers)["image"]
            self.image = images[0] if images else None

    async def _next(self):
        """Return the next message, None at the end."""
        while (part := await self._connection.read_message()) is not None:
            message = await self._receiver.consume(part)
            if message is not None:
                return message
        return None

    async def _send(self, message) -> None:
        for part in (message.header_json, message.metadata_json, message.content_json):
            await self._connection.write_message(part)

    async def _patch(self, *events: dict) -> None:
        await self._send(patch_doc(patch_doc.create_header(), {}, {"events": list(events)}))

    async def _event(self, name: str, **values) -> None:
        told = {"type": "map", "entries": [list(pair) for pair in values.items()]}
        event = {"type": "event", "name": name, "values": told}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event})


def _objects(value):
    """Yield all models in a document's JSON."""
    if isinstance(value, dict):
        if value.get("type") == "object" and "attributes" in value:
            yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)
