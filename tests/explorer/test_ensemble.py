"""Samples together: means in the logarithm, masses in a circle, the truth's place among them."""

import numpy as np
import pytest

from engine.metrics.calibration import rank_histogram
from engine.metrics.profile import cumulative_profile, integral, radial_profile
from explorer.ensemble import (
    Aperture,
    Ensemble,
    aperture_values,
    central_aperture,
    mean_map,
    percentile_of,
    profile_band,
    rank_of,
    share_on_map,
    spread_dex,
)
from explorer.library import Scene
from explorer.store import View


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("radius", [5.0, 12.3, 20.0])
def test_uniform_map_holds_density_times_area(radius):
    density, image = 3e6, np.full((64, 64), 3e6, np.float32)
    mass = aperture_values(image, "stars", 60.0, Aperture(4.0, -7.0, radius))
    assert mass == pytest.approx(density * np.pi * radius**2, rel=3e-3)


def test_aperture_agrees_with_the_growth_curve(rng):
    maps = rng.lognormal(12.0, 1.0, (3, 32, 32))
    radii, enclosed = cumulative_profile(maps, 40.0, 10, (3.0, -2.0))
    values = aperture_values(maps, "gas", 40.0, Aperture(3.0, -2.0, radii[6]))
    np.testing.assert_allclose(values, enclosed[:, 6], rtol=1e-9)


def test_circle_around_the_map_holds_all_of_it(rng):
    image = rng.lognormal(12.0, 1.0, (32, 32))
    whole = aperture_values(image, "gas", 40.0, Aperture(0.0, 0.0, 30.0))
    assert whole == pytest.approx(float(integral(image, 40.0)))


def test_x_is_the_column_and_y_goes_up():
    image = np.zeros((20, 20))
    image[2, 15] = 1.0  # pixels of 1 kpc: x from 5 to 6, y from -8 to -7
    assert aperture_values(image, "gas", 20.0, Aperture(5.5, -7.5, 1.0)) == pytest.approx(1.0)
    for x, y in ((-7.5, 5.5), (5.5, 7.5), (-5.5, -7.5)):
        assert aperture_values(image, "gas", 20.0, Aperture(x, y, 1.0)) == 0.0


def test_what_is_no_mass_is_averaged_over_what_is_on_the_map():
    image = np.full((32, 32), 2e5)
    inside = aperture_values(image, "temperature", 40.0, Aperture(0.0, 0.0, 9.0))
    corner = aperture_values(image, "temperature", 40.0, Aperture(20.0, 20.0, 9.0))
    assert inside == pytest.approx(2e5)
    assert corner == pytest.approx(2e5)
    assert np.isnan(aperture_values(image, "temperature", 40.0, Aperture(90.0, 0.0, 9.0)))


def test_share_of_the_circle_on_the_map():
    shape = (64, 64)
    assert share_on_map(shape, 60.0, Aperture(0.0, 0.0, 15.0)) == pytest.approx(1.0, abs=5e-3)
    assert share_on_map(shape, 60.0, Aperture(30.0, 0.0, 10.0)) == pytest.approx(0.5, abs=5e-3)
    assert share_on_map(shape, 60.0, Aperture(30.0, 30.0, 10.0)) == pytest.approx(0.25, abs=5e-3)


def test_mean_and_spread_are_those_of_the_logarithm(rng):
    dex = rng.normal(7.0, 0.4, (4000, 3, 2))
    samples = 10.0**dex - 1e3
    np.testing.assert_allclose(mean_map(samples, "gas"), 1e7, rtol=0.05)
    np.testing.assert_allclose(spread_dex(samples, "gas"), 0.4, rtol=0.05)
    assert np.isnan(spread_dex(samples[:1], "gas")).all()
    np.testing.assert_allclose(mean_map(samples[:1], "gas"), samples[0])


def test_band_holds_the_profiles_of_scaled_maps():
    image = np.random.default_rng(0).lognormal(12.0, 1.0, (32, 32))
    factors = np.arange(1.0, 102.0)
    radii, band = profile_band(factors[:, None, None] * image, 40.0, 8)
    own = radial_profile(image, 40.0, 8)
    np.testing.assert_array_equal(radii, own[0])
    np.testing.assert_allclose(band, np.outer([17.0, 51.0, 85.0], own[1]))


def test_percentile_is_the_middle_of_the_rank(rng):
    samples = np.array([1.0, 2.0, 3.0, 4.0])
    assert [rank_of(samples, t) for t in (0.0, 2.5, 3.0, 9.0)] == [0.0, 2.0, 2.5, 4.0]
    assert [percentile_of(samples, t) for t in (0.0, 2.5, 9.0)] == [10.0, 50.0, 90.0]
    for truth in (0.5, 3.3, 7.0):
        counts = rank_histogram(samples[:, None], np.array([truth]), rng)
        assert rank_of(samples, truth) == counts.argmax()


def test_percentiles_of_the_same_distribution_are_uniform(rng):
    drawn = rng.normal(size=(4000, 9))
    found = [percentile_of(row[1:], row[0]) for row in drawn]
    assert np.mean(found) == pytest.approx(50.0, abs=2.0)
    assert np.mean(np.less(found, 25.0)) == pytest.approx(2 / 9, abs=0.03)


def test_first_aperture_holds_half_of_the_mass(run):
    scene = run.scene
    gas = scene.maps["gas"]
    half = aperture_values(gas, "gas", scene.extent_kpc, central_aperture(scene, "gas"))
    circle = aperture_values(gas, "gas", scene.extent_kpc, Aperture(0.0, 0.0, 20.0))
    assert half / circle == pytest.approx(0.5, abs=0.01)
    assert central_aperture(scene, "temperature") == Aperture(0.0, 0.0, 10.0)


def test_fewer_samples_are_the_first_ones():
    view = View("g", 1, "gas", "stars", "toy", 0, 3)
    truth = np.ones((4, 4), np.float32)
    scene = Scene("g", "spiral", 0.0, 1, 40.0, {"stars": truth})
    samples = np.arange(128, dtype=np.float32).reshape(8, 4, 4)
    whole = Ensemble(view, scene, samples, 1.0)
    np.testing.assert_array_equal(whole.first(3).samples, samples[:3])
    assert whole.first(8) is whole
    assert whole.truth is truth


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Aperture(0.0, 0.0, 0.0), "radius above zero"),
        (lambda: Aperture(np.nan, 0.0, 1.0), "finite"),
        (lambda: mean_map(np.ones((4, 4)), "gas"), r"\(M, H, W\)"),
        (lambda: aperture_values(np.ones(4), "gas", 9.0, Aperture(0.0, 0.0, 1.0)), "H, W"),
    ],
)
def test_bad_arguments_are_told(call, told):
    with pytest.raises(ValueError, match=told):
        call()
