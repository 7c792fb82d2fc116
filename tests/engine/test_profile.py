"""Radial profiles against maps whose profile is known."""

import numpy as np
import pytest

from engine.metrics.profile import (
    cumulative_profile,
    in_half_mass_radii,
    integral,
    radial_profile,
    residual_dex,
    squared_residual,
)
from engine.metrics.radii import density_radius


def radius(size: int, extent: float, center: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    axis = (np.arange(size) + 0.5) * extent / size - 0.5 * extent
    return np.hypot(axis[None, :] - center[0], axis[:, None] - center[1])


def test_constant_map_has_constant_profile():
    radii, profile = radial_profile(np.full((64, 64), 3.5), 80.0, 10)
    np.testing.assert_allclose(profile, 3.5)
    np.testing.assert_allclose(radii, np.arange(2.0, 40.0, 4.0))


def test_exponential_disk_is_recovered():
    extent, scale = 60.0, 9.0
    _, profile = radial_profile(np.exp(-radius(512, extent) / scale), extent, 15)
    edges = np.linspace(0, 30, 16)

    def enclosed(r):
        return 2 * np.pi * scale**2 * (1 - (1 + r / scale) * np.exp(-r / scale))

    expected = np.diff(enclosed(edges)) / (np.pi * np.diff(edges**2))
    np.testing.assert_allclose(profile, expected, rtol=2e-3)


def test_center_is_x_then_y():
    center = (7.0, -12.0)
    image = (radius(128, 80.0, center) < 4.0).astype(float)
    _, profile = radial_profile(image, 80.0, 10, center)
    np.testing.assert_allclose(profile[0], 1.0)
    assert profile[2:].sum() == 0
    assert radial_profile(image, 80.0, 10, center[::-1])[1][0] == 0


def test_empty_annuli_are_nan_and_nan_pixels_do_not_count():
    _, profile = radial_profile(np.ones((4, 4)), 8.0, 16)
    assert np.isnan(profile[0])
    assert np.nanmin(profile) == np.nanmax(profile) == 1.0
    image = np.ones((32, 32))
    image[::2] = np.nan
    np.testing.assert_allclose(radial_profile(image, 8.0, 4)[1], 1.0)


def test_many_maps_in_one_call_equal_one_by_one():
    maps = np.random.default_rng(3).lognormal(size=(5, 32, 32))
    together = radial_profile(maps, 50.0, 8)[1]
    apart = np.stack([radial_profile(m, 50.0, 8)[1] for m in maps])
    np.testing.assert_allclose(together, apart)


def test_residual_in_dex():
    truth = np.array([1.0, 10.0, 0.0, np.nan, 5.0])
    out = residual_dex(np.array([10.0, 1.0, 1.0, 1.0, -1.0]), truth)
    np.testing.assert_allclose(out[:2], [1.0, -1.0])
    assert np.isnan(out[2:]).all()


def test_a_floor_keeps_next_to_nothing_from_counting():
    estimate, truth = np.array([9.0, 0.1, 99.0]), np.array([0.0, 0.9, 9.0])
    out = residual_dex(estimate, truth, floor=1.0)
    np.testing.assert_allclose(out[[0, 2]], [1.0, 1.0])
    assert np.isnan(out[1])


def test_integral_of_a_uniform_map():
    np.testing.assert_allclose(integral(np.full((3, 16, 16), 2.0), 10.0), 200.0)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((np.ones(4), 10.0), "image"),
        ((np.ones((0, 4)), 10.0), "image"),
        ((np.ones((4, 4)), 0.0), "extent_kpc"),
        ((np.ones((4, 4)), float("nan")), "extent_kpc"),
        ((np.ones((4, 4)), 10.0, 0), "num_bins"),
    ],
)
def test_bad_input_is_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        radial_profile(*arguments)


def test_shapes_that_do_not_match_are_named():
    with pytest.raises(ValueError, match="matching shapes"):
        residual_dex(np.ones((3, 3)), np.ones((4, 4)))


def test_a_uniform_map_grows_with_the_circles_area():
    """Also about a center between pixels, as long as circles stay in the map."""
    for center, used in (((0.0, 0.0), 8), ((3.3, -2.1), 7)):
        radii, enclosed = cumulative_profile(np.full((2, 40, 40), 3.0), 60.0, 8, center)
        np.testing.assert_allclose(radii, np.arange(1, 9) * 3.75)
        expected = 3.0 * np.pi * radii[:used] ** 2
        np.testing.assert_allclose(enclosed[:, :used], np.tile(expected, (2, 1)), rtol=7e-3)


def test_growth_of_an_exponential_disk_and_of_nan():
    extent, scale = 60.0, 4.0
    image = np.exp(-radius(256, extent) / scale)
    image[0, 0] = np.nan
    radii, enclosed = cumulative_profile(image, extent, 15)
    x = radii / scale
    np.testing.assert_allclose(
        enclosed, 2 * np.pi * scale**2 * (1 - (1 + x) * np.exp(-x)), rtol=2e-3
    )
    everything = cumulative_profile(np.ones((8, 8)), 8.0, 4, (40.0, 0.0))[1]
    np.testing.assert_allclose(everything, 0.0)


def test_profiles_in_half_mass_radii():
    radii = np.arange(1.0, 6.0)
    profiles = np.stack([10.0 * radii, radii, radii])
    profiles[1, -1] = np.nan
    out = in_half_mass_radii(
        radii, profiles, np.array([2.0, 2.0, 0.0]), np.array([0.25, 1.25, 2.4])
    )
    np.testing.assert_allclose(out[0], [np.nan, 25.0, 48.0])
    np.testing.assert_allclose(out[1], [np.nan, 2.5, np.nan])
    assert np.isnan(out[2]).all()
    with pytest.raises(ValueError, match="half_mass_radius_kpc"):
        in_half_mass_radii(radii, profiles, np.ones(2), radii)


def test_a_density_radius_is_the_einstein_radius_of_an_isothermal_sphere():
    # Sigma = Sigma_cr theta_E / 2 r, of which a circle holds pi Sigma_cr theta_E r.
    radii = np.linspace(0.25, 16.0, 64)
    einstein = np.array([2.0, 3.1, 7.77])
    mass = np.pi * 1e9 * einstein[:, None] * radii
    np.testing.assert_allclose(density_radius(radii, mass, 1e9), einstein, rtol=2e-3)
    # The density is as large as it is to be at a tenth of the critical one ten times further out.
    np.testing.assert_allclose(density_radius(radii, mass[:1], 2.5e8), [8.0], rtol=1e-3)


def test_a_density_radius_is_zero_of_what_is_too_thin_and_ends_with_the_map():
    radii = np.array([1.0, 2.0, 3.0, 4.0])
    flat = np.pi * radii**2  # of density 1
    assert density_radius(radii, flat, 2.0) == 0.0
    assert density_radius(radii, flat, 0.5) == pytest.approx(4.0)
    assert np.isnan(density_radius(radii, np.full(4, np.nan), 0.5))
    # A ring of mass lifts circles that an emptier middle left below: the largest counts.
    ring = np.array([0.1, 9.0, 9.0, 9.0]) * np.pi
    assert density_radius(radii, ring, 1.0) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="density must be above 0"):
        density_radius(radii, flat, 0.0)
    with pytest.raises(ValueError, match="mass must have shape"):
        density_radius(radii, flat[:3], 1.0)


def test_squared_residual():
    out = squared_residual(np.array([1.5, 0.0, 3.0, np.nan]), np.array([1.0, 2.0, 0.0, 1.0]))
    np.testing.assert_allclose(out, [0.25, 1.0, np.nan, np.nan])
    with pytest.raises(ValueError, match="matching shapes"):
        squared_residual(np.ones(3), np.ones(4))


def test_growth_is_about_x_then_y():
    center = (7.0, -12.0)
    image = (radius(128, 80.0, center) < 4.0).astype(float)
    about = cumulative_profile(image, 80.0, 10, center)[1]
    np.testing.assert_allclose(about[1:], integral(image, 80.0))
    assert about[0] > 0.9 * about[1]
    for other in (center[::-1], (-7.0, -12.0), (7.0, 12.0)):
        assert cumulative_profile(image, 80.0, 10, other)[1][0] == 0
