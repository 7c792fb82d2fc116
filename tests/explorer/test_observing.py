"""Observations of the page Observe: noise, beam, and what a translator makes of them."""

import sys
from dataclasses import replace
from functools import partial

import holoviews as hv
import numpy as np
import pytest

from data.cosmology import angular_distance_mpc
from data.imaging import Beam
from data.maps import field_of_view, prepare, render
from data.observation import Instrument, RadioObservation
from data.synthetic import synthesize
from engine.shelf import available
from explorer import library, observatory, observing, worker
from explorer.library import Scene
from explorer.observatory import Observatory
from explorer.observing import DISTANCES, HOURS, SERIES, Point, Seen, Setting, Sight
from explorer.session import Session
from explorer.store import Store
from explorer.views.observe import ObservePage
from explorer.views.observed import _beam_of
from explorer.views.radio import numbers_html

SIZE, EXTENT = 32, 80.0
CARDS = {"toy": {"title": "Toy", "default_steps": 3}}
TARGET = "dark_matter"


def disk(peak=1e7, size=SIZE):
    axis = np.linspace(-3, 3, size)
    return (peak * np.exp(-(axis[:, None] ** 2) - axis**2)).astype(np.float32)


def scene(extent=EXTENT, **maps):
    maps = {"hi": disk(), TARGET: disk(1e8), "stars": disk(1e9)} | maps
    there = {name: values for name, values in maps.items() if values is not None}
    missing = {name: f"The galaxy has no {name}" for name in maps if name not in there}
    return Scene("toy", "spiral", 0.0, 1, extent, there, missing, key="toy")


def quick(distance_mpc, hours, map_size, extent_kpc, resolution_arcsec=30.0):
    """A coarse beam and short tracks, of which there are as many as it takes."""
    asked = RadioObservation(
        distance_mpc=distance_mpc, hours=hours, resolution_arcsec=resolution_arcsec, track_hours=1.0
    )
    return Instrument(asked, map_size, extent_kpc)


@pytest.fixture
def quickly(monkeypatch):
    pytest.importorskip("ducc0", reason="ducc0 is not installed")
    monkeypatch.setattr(observing, "instrument", quick)


def test_an_empty_field_has_the_noise_that_is_said(quickly):
    field = scene(450.0, hi=np.zeros((64, 64), np.float32))
    seen = observing.observe(field, Setting(150.0, 10.0))
    assert seen.surface_density.std() == pytest.approx(seen.noise_surface_density, rel=0.15)
    assert abs(seen.surface_density.mean()) < 0.3 * seen.noise_surface_density
    # 1.248e20 atoms per cm^2 are a solar mass a pc^2.
    assert seen.noise_column == pytest.approx(12.48e-6 * seen.noise_surface_density, rel=1e-6)
    longer = observing.observe(field, Setting(150.0, 40.0))
    assert longer.noise_column == pytest.approx(0.5 * seen.noise_column, rel=1e-6)
    again = observing.observe(field, Setting(150.0, 10.0, seed=1))
    assert np.corrcoef(seen.surface_density.ravel(), again.surface_density.ravel())[0, 1] < 0.3
    assert again.fits(Setting(150.0, 10.0, seed=1), 450.0)
    assert not again.fits(Setting(150.0, 10.0), 450.0)


def test_the_beam_is_as_many_kpc_as_the_distance_makes_it(quickly):
    seen = observing.observe(scene(), Setting(150.0, 1.0))
    kpc = 1e3 * angular_distance_mpc(seen.observation.z) * np.radians(30.0 / 3600.0)
    assert np.sqrt(np.prod(seen.beam_kpc)) == pytest.approx(kpc, rel=0.02)


@pytest.mark.parametrize("extent", [20.0, 100.0, 250.0, 600.0])
def test_a_galaxy_is_put_where_the_dishes_see_it_evenly(quickly, extent):
    near = Setting(30.0, 1.0)
    assert near.placed(extent) >= 30.0
    quick(near.placed(extent), 1.0, SIZE, extent)  # ValueError where it were too large
    if near.placed(extent) > 30.0:
        with pytest.raises(ValueError, match="must be farther away"):
            quick(0.8 * near.placed(extent), 1.0, SIZE, extent)


def test_contours_enclose_what_is_three_times_the_noise():
    values = disk()
    asked = RadioObservation(distance_mpc=60.0)
    seen = Seen(values, Beam(10.0, 10.0, 0.0), 0.3, 1e6, asked)
    (line,) = seen.contours(EXTENT)
    # disk(r) = 3e6 at r = sqrt(ln(1e7 / 3e6)), in sixths of the distance of the outer pixels.
    radius = np.sqrt(np.log(10.0 / 3.0)) / 3.0 * 0.5 * EXTENT * (SIZE - 1) / SIZE
    np.testing.assert_allclose(np.hypot(*line.T), radius, rtol=0.02)


def test_the_beam_lies_in_the_corner_and_turns_from_north_to_east():
    seen = Seen(disk(), Beam(20.0, 10.0, 90.0), 0.5, 1e6, RadioObservation(distance_mpc=60.0))
    page = ObservePage(bare(scene()), Sight(scene(), TARGET, seen, np.stack([disk()] * 2)))
    drawn = _beam_of(seen, page._ranges)
    assert (drawn["major"], drawn["minor"]) == ([10.0], [5.0])
    assert drawn["angle"] == [np.pi / 2]  # Bokeh turns from up to the left, where east is.
    assert 0.5 * EXTENT - drawn["x"][0] == pytest.approx(drawn["y"][0] + 0.5 * EXTENT)
    assert 5.0 < 0.5 * EXTENT - drawn["x"][0] < 10.0


@pytest.mark.skipif("observed" not in available(observed=True), reason="it is not shipped")
def test_the_shipped_translator_is_less_sure_of_what_is_noisier(quickly, monkeypatch):
    """With the beam that it was trained for; of coarser ones it knows nothing."""
    monkeypatch.setattr(observing, "instrument", partial(quick, resolution_arcsec=10.0))
    galaxy = prepare(synthesize(5, kind="spiral"))
    extent = field_of_view(galaxy)
    on_view = scene(extent, **render(galaxy, ["hi", TARGET], grid_size=64, extent_kpc=extent))
    points = []
    for hours in (1.0, 100.0):
        seen = observing.observe(on_view, Setting(150.0, hours))
        samples = observing.translate(seen, TARGET, num_samples=6, num_steps=4)
        points.append(Point.of(Sight(on_view, TARGET, seen, samples)))
    short, long = points
    assert short.noise_column == pytest.approx(10.0 * long.noise_column, rel=1e-6)
    assert short.spread_dex > 1.2 * long.spread_dex


class Queue:
    """Keeps jobs until they are asked for."""

    def __init__(self):
        self.jobs = []

    def submit(self, work, owner=None, on_place=None):
        self.jobs.append(worker.Job(work))
        return self.jobs[-1]

    def work(self):
        while self.jobs:
            self.jobs.pop(0).run()


def bare(on_view):
    hv.extension("bokeh", logo=False)
    session = Session(Store(cards=CARDS))
    session.scene = on_view
    return session


@pytest.fixture
def queue(monkeypatch):
    """Jobs that wait, and an instrument of which only the noise is known."""
    monkeypatch.setattr(Session, "_load", lambda self: None)
    made = Queue()
    made.observed, made.translated = [], []

    def observe(on_view, setting, check):
        if "hi" not in on_view.maps:
            raise ValueError(on_view.missing["hi"])
        made.observed.append(setting)
        asked = RadioObservation(
            distance_mpc=setting.placed(on_view.extent_kpc), hours=setting.hours, seed=setting.seed
        )
        noise = 1e6 / np.sqrt(setting.hours)
        return Seen(on_view.maps["hi"], Beam(10.0, 10.0, 0.0), 0.3, noise, asked)

    def translate(seen, target, *, seed, on_step):
        made.translated.append((seen.observation.hours, target))
        on_step(1, 1)
        factors = 10.0 ** (np.array([-1, 1]) * seen.noise_surface_density / 1e7)
        return (disk(1e8) * factors[:, None, None]).astype(np.float32)

    monkeypatch.setattr(worker, "MODEL", made)
    monkeypatch.setattr(worker, "TELESCOPE", made)
    monkeypatch.setattr(observatory, "observe", observe)
    monkeypatch.setattr(observatory, "translate", translate)
    return made


def test_the_newest_request_counts_and_others_are_not_begun(queue):
    seen = Observatory(bare(scene()))
    for hours in (1.0, 3.0, 30.0):
        seen.change(hours=hours)
    queue.work()
    assert [setting.hours for setting in queue.observed] == [30.0]
    assert seen.sight.seen.observation.hours == 30.0
    assert not seen.busy


def test_another_target_is_translated_from_what_was_seen_before(queue):
    session = bare(scene())
    seen = Observatory(session)
    seen.ask()
    queue.work()
    session.store.target = "stars"
    seen.view_changed()
    queue.work()
    assert queue.translated == [(10.0, TARGET), (10.0, "stars")]
    assert len(queue.observed) == 1
    assert [point.hours for point in seen.known] == [10.0]
    seen.renew()
    queue.work()
    assert [setting.seed for setting in queue.observed] == [0, 1]
    assert len(seen.known) == 2


def test_a_series_is_a_point_for_each_time(queue):
    page = ObservePage(bare(scene()))
    page.observatory.series()
    queue.work()
    assert [point.hours for point in page.observatory.known] == list(SERIES)
    spreads = page.plot._points.data["y"]
    assert spreads == sorted(spreads, reverse=True)
    assert page.plot._last.data["y"] == [spreads[-1]]
    assert page._telescope._hours.value == 100
    assert not page.observatory.busy


def test_what_is_stopped_leaves_no_result(queue):
    seen = Observatory(bare(scene()))
    seen.series()
    seen.cancel()
    queue.work()
    assert (seen.sight, seen.busy, queue.observed) == (None, False, [])
    assert seen.said == "The observation was stopped."


def test_the_page_shows_truth_and_prediction_in_the_same_colors(queue):
    page = ObservePage(bare(scene()))
    page.fit(1100)
    assert [content.values is None for content in page.contents()] == [
        False, True, True, False, True, True]  # fmt: skip
    queue.work()
    true_hi, seen_hi, mean, truth, spread, error = page.contents()
    assert true_hi.limits == seen_hi.limits
    assert mean.limits == truth.limits
    assert mean.title == "Mean of 2 · dark matter"
    assert spread.values.max() > 0
    assert np.nanmax(np.abs(error.values)) < 1e-3
    assert "10.0″ × 10.0″ = 3.0 × 3.0 kpc" in page._numbers.object
    assert len(page._maps[1]._lines.data["xs"]) == 1


def test_nothing_is_observed_while_the_page_is_not_shown(queue):
    page = ObservePage(bare(scene()))
    queue.work()
    page.shown = False
    page._session.store.target = "stars"
    assert queue.jobs == []
    page.shown = True
    queue.work()
    assert queue.translated[-1] == (10.0, "stars")


def test_a_large_galaxy_is_said_to_be_farther_than_asked_for(queue):
    page = ObservePage(bare(scene(400.0)))
    page.observatory.change(distance_mpc=30.0)
    queue.work()
    sight = page.observatory.sight
    assert "At 30 Mpc its map of 400 kpc is wider than the dishes see evenly" in (
        page._numbers.object)  # fmt: skip
    assert "wider" not in numbers_html(sight, replace(page.observatory.setting, distance_mpc=300.0))


def test_what_cannot_be_observed_is_one_sentence(queue, monkeypatch):
    page = ObservePage(bare(scene(hi=None)))
    queue.work()
    assert page.observatory.said == "The galaxy has no hi."
    assert page.contents()[1].nothing == "no map of it"


def test_without_ducc0_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ducc0", None)
    observing.instrument.cache_clear()
    with pytest.raises(ValueError, match=r"pip install 'galactic-alchemy\[observe\]'"):
        observing.observe(scene(), Setting(150.0, 1.0))


def test_without_a_translator_that_is_said(monkeypatch):
    monkeypatch.setattr(observing, "available", lambda observed: {})
    monkeypatch.setattr(library, "load_translator", None)
    seen = Seen(disk(), Beam(10.0, 10.0, 0.0), 0.3, 1e6, RadioObservation(distance_mpc=60.0))
    with pytest.raises(ValueError, match="no translator from observed HI was found"):
        observing.translate(seen, TARGET)


def test_the_sliders_hold_what_is_asked_for_at_first():
    assert Setting().distance_mpc in DISTANCES
    assert Setting().hours in HOURS
    assert set(SERIES) <= set(HOURS)
