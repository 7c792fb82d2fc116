"""The page Uncertainty without a browser: drawing, stopping, keeping, and what it then shows."""

import threading
import time

import holoviews as hv
import numpy as np
import pytest

from data.normalize import DEFAULT
from explorer import library, worker
from explorer.ensemble import Aperture
from explorer.sampling import Glimpse
from explorer.session import Session
from explorer.store import Store
from explorer.views.aperture import ApertureInput
from explorer.views.calibration import calibration_html
from explorer.views.uncertainty import Uncertainty
from tests.waiting import wait_until

CARD = {"title": "Toy", "domains": ["gas", "dark_matter"], "default_steps": 3, "grid_size": 32}
CARDS = {"toy": CARD, "gan": {**CARD, "title": "GAN", "family": "pix2pix", "default_steps": 1}}


class Step:
    def __init__(self, index, num_steps, estimate):
        self.index, self.num_steps, self.estimate = index, num_steps, estimate
        self.time = 1 - index / num_steps


class Toy:
    """Draws the input times 10 to the power of 0, 0.1, 0.2, ...; waits at a gate before a step."""

    normalization = DEFAULT

    def __init__(self):
        self.gate, self.calls, self.closed = threading.Event(), [], False
        self.gate.set()

    def trajectory(self, source_map, source, target, *, num_steps, num_samples, seed, guidance):
        self.calls.append((num_samples, seed))
        factors = 10.0 ** (0.1 * np.arange(num_samples))
        samples = (10.0 * source_map * factors[:, None, None]).astype(np.float32)
        try:
            for index in range(1, num_steps + 1):
                assert self.gate.wait(10)
                yield Step(index, num_steps, samples)
        finally:
            self.closed = True


@pytest.fixture
def toy(monkeypatch, run):
    toy = Toy()
    monkeypatch.setattr(library, "load_translator", lambda name: toy)
    monkeypatch.setattr(library, "load_scene", lambda *arguments: run.scene)
    monkeypatch.setattr(library, "ENSEMBLES", library.Shelf(4))
    monkeypatch.setattr("explorer.session.PREVIEW_SECONDS", 0.0)
    return toy


@pytest.fixture
def view(toy, run):
    hv.extension("bokeh", logo=False)
    session = Session(Store(cards=CARDS))
    session.scene = run.scene
    return Uncertainty(session)


def drawn(view):
    """Draw, and wait until the worker is through with all that follows from it."""
    done = threading.Event()
    view._sampling.draw()
    worker.MODEL.submit(lambda job: done.set())
    assert done.wait(10)
    assert view._sampling.ensemble is not None


def test_samples_become_mean_spread_and_error(view, run):
    empty = view.contents()
    assert [content.values is None for content in empty] == [True, True, False, True]
    steps = []
    view._sampling.param.watch(lambda event: steps.append(event.new), "progress")
    drawn(view)
    assert [step for step in steps if step[0]] == [(1, 3), (2, 3), (3, 3)]
    mean, spread, truth, error = (content.values for content in view.contents())
    np.testing.assert_allclose(np.log10(mean / run.scene.maps["dark_matter"]), 0.35, atol=0.01)
    np.testing.assert_allclose(spread, np.std(0.1 * np.arange(8), ddof=1), atol=0.01)
    np.testing.assert_array_equal(truth, run.scene.maps["dark_matter"])
    np.testing.assert_allclose(error, 0.35, atol=0.01)


def test_posterior_has_the_samples_in_the_aperture_and_the_truth(view, run):
    drawn(view)
    x = np.array(view._posterior.strip._dots.data["x"])
    truth = view._posterior.strip._truth.data["x"][0]
    np.testing.assert_allclose(x - truth, 0.1 * np.arange(8), atol=1e-5)
    assert "0.5 of 8" in view._posterior.numbers.object  # the first sample is the truth
    view._aperture.move(-15.0, -18.0)
    moved = view._posterior.strip._truth.data["x"][0]
    assert moved > truth + 0.5  # where the map is a hundred times brighter
    assert view._sheet._circles.data["x"][0] < 0.2
    assert "lies beyond the map" in view._posterior.numbers.object


def test_profile_and_sheet_show_all_samples(view, run):
    drawn(view)
    band, truth = view._profile._band.data, np.array(view._profile._truth.data["value"])
    for name, quantile in (("low", 0.16), ("middle", 0.5), ("high", 0.84)):
        expected = np.quantile(10.0 ** (0.1 * np.arange(8)), quantile)
        np.testing.assert_allclose(np.array(band[name]) / truth, expected, rtol=1e-5)
    sheet = view._sheet._maps.data
    assert sheet["number"] == [str(n) for n in range(1, 9)]
    np.testing.assert_allclose(sheet["image"][0], run.truth, rtol=1e-6)  # row 0 at the bottom


def test_the_sheet_fills_while_samples_are_drawn_and_keeps_its_place(view, run):
    view.fit(1100)
    sheet, seen = view._sheet, []
    size = (sheet.figure.frame_width, sheet.figure.frame_height)

    def look(event):
        images = sheet._maps.data["image"]
        seen.append((sheet.figure.title.text, len(images), len(sheet._circles.data["x"]),
                     (sheet.figure.frame_width, sheet.figure.frame_height)))  # fmt: skip
        np.testing.assert_allclose(images[2], run.truth * 10**0.2, rtol=1e-5)
        mean, spread = view.contents()[:2]
        assert mean.title.startswith(f"Mean of 8, step {event.new.step}/3")
        np.testing.assert_allclose(np.log10(mean.values / run.truth), 0.35, atol=0.01)
        assert spread.values is None

    view._sampling.param.watch(lambda event: event.new and look(event), "preview")
    drawn(view)
    assert [title for title, *_ in seen] == [
        f"Samples to be, as step {n} of 3 estimates them · t = {t}"
        for n, t in ((1, "0.67"), (2, "0.33"), (3, "0.00"))
    ]
    assert all(each[1:] == (8, 8, size) for each in seen)
    assert view._sampling.preview is None
    assert sheet.figure.title.text == "Samples, in the colors of their mean"
    assert (sheet.figure.frame_width, sheet.figure.frame_height) == size


def test_a_glimpse_of_large_maps_is_small_enough_to_be_sent():
    large = Glimpse(1, 2, 0.5, np.arange(2 * 256 * 256, dtype=np.float32).reshape(2, 256, 256))
    np.testing.assert_array_equal(large.small(64), large.estimates[:, ::4, ::4])
    assert large.small(300).shape == (2, 256, 256)


def test_more_samples_than_wanted_are_kept_and_fewer_drawn_anew(view, toy):
    drawn(view)
    view._sampling.count = 4
    assert len(view._sampling.ensemble.samples) == 4
    view._sampling.count = 16
    assert view._sampling.ensemble is None
    drawn(view)
    view._session.store.seed = 5
    assert view._sampling.ensemble is None
    view._session.store.seed = 0
    assert len(view._sampling.ensemble.samples) == 16
    assert toy.calls == [(8, 0), (16, 0)]


@pytest.mark.parametrize("stop", ["button", "another seed"])
def test_drawing_stops_between_steps(view, toy, stop):
    toy.gate.clear()
    view._sampling.draw()
    assert view._sampling.busy
    if stop == "button":
        view._sampling.cancel()
        assert "stopped" in view._bar._status.object
    else:
        view._session.store.seed = 3
    wait_until(lambda: toy.calls or not view._sampling.busy, "the worker", 10)
    toy.gate.set()
    time.sleep(0.05)
    assert not view._sampling.busy
    assert view._sampling.ensemble is None
    drawn(view)


def test_failure_is_a_sentence(view, monkeypatch):
    def refuse(name):
        raise ValueError("the weights of toy are damaged")

    monkeypatch.setattr(library, "load_translator", refuse)
    view._sampling.draw()
    wait_until(lambda: not view._sampling.busy, "the worker", 10)
    assert "The weights of toy are damaged." in view._bar._status.object


def test_translator_without_chance_gets_a_sentence(view):
    view._session.store.translator = "gan"
    wait_until(lambda: not view._session.loading, "the worker", 10)
    assert "GAN draws nothing at random" in view._bar._status.object
    assert view._bar._draw.disabled
    assert view._bar._counts.disabled
    view._sampling.draw()
    assert not view._sampling.busy


def test_no_evaluation_is_a_dash(monkeypatch):
    monkeypatch.setattr(library, "direction", lambda *arguments: None)
    html = calibration_html("toy", "Toy <1>", "gas", "stars")
    assert html.count("–") == 7
    assert "Toy &lt;1&gt; has no evaluation" in html


def test_aperture_stays_on_the_map():
    chosen = ApertureInput()
    chosen.place(Aperture(0.0, 0.0, 12.0), 40.0)
    assert chosen.aperture == Aperture(0.0, 0.0, 12.0)
    chosen._numbers["x_kpc"].value = 33.0
    assert chosen.aperture.x_kpc == chosen._numbers["x_kpc"].value == 20.0
    chosen._numbers["radius_kpc"].value = -4.0
    assert chosen.aperture.radius_kpc == chosen._numbers["radius_kpc"].value == 0.2
    chosen._slider.value = 7.5
    assert chosen.aperture == Aperture(20.0, 0.0, 7.5)
    assert chosen.circle.data == {"x": [20.0], "y": [0.0], "radius": [7.5]}
