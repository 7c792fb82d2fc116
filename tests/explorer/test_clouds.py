"""Clouds of points on the page: what is drawn, what the browser gets, and what is said."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from engine.checkpoint import save_checkpoint
from engine.points.network import PointMamba, PointMambaConfig
from engine.points.scale import CloudScale, Warp
from explorer import clouds, library, worker
from explorer.session import Session
from explorer.store import Store
from explorer.views.cloud import CloudPane, CloudPlayer, quantized
from explorer.views.clouds import CloudsPage

CARD = {"domains": ["gas", "dark_matter", "hi"], "default_steps": 4, "grid_size": 32}
NAME = "synthetic-900324"


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """A folder with an untrained translator of points as the one that is shipped."""
    cached = (clouds.translators, clouds.load_translator)
    torch.manual_seed(0)
    config = PointMambaConfig(width=16, depth=1, curves=1, head_width=16)
    scale = CloudScale(
        {"dark_matter": Warp(0.3, 1.5)}, ((4.0, 1.0),) * 3, ((0.0, 1.0),) * 6,
        {"dark_matter": (1.0, *(0.0,) * 6, 0.1)},
    )  # fmt: skip
    card = {
        "name": "tiny", "family": "flow", "network": asdict(config), "process": {},
        "targets": ["dark_matter"], "num_points": 256, "scale": scale.to_json(),
        "default_steps": 3,
    }  # fmt: skip
    save_checkpoint(tmp_path / "tiny", PointMamba(config).state_dict(), card)
    monkeypatch.setattr(clouds, "SHIPPED", tmp_path)
    monkeypatch.setattr(clouds, "COUNTS", (512, 1024))
    yield tmp_path
    for each in cached:
        each.cache_clear()


@pytest.fixture
def page(monkeypatch, shelf):
    """The page, whose work is done at once, on a galaxy that is seen."""
    clouds.translators.cache_clear()

    def submit(work, owner=None, on_place=None):
        job = worker.Job(work)
        job.run()
        return job

    for each in worker.WORKERS:
        monkeypatch.setattr(each, "submit", submit)
    session = Session(Store(cards={"toy": CARD}))
    session.store.param.update(galaxy=NAME, source="gas", target="dark_matter")
    session.scene = library.load_scene(NAME, 1, 32)
    return CloudsPage(session)


def test_the_cloud_is_that_of_the_particles():
    cloud, galaxy = clouds.cloud_of(NAME, 4096), library.load_galaxy(NAME)
    dark = galaxy.particles["dark_matter"]
    radius = np.linalg.norm(dark.coordinates, axis=1)
    half = np.median(np.linalg.norm(cloud.points["dark_matter"], axis=1))
    order = np.argsort(radius)
    enclosed = np.cumsum(dark.masses[order]) / dark.masses.sum()
    assert half == pytest.approx(radius[order][np.searchsorted(enclosed, 0.5)], rel=0.1)


def test_density_of_an_even_sphere():
    generator = np.random.default_rng(0)
    points = generator.normal(size=(200_000, 3))
    points *= (10.0 * generator.uniform(size=(len(points), 1)) ** (1 / 3)) / np.linalg.norm(
        points, axis=1, keepdims=True
    )
    edges = np.array([2.0, 5.0, 8.0, 10.0, 12.0])
    density = clouds.density_profile(points, 4e9, edges)
    np.testing.assert_allclose(density[:3], 4e9 / (4 / 3 * np.pi * 1000.0), rtol=0.02)
    assert np.isnan(density[3])


def test_spots_are_as_wide_as_points_lie_apart():
    grid = np.stack(np.meshgrid(*[np.arange(12.0)] * 3), axis=-1).reshape(-1, 3)
    radii = clouds.spots(grid)[:, 3]
    inner = np.all((grid > 2) & (grid < 9), axis=1)
    np.testing.assert_allclose(radii[inner], np.sqrt(2.0), rtol=1e-6)  # 6 neighbors at 1, 12 at √2


def test_what_the_browser_gets():
    sent = quantized(np.array([[10.0, -5.0, 0.0, 1.0], [30.0, 0.0, 0.0, 1.0]]), 20.0)
    np.testing.assert_array_equal(sent, [[16384, -8192, 0, 1638]])  # beyond reach is left out


def test_the_player_answers_what_is_on_view(monkeypatch):
    player, told = CloudPlayer(), []
    monkeypatch.setattr(player, "_send_msg", told.append)
    steps = [np.full((5, 4), float(k)) for k in range(3)]
    pane = CloudPane("Output", "", steps, (1e6, 1e8), 1e10, "magma")
    player.put([pane], ["a", "b", "c"], 50.0, np.eye(3))
    (shown,) = player.clouds
    assert shown["steps"] == 3
    np.testing.assert_allclose(shown["limits"], (1e-4, 1e-2))

    class Event:
        def __init__(self, **data):
            self.data = data

    player._answer(Event(cloud=shown["number"], start=2))
    (answer,) = told
    expected = np.rint(2.0 / player.reach * 32767)
    assert np.all(np.frombuffer(answer["points"], np.int16) == expected)
    for bad in ({}, {"cloud": shown["number"], "start": 3}, {"cloud": -1, "start": 0},
                {"cloud": shown["number"], "start": "x"}):  # fmt: skip
        player._answer(Event(**bad))
    assert len(told) == 1
    player.put(
        [CloudPane("Other words", "", steps, (1e6, 1e8), 1e10, "magma")], [], 50.0, np.eye(3)
    )
    assert player.clouds[0]["number"] == shown["number"]


def test_points_are_drawn_beside_the_truth(page):
    assert [each["title"] for each in page.player.clouds] == [
        "Input · gas", "Truth · dark matter",
    ]  # fmt: skip
    page._count.value = 512
    page.draw()
    titles = [each["title"] for each in page.player.clouds]
    assert titles == ["Input · gas", "Output · dark matter", "Truth · dark matter"]
    assert [each["steps"] for each in page.player.clouds] == [1, 3, 1]
    assert page.player.labels[-1] == "step 3/3, t = 0.00"
    assert page.run.steps[-1].shape == (512, 4)
    assert len(page.chart.sources["output"].data["y"])
    assert "512 points in" in page._words.object
    again = clouds.draw(NAME, "dark_matter", 512, 0, "tiny")
    np.testing.assert_array_equal(again.steps[-1], page.run.steps[-1])
    page._session.store.seed = 1  # another draw, which nobody has asked for yet
    assert page.run is None
    assert len(page.player.clouds) == 2


def test_what_cannot_be_drawn_is_said(page, monkeypatch):
    page._session.store.target = "hi"
    assert "clouds are of dark matter or stars" in page._words.object
    assert page._draw.disabled
    page._session.store.target = "dark_matter"
    assert not page._draw.disabled
    monkeypatch.setattr(clouds, "translators", lambda: ())
    page._read()
    assert "no translator of points is at hand" in page._words.object
    assert page._draw.disabled
