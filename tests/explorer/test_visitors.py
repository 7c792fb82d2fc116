"""A server and visitors without a browser: each gets its own, and leaves nothing behind."""

import asyncio
import gc
import logging
import socket
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import panel as pn
import pytest
from bokeh.document import Document

from engine.translator import Translator
from explorer import library, page, session
from explorer.views.maps import MapPanel
from tests.holding import holders
from tests.visitor import ROOT, Visitor
from tests.waiting import wait_until

TRANSLATOR = "ddpm"


@pytest.fixture(scope="module")
def address():
    """A server in this process, whose objects can be looked at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve(
        {"app": str(ROOT / "explorer" / "app.py")}, port=port, threaded=True, show=False,
        verbose=False, unused_session_lifetime_milliseconds=100,
        check_unused_sessions_milliseconds=100,
    )  # fmt: skip
    wait_until(lambda: listens(port), "the server", 60)
    yield f"127.0.0.1:{port}"
    server.stop()


def listens(port):
    with socket.socket() as own:
        return own.connect_ex(("127.0.0.1", port)) == 0


def run(coroutine):
    """Run it in a thread of its own, for the browser's tests leave their loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_each_of_several_gets_what_its_seed_gives_alone(address):
    seeds = {1: (101, 102), 2: (201,), 3: (301,)}

    async def work(visitor, own):
        found = {}
        for seed in own:
            await visitor.choose(seed)
            found[seed] = await visitor.translate()
        await visitor.close()
        return found

    async def all_at_once():
        visitors = [await Visitor.open(address) for _ in seeds]
        return await asyncio.gather(*map(work, visitors, seeds.values()))

    found = {seed: image for one in run(all_at_once()) for seed, image in one.items()}
    assert sorted(found) == sorted(seed for own in seeds.values() for seed in own)
    translator = Translator.load(TRANSLATOR)
    scene = library.load_scene(next(iter(library.GALAXIES.shared)), 1, translator.grid_size)
    for seed, image in found.items():
        [own] = translator.translate(scene.maps["gas"], "gas", "dark_matter", seed=seed)
        np.testing.assert_allclose(image, np.log10(own), atol=1e-4)


def test_a_page_that_is_left_leaves_nothing_behind(address, monkeypatch, caplog):
    # Panel logs the events that it hears, and pytest keeps what is logged: an event holds its page.
    caplog.set_level(logging.INFO, "panel")
    made = []
    kinds = (
        session.Session, page.Store, page.Views, page.Controls, MapPanel, page.Viewport, Document,
    )  # fmt: skip
    for kind in kinds:
        begin = kind.__init__

        def note(self, *arguments, begin=begin, **options):
            begin(self, *arguments, **options)
            made.append(weakref.ref(self))

        monkeypatch.setattr(kind, "__init__", note)

    async def visit():
        visitor = await Visitor.open(address)
        await visitor.choose(7)
        await visitor.translate()
        await visitor.close()

    run(visit())
    assert {type(each()) for each in made} == set(kinds)

    def kept():
        gc.unfreeze()  # what a sweeper has frozen would stay until it is at work again
        gc.collect()
        return [one for each in made if (one := each()) is not None]

    with suppress(pytest.fail.Exception):  # whose words would not say what stays, and why
        wait_until(lambda: not kept(), "the session's objects to go", 20)
    left = kept()
    names = ", ".join(sorted({type(one).__name__ for one in left}))
    assert not left, f"{names} stayed, the first is held by\n{holders(left[0])}"
