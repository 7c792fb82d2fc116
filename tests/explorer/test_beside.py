"""Translators beside the chosen one: their runs, and the grid of maps that shows them."""

import threading
import time

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import Range1d

from data.normalize import DEFAULT
from explorer import library, session
from explorer.beside import Beside
from explorer.controls import Controls
from explorer.store import Store
from explorer.views.crosshair import Crosshair
from explorer.views.grid import MapGrid, _place
from tests.waiting import wait_until

hv.extension("bokeh")

KNOWN = ["gas", "dark_matter"]
CARDS = {
    "one": {"title": "One", "domains": KNOWN, "default_steps": 2, "grid_size": 32},
    "two": {"title": "Two", "domains": KNOWN, "default_steps": 3, "grid_size": 32},
    "three": {"title": "Three", "domains": KNOWN, "default_steps": 1, "grid_size": 32},
    "stars": {"title": "Stars", "domains": ["gas", "stars"], "grid_size": 32},
    "large": {"title": "Large", "domains": KNOWN, "grid_size": 64},
    "broken": {"title": "Broken", "domains": KNOWN, "default_steps": 1, "grid_size": 32},
}
FACTORS = {"one": 1.0, "two": 2.0, "three": 4.0}


class Frame:
    def __init__(self, index, num_steps, estimate):
        self.index, self.num_steps, self.estimate = index, num_steps, estimate
        self.x, self.time, self.sigma = estimate, 1 - index / num_steps, 0.0


class Toy:
    """Multiplies its input by a factor; waits at a gate before each step."""

    default_sampler = "ddim"
    normalization = DEFAULT

    def __init__(self, name, gate, log):
        self.name, self.gate, self.log = name, gate, log

    def room(self, shape):
        return 1

    def together(self, requests, *, num_steps, guidance):
        self.log.append(self.name)
        [request] = requests
        for i in range(1, num_steps + 1):
            assert self.gate.wait(10)
            yield [Frame(i, num_steps, (FACTORS[self.name] * request.source_map)[None])]


@pytest.fixture
def gate():
    gate = threading.Event()
    gate.set()
    return gate


@pytest.fixture
def log():
    return []


@pytest.fixture
def one(monkeypatch, run, gate, log):
    """A session whose own translation is done."""

    def load(name):
        if name == "broken":
            raise ValueError("the weights of broken are damaged")
        return Toy(name, gate, log)

    monkeypatch.setattr(library, "load_translator", load)
    monkeypatch.setattr(library, "load_scene", lambda *arguments: run.scene)
    monkeypatch.setattr(library, "RUNS", library.Shelf(9))
    monkeypatch.setattr(session, "PREVIEW_SECONDS", 0.0)
    one = session.Session(Store(cards=CARDS))
    one.start()
    wait_until(lambda: one.run is not None, "the worker", 10)
    return one


def test_others_run_in_turn_on_the_same_view_each_in_its_own_steps(one, log):
    beside = Beside(one)
    one.store.beside = "two,three"
    wait_until(lambda: not beside.busy, "the worker", 10)
    assert log == ["one", "two", "three"]
    gas = one.scene.maps["gas"]
    for lane, steps in zip(beside.lanes, (3, 1), strict=True):
        np.testing.assert_allclose(lane.run.output, FACTORS[lane.name] * gas)
        assert lane.run.num_steps == steps
        assert library.RUNS.get(one.store.view_of(lane.name)) is lane.run
    one.store.beside = "three"
    assert [lane.name for lane in beside.lanes] == ["three"]
    wait_until(lambda: not beside.busy, "the worker", 10)
    assert log == ["one", "two", "three"]  # it was kept


def test_the_pages_export_shows_those_that_are_there_where_its_format_does(one):
    controls = Controls(one)
    one.store.beside = "two,broken"
    wait_until(lambda: not one.beside.busy, "the worker", 10)
    assert controls._download.filename.endswith("-one-seed0-steps2-beside-two.pdf")
    assert b"-m explorer export" in controls._export().getvalue()
    assert b"--beside two " in controls._export().getvalue()
    controls._format.value = "csv"
    assert controls._download.filename.endswith("-one-seed0-steps2.csv")
    assert b"--beside" not in controls._export().getvalue()


def test_what_cannot_run_says_why_and_the_others_go_on(one, log):
    beside = Beside(one)
    one.store.beside = "stars,broken,large,three"
    wait_until(lambda: not beside.busy, "the worker", 10)
    stars, broken, large, three = beside.lanes
    assert stars.problem.startswith("stars does not know the domain dark matter")
    assert broken.problem == "The weights of broken are damaged."
    assert "64 pixels" in large.problem
    assert three.run is not None
    assert log == ["one", "three"]


def test_stop_and_resume(one, gate):
    beside = Beside(one)
    gate.clear()
    one.store.beside = "two"
    assert beside.busy
    beside.cancel()
    assert (beside.busy, beside.stopped) == (False, True)
    gate.set()
    time.sleep(0.05)
    assert beside.lanes[0].run is None
    beside.resume()
    wait_until(lambda: beside.lanes[0].run is not None, "the worker", 10)
    assert not beside.stopped


def test_another_view_waits_for_its_own_translation(one, log):
    beside = Beside(one)
    one.store.beside = "two"
    wait_until(lambda: not beside.busy, "the worker", 10)
    one.store.seed = 3
    assert beside.lanes[0].run is None
    assert not beside.busy
    one.translate()
    wait_until(lambda: beside.lanes[0].run is not None, "the worker", 10)
    assert beside.lanes[0].run.view.seed == 3


@pytest.fixture
def grid(one):
    ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
    return MapGrid(one, Beside(one), ranges, Crosshair())


def test_grid_has_output_and_residual_of_each(one, grid):
    assert [c.title.split()[0] for c in grid.contents()] == ["Input", "Output", "Truth", "Residual"]
    one.store.beside = "two,stars"
    wait_until(lambda: not grid._beside.busy, "the worker", 10)
    contents = grid.contents()
    titles = [content.title.split("\n")[0] for content in contents]
    assert titles == ["Input · gas", "One", "Truth · dark matter", "Residual", "Two", "Residual",
                      "Stars", "Residual"]  # fmt: skip
    # The input is a tenth of the truth, so that they are 1 and 0.7 dex too low.
    assert contents[1].title.endswith(" s")
    for i, wanted in ((1, 1.0), (4, 0.7)):
        assert float(contents[i].title.split("\n")[1].split()[0]) == pytest.approx(wanted, abs=0.05)
    np.testing.assert_allclose(contents[5].values, np.log10(0.2), atol=0.05)
    assert contents[6].values is None
    assert "does not know" in contents[6].nothing
    assert len(grid._panels) == 8
    one.store.beside = ""
    assert len(grid._panels) == 4


def test_limits_are_the_truths_or_each_maps_own(one, grid):
    one.store.beside = "three"
    wait_until(lambda: not grid._beside.busy, "the worker", 10)
    outputs = (1, 2, 4)
    assert len({grid.contents()[i].limits for i in outputs}) == 1
    one.store.limits = "own"
    own = [grid.contents()[i].limits for i in outputs]
    assert own[2][1] == pytest.approx(4 * own[0][1])
    one.store.scale = "linear"
    contents = grid.contents()
    assert [contents[i].limits for i in outputs] == [(0.0, high) for _, high in own]
    assert not contents[0].logarithmic
    np.testing.assert_array_equal(contents[0].on_scale(contents[0].values), contents[0].values)


def test_places_of_one_row_and_of_columns():
    assert [_place(i, 2, False) for i in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    # Input over truth, then each output over its residual; a second band below the first.
    assert [_place(i, 2, True) for i in range(6)] == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0),
    ]  # fmt: skip
