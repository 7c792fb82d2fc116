"""Profiles of maps whose profiles are known, and the page that draws them."""

import holoviews as hv
import numpy as np
import pytest

from explorer.ensemble import Ensemble
from explorer.library import Scene
from explorer.radial import Reading, center_kpc, profiles_of
from explorer.session import Session
from explorer.store import Store
from explorer.views.profiles import ProfilesPage

EXTENT, SIZE = 40.0, 80
CARDS = {"toy": {"title": "Toy", "domains": ["gas", "dark_matter"], "default_steps": 3}}


def disk(x_kpc=0.0, y_kpc=0.0, scale_kpc=4.0, peak=1e8):
    """A Gaussian about (x, y), whose enclosed mass and half-mass radius are known."""
    axis = (np.arange(SIZE) - 0.5 * (SIZE - 1)) * EXTENT / SIZE
    squared = (axis[None, :] - x_kpc) ** 2 + (axis[:, None] - y_kpc) ** 2
    return (peak * np.exp(-0.5 * squared / scale_kpc**2)).astype(np.float32)


def scene(**maps):
    maps = {"gas": disk(peak=1e7), "dark_matter": disk()} | maps
    return Scene("toy", "spiral", 0.0, 1, EXTENT, {k: v for k, v in maps.items() if v is not None})


def of(made, reading=None, **asked):
    return profiles_of(made, "gas", "dark_matter", reading or Reading(), **asked)


def test_a_gaussian_has_its_profile_and_its_mass_within_each_circle():
    found = of(scene())
    inner = found.radii < 12.0
    expected = 1e8 * np.exp(-0.5 * (found.radii / 4.0) ** 2)
    np.testing.assert_allclose(found.truth[inner], expected[inner], rtol=0.05)
    grown = of(scene(), Reading(is_cumulative=True))
    expected = 1e8 * 2 * np.pi * 16.0 * (1.0 - np.exp(-0.5 * (grown.radii / 4.0) ** 2))
    np.testing.assert_allclose(grown.truth[2:], expected[2:], rtol=0.01)


def test_half_mass_radii_are_those_of_the_stars():
    stars = disk(scale_kpc=2.0)
    kpc, in_sizes = (of(scene(stars=stars), Reading(in_half_mass_radii=k)) for k in (False, True))
    assert in_sizes.half_mass_radius_kpc == pytest.approx(2.0 * np.sqrt(2 * np.log(2)), rel=0.02)
    np.testing.assert_allclose(in_sizes.radii * in_sizes.half_mass_radius_kpc, kpc.radii)
    assert in_sizes.radius_of == "stars"


def test_a_galaxy_off_the_middle_is_the_same_about_its_own_center():
    moved = scene(gas=disk(5.25, -3.25, peak=1e7), dark_matter=disk(5.25, -3.25))
    central = of(scene())
    for center in ("mass", "peak"):
        found = of(moved, Reading(center))
        assert found.center_kpc == pytest.approx((5.25, -3.25), abs=0.1)
        inner = found.radii < 8.0
        np.testing.assert_allclose(found.truth[inner], central.truth[inner], rtol=0.05)
        assert np.isnan(found.truth[found.radii > EXTENT / 2 - 5.25]).all()
    assert of(moved).truth[0] < 0.5 * central.truth[0]


def test_peak_and_center_of_mass_differ_where_a_companion_is_bright():
    image = disk() + disk(10.25, 0.25, scale_kpc=0.6, peak=1e9)
    assert center_kpc(image, EXTENT, "peak") == pytest.approx((10.25, 0.25))
    assert 0.0 < center_kpc(image, EXTENT, "mass")[0] < 10.0
    assert center_kpc(np.zeros((8, 8)), EXTENT, "mass") == (0.0, 0.0)


def test_residuals_of_a_factor_are_its_logarithm_and_samples_make_a_band():
    truth = disk(peak=1e12, scale_kpc=20.0)  # far above the floor
    factors = 10.0 ** np.linspace(-0.2, 0.2, 9)
    found = of(scene(dark_matter=truth), output=2 * truth,
               samples=factors[:, None, None] * truth)  # fmt: skip
    np.testing.assert_allclose(found.output_dex, np.log10(2.0), atol=1e-5)
    for row, quantile in enumerate((0.16, 0.5, 0.84)):
        np.testing.assert_allclose(
            found.band_dex[row], np.quantile(np.log10(factors), quantile), atol=1e-5
        )


def test_a_mean_quantity_cumulates_to_its_mean():
    flat = np.full((SIZE, SIZE), 1e5, np.float32)
    found = profiles_of(scene(temperature=flat), "gas", "temperature", Reading(is_cumulative=True))
    np.testing.assert_allclose(found.truth, 1e5, rtol=1e-6)


def test_what_is_not_there_is_none_and_no_mass_is_said():
    found = of(scene(dark_matter=None))
    assert found.truth is found.output is found.band is found.output_dex is None
    bare = Scene("toy", "", 0.0, 1, EXTENT, {"temperature": disk()})
    with pytest.raises(ValueError, match="no map of a mass"):
        profiles_of(bare, "temperature", "magnetic_field", Reading(in_half_mass_radii=True))
    with pytest.raises(ValueError, match="center must be one of"):
        Reading("corner")


@pytest.fixture
def page(monkeypatch):
    hv.extension("bokeh", logo=False)
    monkeypatch.setattr(Session, "_load", lambda self: None)
    session = Session(Store(cards=CARDS))
    session.scene = scene()
    made = ProfilesPage(session)
    made.fit(1100)
    return made


def test_switches_change_curves_units_and_axis(page):
    data, label = page.curves.curves, page.residuals.figure.xaxis[0]
    before = np.array(data.data["truth"])
    assert label.axis_label == "projected radius (kpc)"
    page._switches["is_cumulative"].value = True
    assert (np.diff(data.data["truth"]) > 0).all()
    assert page.curves.figure.yaxis.axis_label == "M DM (<R) (M☉)"
    page._switches["is_cumulative"].value = False
    np.testing.assert_array_equal(data.data["truth"], before)
    page._switches["in_half_mass_radii"].value = True
    assert "half-mass radius of the dark matter" in label.axis_label
    page._switches["is_log"].value = True
    np.testing.assert_allclose(10.0 ** data.data["x"], data.data["radius"])


def test_samples_of_the_session_make_the_band(page):
    session = page._session
    assert len(page.curves.area.data["x"]) == 0
    maps = np.stack([disk(peak=1e8 * f) for f in (0.5, 1.0, 2.0)])
    session.sampling.ensemble = Ensemble(session.store.view, session.scene, maps, 0.1)
    assert len(page.curves.area.data["x"]) > 10
    np.testing.assert_allclose(
        page.curves.curves.data["median"], page.curves.curves.data["truth"], rtol=1e-5
    )


def test_no_truth_is_said_and_residuals_are_empty(page):
    page._session.scene = scene(dark_matter=None)
    assert "no truth of the target" in page._words.object
    assert "no map of the target" in page.residuals.figure.title.text
    assert np.isnan(page.residuals.lines.data["output"]).all()
