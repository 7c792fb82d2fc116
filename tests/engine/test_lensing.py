"""Lenses whose deflection, critical curve and images are known."""

import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM
from scipy.optimize import brentq

from engine.lensing import Lens, Source, critical_surface_density, kpc_per_arcsec

EXTENT = 40.0
EINSTEIN = 6.0


def grid(size, extent=EXTENT, fine=1):
    middles = (np.arange(size * fine) - 0.5 * (size * fine - 1)) * extent / (size * fine)
    return np.meshgrid(middles, middles)


def pixels(function, size, fine=8):
    """Return means of a function of x and y over pixels."""
    values = function(*grid(size, fine=fine))
    return values.reshape(size, fine, size, fine).mean(axis=(1, 3))


# An isothermal sphere with a core (Hinshaw & Krauss 1987), within the circle that the map holds:
# kappa = theta_E / 2 sqrt(r^2 + core^2), alpha = theta_E (sqrt(r^2 + core^2) - core) / r.
CORE = 0.5
RADIUS = np.sqrt(EINSTEIN**2 - 2 * CORE * EINSTEIN)


def kappa_of(r):
    return 0.5 * EINSTEIN / np.hypot(r, CORE)


def alpha_of(r):
    return EINSTEIN * (np.hypot(r, CORE) - CORE) / r


def isothermal(x, y):
    r = np.hypot(x, y)
    return np.where(r < 0.5 * EXTENT, kappa_of(r), 0.0)


def outer_image(beta):
    """Return where light from beta on the x axis is seen, beyond the Einstein radius."""
    return brentq(lambda theta: theta - alpha_of(theta) - beta, RADIUS, 19.0)


@pytest.fixture(scope="module")
def sphere():
    return Lens.of(pixels(isothermal, 200), EXTENT)


def test_an_isothermal_sphere_deflects_inward_and_by_nearly_the_same(sphere):
    x, y = grid(200)
    r = np.hypot(x, y)
    within = (r > 2.0) & (r < 19.0)
    outward = (sphere.deflection[0] * x + sphere.deflection[1] * y) / r
    across = (sphere.deflection[0] * y - sphere.deflection[1] * x) / r
    np.testing.assert_allclose(outward[within], alpha_of(r[within]), rtol=2e-3)
    assert np.abs(across[within]).max() < 1e-3 * EINSTEIN


def test_its_shear_is_the_mean_density_within_less_that_there(sphere):
    x, y = grid(200)
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    within = (r > 3.0) & (r < 18.0)
    expected = kappa_of(r) - alpha_of(r) / r
    for found, turn in zip(sphere.shear, (np.cos(2 * angle), np.sin(2 * angle)), strict=True):
        assert np.abs(found - expected * turn)[within].max() < 2e-3


def test_its_einstein_radius_is_that_at_which_it_deflects_to_the_middle(sphere):
    assert sphere.einstein_radius() == pytest.approx(RADIUS, rel=1e-3)
    curve = sphere.critical_curves()[0]
    np.testing.assert_allclose(np.hypot(*curve.T), RADIUS, rtol=2e-3)
    # Its tangential caustic is a point.
    assert np.abs(sphere.caustics()[0]).max() < 5e-3 * RADIUS


def test_a_source_off_the_axis_has_an_outer_image_and_one_on_it_a_ring(sphere):
    beta = 2.0
    image = sphere.image(Source(beta, 0.0, 0.15))
    x, y = grid(200)
    right = (np.abs(y) < 0.11) & (x > 0)
    assert x[right][image[right].argmax()] == pytest.approx(outer_image(beta), abs=0.11)
    ring = sphere.image(Source(scale_kpc=0.3))
    r = np.hypot(x, y)
    assert r.ravel()[ring.argmax()] == pytest.approx(RADIUS, abs=0.2)
    around = ring[np.abs(r - RADIUS) < 0.1]
    assert around.min() > 0.7 * around.max()


def test_an_image_can_be_finer_than_its_lens():
    coarse, source = Lens.of(pixels(isothermal, 100), EXTENT), Source(2.0, 0.0, 0.5)
    fine = coarse.image(source, finer=3)
    direct = Lens.of(pixels(isothermal, 300), EXTENT).image(source)
    assert fine.shape == (300, 300)
    outside = np.hypot(*grid(300)) > 1.5  # where the deflection turns within a pixel
    assert np.abs(fine - direct)[outside].max() < 0.05
    np.testing.assert_array_equal(coarse.image(source, finer=1), coarse.image(source))


def test_a_lens_of_half_the_critical_density_is_twice_as_strong(sphere):
    other = Lens.of(2.0 * sphere.convergence, EXTENT)
    twice = sphere.times(2.0)
    np.testing.assert_allclose(twice.deflection, other.deflection, atol=1e-9)
    np.testing.assert_allclose(twice.shear, other.shear, atol=1e-9)
    assert twice.einstein_radius() == pytest.approx(other.einstein_radius())


def test_images_are_brighter_by_the_magnification(sphere):
    beta, scale = 4.0, 0.3
    image = sphere.image(Source(beta, 0.0, scale))
    x, y = grid(200)
    theta = outer_image(beta)
    # By d theta / d beta along the radius, and by theta / beta across.
    stretched = alpha_of(theta) / theta
    expected = 1.0 / ((1.0 - stretched) * (1.0 - 2.0 * kappa_of(theta) + stretched))
    seen = image[np.hypot(x - theta, y) < 4.0].sum() * (EXTENT / 200) ** 2
    assert seen / (2.0 * np.pi * scale**2) == pytest.approx(expected, rel=0.02)
    place = np.argmin(np.hypot(x - theta, y))
    assert sphere.magnification.ravel()[place] == pytest.approx(expected, rel=0.02)


def test_far_from_a_pixel_it_is_a_point_mass():
    kappa = np.zeros((101, 101))
    kappa[50, 50] = 3.0
    lens = Lens.of(kappa, 101.0)
    # alpha = kappa A / (pi theta); gamma = kappa A / (pi theta^2).
    assert lens.deflection[0][50, 90] == pytest.approx(3.0 / (np.pi * 40.0), rel=1e-3)
    assert lens.deflection[1][10, 50] == pytest.approx(-3.0 / (np.pi * 40.0), rel=1e-3)
    assert lens.shear[0][50, 90] == pytest.approx(-3.0 / (np.pi * 1600.0), rel=1e-3)
    assert lens.shear[1][80, 80] == pytest.approx(-3.0 / (np.pi * 1800.0), rel=1e-3)


def test_deflection_is_a_gradient_whose_divergence_is_the_mass():
    rng = np.random.default_rng(3)
    size = 96
    x, y = grid(size)
    kappa = sum(
        rng.uniform(0.2, 1.0) * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s**2))
        for a, b, s in rng.uniform((-9, -9, 2), (9, 9, 4), (6, 3))
    )
    lens = Lens.of(kappa, EXTENT)
    step = EXTENT / size
    (xy, xx), (yy, yx) = (np.gradient(part, step) for part in lens.deflection)
    inner = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose((xx + yy)[inner], 2 * kappa[inner], atol=0.02 * kappa.max())
    np.testing.assert_allclose(xy[inner], yx[inner], atol=0.01 * kappa.max())
    np.testing.assert_allclose(0.5 * (xx - yy)[inner], lens.shear[0][inner], atol=0.02)
    np.testing.assert_allclose(xy[inner], lens.shear[1][inner], atol=0.02)


def test_a_weak_lens_has_no_einstein_radius():
    assert Lens.of(np.full((16, 16), 0.01), EXTENT).einstein_radius() == 0.0


def test_the_critical_density_of_a_usual_lens():
    found = critical_surface_density(0.3, 2.0)
    cosmology = FlatLambdaCDM(H0=67.74, Om0=0.3089)
    distances = (
        cosmology.angular_diameter_distance(0.3), cosmology.angular_diameter_distance(2.0),
        (cosmology.comoving_distance(2.0) - cosmology.comoving_distance(0.3)) / 3.0,
    )  # fmt: skip
    to_lens, to_source, between = (d.to_value("kpc") for d in distances)
    # c in km/s, G in kpc (km/s)^2 / Msun.
    expected = 299792.458**2 / (4 * np.pi * 4.30091e-6) * to_source / (to_lens * between)
    assert found == pytest.approx(expected, rel=1e-4)
    assert found == pytest.approx(2e9, rel=0.15)
    assert kpc_per_arcsec(0.3) == pytest.approx(4.58, rel=0.01)


@pytest.mark.parametrize("redshifts", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_a_lens_lies_before_its_source(redshifts):
    with pytest.raises(ValueError, match="must be 0 < lens < source"):
        critical_surface_density(*redshifts)


@pytest.mark.parametrize(
    ("convergence", "extent", "word"),
    [
        (np.zeros((4, 5)), 1.0, "shape"), (np.full((4, 4), np.nan), 1.0, "finite"),
        (np.zeros((4, 4)), 0.0, "extent_kpc"),
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused(convergence, extent, word):
    with pytest.raises(ValueError, match=word):
        Lens.of(convergence, extent)
    with pytest.raises(ValueError, match="size"):
        Source(scale_kpc=0.0)
