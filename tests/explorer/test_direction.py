"""The free rotation: what is made, what a sphere may say, and what it leaves to a person."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import Range1d

from explorer import library, worker
from explorer.beside import Beside
from explorer.session import Session
from explorer.store import Store, are_angles
from explorer.views.crosshair import Crosshair
from explorer.views.direction import DirectionControl
from explorer.views.grid import MapGrid
from explorer.views.maps import MapPanel

CARD = {"domains": ["gas", "dark_matter"], "default_steps": 4, "grid_size": 32}
NAME = "synthetic-900324"


@pytest.fixture
def scene():
    return library.load_scene(NAME, 2, 32)


@pytest.fixture
def session(monkeypatch, scene):
    """A session on the second rotation, whose work is done at once."""

    def submit(work, owner=None):
        job = worker.Job(work)
        job.run()
        return job

    monkeypatch.setattr(worker.MAPS, "submit", submit)
    one = Session(Store(cards={"toy": CARD}))
    one.store.param.update(galaxy=NAME, rotation=2)
    one.scene = scene
    return one


def test_angles_of_a_stored_rotation_show_the_same_maps(scene):
    free = library.load_scene(NAME, library.FREE, 32, scene.angles)
    assert free.rotation == library.FREE
    np.testing.assert_allclose(free.matrix, scene.matrix, atol=2e-3)  # a tenth of a degree
    for name, image in scene.maps.items():
        moved = np.abs(np.log10((free.maps[name] + 1e-3) / (image + 1e-3)))
        assert np.median(moved) < 0.01, name
    with pytest.raises(ValueError, match=r"rotation must be from 1 to 5, or 0 with angles, got 0"):
        library.load_scene(NAME, 0, 32)


def test_free_that_is_chosen_while_maps_are_made_begins_as_they_are_seen(session, scene):
    session.scene = None
    control = DirectionControl(session, {})
    control._rotation.value = library.FREE
    assert session.store.rotation == 2
    session.scene = scene
    assert session.store.rotation == library.FREE == control._rotation.value
    assert session.store.angles == scene.angles


def test_a_glimpse_is_the_scene_that_will_be_shown(scene):
    angles = (70.0, 20.0, 10.0)
    seen = library.glimpse(scene, angles, ("gas", "stars"))
    settled = library.load_scene(NAME, library.FREE, library.COARSE_GRID, angles)
    assert list(seen.maps) == ["gas", "stars"]
    assert seen.angles == settled.angles == angles
    for name, image in seen.maps.items():
        # The catalog's galaxies have too few particles to leave some out.
        np.testing.assert_allclose(image, settled.maps[name], rtol=1e-6)
    with pytest.raises(ValueError, match="has no particles"):
        library.glimpse(replace(scene, orientation=None), angles, ("gas",))


def test_turning_shows_glimpses_and_settling_the_scene(session, scene):
    shown = []
    session.run = "a run of the view before"
    session.turn((50.0, 20.0, 10.0), lambda: shown.append(session.glimpse.angles))
    assert shown == [(50.0, 20.0, 10.0)]
    assert (session.run, session.scene, session.loading) == (None, scene, True)
    assert session.store.rotation == 2  # the address does not follow each move
    session.translate()
    assert not session.busy
    session.settle((55.0, 20.0, 10.0))
    assert (session.glimpse, session.loading) == (None, False)
    assert (session.store.rotation, session.scene.angles) == (library.FREE, (55.0, 20.0, 10.0))
    assert set(session.scene.maps) == set(scene.maps)
    session.turn((60.0, 20.0, 10.0))
    session.settle((55.0, 20.0, 10.0))  # there and back
    assert (session.glimpse, session.loading) == (None, False)


def test_free_begins_with_what_is_seen_and_numbers_set_it(session, scene):
    control = DirectionControl(session, {})
    assert not control._free.visible
    control._rotation.value = library.FREE
    assert control._free.visible
    assert session.store.angles == scene.angles == tuple(n.value for n in control._numbers)
    control._numbers[0].value = 12.0
    assert session.scene.angles[0] == 12.0
    control._views[1].clicks += 1
    assert session.scene.angles == (90.0, 90.0, 0.0) == tuple(control._sphere.angles)
    control._rotation.value = 4
    assert session.store.rotation == session.scene.rotation == 4


def test_no_free_rotation_without_particles(session, scene):
    control = DirectionControl(session, {})
    session.scene = replace(scene, orientation=None)
    assert "Free" not in control._rotation.options
    session.turn((1.0, 2.0, 3.0))
    assert session.glimpse is None


@pytest.mark.parametrize(
    ("said", "good"),
    [([60, 30.5, 0], True), ([60, 30], False), ([181, 0, 0], False), ([float("nan"), 0, 0], False),
     ("60,30,0", False), ([None, 0, 0], False)],
)  # fmt: skip
def test_a_browser_may_say_anything(said, good):
    assert are_angles(said) is good


def test_a_served_figure_is_changed_to_what_holoviews_would_draw(session, scene, monkeypatch):
    hv.extension("bokeh", logo=False)
    maps = MapGrid(session, Beside(session), (Range1d(), Range1d()), Crosshair())
    maps.__panel__().get_root()

    def drawn():
        """Return all that there is of the figures, but for what differs from one to the next."""
        found = []
        for panel in maps._panels:
            data = panel._handles["glyph_renderer"].data_source.data
            mapper, bar = panel._handles["color_mapper"], panel._handles["colorbar"]
            found.append((
                {name: np.array(value, np.float32) for name, value in data.items()},
                (mapper.low, mapper.high), mapper.palette, mapper.nan_color,
                panel._figure.title.text, panel._figure.title.text_color, bar.title,
                bar.major_label_overrides, bar.ticker.ticks, panel._readout.tags,
                panel._handles["glyph_renderer"].visible, panel._nothing.visible,
            ))  # fmt: skip
        return found

    angles = (40.0, 20.0, 10.0)
    changes = [
        lambda: setattr(session, "scene", library.load_scene(NAME, library.FREE, 64, angles)),
        lambda: setattr(session.store, "target", "temperature"),
        lambda: setattr(session.store, "scale", "linear"),
        lambda: setattr(session, "dark", not session.dark),
        lambda: setattr(session, "preview", (1, 4, session.scene.maps["dark_matter"])),
        lambda: setattr(session, "preview", None),
        lambda: session.store.param.update(target="dark_matter", scale="logarithmic"),
    ]
    for change in changes:
        with monkeypatch.context() as patch:
            patch.setattr(MapPanel, "_is_served", True)
            change()
        quick = drawn()
        for panel in maps._panels:
            panel._pipe.send(panel._content)
        for one, other in zip(quick, drawn(), strict=True):
            if one[-2]:  # where there is a picture
                for name, values in one[0].items():
                    np.testing.assert_allclose(values, other[0][name], rtol=1e-5)
                assert one[1] == pytest.approx(other[1])
            assert one[2:] == other[2:]
