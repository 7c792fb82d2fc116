"""Radii and shapes of maps whose own are known in closed form."""

import warnings

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import gammainc

from engine.metrics.morphology import (
    aperture_radius,
    asymmetry,
    clumpiness,
    concentration,
    galaxy_pixels,
    gini,
    local_asymmetry,
    local_clumpiness,
    m20,
)
from engine.metrics.radii import (
    center_of_mass,
    center_offset,
    half_mass_radius,
    petrosian_radius,
    radius_enclosing,
)

SIZE, EXTENT = 128, 64.0


def distance(center=(0.0, 0.0), size=SIZE):
    axis = (np.arange(size) + 0.5) * EXTENT / size - 0.5 * EXTENT
    return np.hypot(axis[None, :] - center[0], axis[:, None] - center[1])


def blob(center, width=1.5, mass=1.0):
    return mass * np.exp(-0.5 * (distance(center) / width) ** 2) / (2 * np.pi * width**2)


DISK = np.exp(-distance() / 4.0)


def disk_within(x):
    return 1 - (1 + x) * np.exp(-x)


def disk_radius(fraction, edge=np.inf):
    whole = 1.0 if np.isinf(edge) else disk_within(edge)
    return brentq(lambda x: disk_within(x) - fraction * whole, 1e-6, 50.0)


DISK_PETROSIAN = brentq(lambda x: x**2 * np.exp(-x) / (2 * disk_within(x)) - 0.2, 1.0, 9.0)


def test_center_of_mass_is_x_then_y_in_kpc():
    maps = np.stack([blob((5.0, -3.0)), blob((-7.25, 1.5)), np.zeros((SIZE, SIZE))])
    out = center_of_mass(maps, EXTENT)
    np.testing.assert_allclose(out[:2], [[5.0, -3.0], [-7.25, 1.5]], atol=1e-6)
    assert np.isnan(out[2]).all()
    np.testing.assert_allclose(center_offset(maps[0], maps[1], EXTENT), [12.25, -4.5], atol=1e-6)


def test_radii_of_an_exponential_disk():
    maps = np.stack([DISK, 7.0 * np.exp(-distance() / 2.0)])
    edge = 0.5 * EXTENT
    expected = [s * disk_radius(0.5, edge / s) for s in (4.0, 2.0)]
    np.testing.assert_allclose(half_mass_radius(maps, EXTENT), expected, rtol=3e-3)
    np.testing.assert_allclose(
        petrosian_radius(maps, EXTENT), [4.0 * DISK_PETROSIAN, 2.0 * DISK_PETROSIAN], rtol=0.01
    )
    inner = radius_enclosing(maps, EXTENT, 0.5, within_kpc=np.array([8.0, 4.0]))
    np.testing.assert_allclose(inner, np.array([4.0, 2.0]) * disk_radius(0.5, 2.0), rtol=6e-3)


def test_a_map_of_nothing_and_one_that_ends_too_early():
    assert np.isnan(half_mass_radius(np.zeros((8, 8)), 8.0))
    assert np.isnan(petrosian_radius(np.ones((32, 32)), 8.0))
    assert aperture_radius(np.ones((32, 32)), 8.0) == 4.0
    assert np.isnan(concentration(np.zeros((8, 8)), 8.0))
    assert np.isnan(asymmetry(np.zeros((8, 8)), 8.0).value)
    assert np.isnan(clumpiness(np.zeros((32, 32)), 8.0))


def test_concentration_of_disk_and_spheroid():
    """Within 1.5 Petrosian radii, and of a flat disk, where r80 / r20 is 2."""
    edge = 1.5 * DISK_PETROSIAN
    expected = 5 * np.log10(disk_radius(0.8, edge) / disk_radius(0.2, edge))
    assert concentration(DISK, EXTENT) == pytest.approx(expected, abs=0.01)
    flat = (distance() < 20.0).astype(float)
    assert concentration(flat, EXTENT, radius_kpc=20.0) == pytest.approx(5 * np.log10(2), abs=0.01)
    # Sersic n = 2: mass within x = (r / r_s)^(1/2) is the regularized gamma function of 4.
    sersic = np.exp(-np.sqrt(distance() / 0.25))
    whole = gammainc(4.0, np.sqrt(30.0 / 0.25))
    r80, r20 = (
        brentq(lambda x, f=f: gammainc(4.0, x) - f * whole, 1e-6, 50.0) ** 2 for f in (0.8, 0.2)
    )
    measured = concentration(sersic, EXTENT, radius_kpc=30.0)
    assert measured == pytest.approx(5 * np.log10(r80 / r20), abs=0.05)


@pytest.mark.parametrize("center", [(0.0, 0.0), (1.75, -2.5)])
def test_a_symmetric_map_has_no_asymmetry_and_its_center_is_found(center):
    """Also where the center stands on half a pixel and the search begins elsewhere."""
    axis = (np.arange(SIZE) + 0.5) * EXTENT / SIZE - 0.5 * EXTENT
    x, y = axis[None, :] - center[0], axis[:, None] - center[1]
    bar = np.exp(-np.sqrt((x + 0.5 * y) ** 2 + 4.0 * y**2) / 4.0)
    value, found = asymmetry(bar, EXTENT)
    assert value == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(found, center)


def test_asymmetry_of_a_companion_is_twice_its_share():
    """It and its empty opposite both miss; about any other center more does."""
    for share in (0.05, 0.2):
        image = blob((0.0, 0.0), mass=1 - share) + blob((12.0, 9.0), mass=share)
        value, found = asymmetry(image, EXTENT, radius_kpc=28.0)
        assert value == pytest.approx(2 * share, rel=1e-3)
        np.testing.assert_allclose(found, (0.0, 0.0), atol=1e-9)
        turned = asymmetry(np.rot90(image), EXTENT, radius_kpc=28.0).value
        assert turned == pytest.approx(value)


def test_asymmetry_of_a_gradient():
    """Of I = 1 + a x / R about c, A = 8 a / (3 pi) / (1 + a c / R): the difference is the same
    everywhere, and the sum larger on the bright side, where the search goes as far as it may."""
    x = np.broadcast_to((np.arange(SIZE) + 0.5) * EXTENT / SIZE - 0.5 * EXTENT, (SIZE, SIZE))
    value, found = asymmetry(1 + 0.5 * x / 16.0, EXTENT, radius_kpc=16.0)
    np.testing.assert_allclose(found, (8.0, 0.0), atol=0.5)
    assert value == pytest.approx(8 * 0.5 / (3 * np.pi) / (1 + 0.5 * found[0] / 16.0), rel=2e-3)


def test_clumpiness_of_a_single_bright_pixel():
    """What the box of b pixels leaves of it is 1 - 1 / b^2; a smooth map has none."""
    image = np.zeros((SIZE, SIZE))
    image[80, 90] = 5.0
    box = 2 * int(24.0 / (EXTENT / SIZE) * 0.2 / 2) + 1
    assert box == 9
    assert clumpiness(image, EXTENT, radius_kpc=24.0) == pytest.approx(10 * (1 - 1 / box**2))
    assert clumpiness(np.ones((SIZE, SIZE)), EXTENT) == pytest.approx(0.0, abs=1e-9)
    core = np.zeros((SIZE, SIZE))
    core[63:65, 63:65], core[100, 64] = 50.0, 1.0
    only_outside = clumpiness(core, EXTENT, radius_kpc=24.0)
    assert only_outside == pytest.approx(10 * (1 - 1 / box**2))
    assert np.isnan(clumpiness(image, EXTENT, radius_kpc=1.0))


def test_gini_of_equal_of_one_and_of_rising_values():
    assert gini(np.full((5, 5), 3.0)) == pytest.approx(0.0, abs=1e-12)
    one = np.zeros((5, 5))
    one[2, 3] = -4.0
    assert gini(one) == pytest.approx(1.0)
    assert gini(np.arange(1.0, 101.0)) == pytest.approx(1 / 3)
    assert gini(np.arange(100.0), mask=np.arange(100) > 98) != gini(np.arange(100.0))
    assert np.isnan(gini(np.zeros(5)))
    with pytest.raises(ValueError, match="mask"):
        gini(np.ones(5), mask=np.ones(4, bool))


def test_m20_of_two_points():
    """Masses 3 and 1: the brighter is 1/4 of the way from the center, with 3/16 of 12/16."""
    image = np.zeros((16, 16))
    image[3, 4], image[9, 12] = 3.0, 1.0
    assert m20(image) == pytest.approx(np.log10(0.25))
    image[9, 12] = 3.0
    assert m20(image) == pytest.approx(0.0)
    image[6, 8] = 30.0  # in the middle of both
    assert m20(image) == -np.inf
    assert np.isnan(m20(np.zeros((4, 4))))


def test_m20_of_an_exponential_disk():
    def second_moment(x):
        return gammainc(4.0, x)

    expected = np.log10(second_moment(disk_radius(0.2)) / second_moment(16.0))
    fine = np.exp(-distance(size=512) / 2.0)
    assert m20(fine) == pytest.approx(expected, abs=0.01)


def test_local_asymmetry_is_where_a_map_differs_from_itself_turned():
    image = np.full((2, 32, 32), 6.0)
    image[0, 3, 5] = 14.0
    expected = np.zeros((2, 32, 32))
    expected[0, 3, 5] = expected[0, 28, 26] = (14 - 6) / (14 + 6 + 2 * 2.0)
    np.testing.assert_allclose(local_asymmetry(image, 2.0), expected)
    assert local_asymmetry(1e-3 * image, 2.0).max() < 0.01


def test_local_clumpiness_is_what_stands_out_of_a_box_of_a_tenth():
    """40 pixels have a box of 5 x 5: a pixel of 26 in one of 1 has a mean of 2 about it."""
    image = np.ones((40, 40))
    image[20, 20] = 26.0
    expected = np.zeros((40, 40))
    expected[20, 20] = (26 - 2) / (26 + 4)
    np.testing.assert_allclose(local_clumpiness(image, 4.0), expected, atol=1e-12)


def test_pixels_of_the_galaxy_end_near_the_petrosian_radius():
    inside = galaxy_pixels(DISK, EXTENT)
    area = inside.sum() * (EXTENT / SIZE) ** 2
    assert np.sqrt(area / np.pi) == pytest.approx(4.0 * DISK_PETROSIAN, rel=0.06)
    assert galaxy_pixels(np.ones((32, 32)), 8.0).all()


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: asymmetry(np.ones((2, 8, 8)), 8.0), "one map"),
        (lambda: clumpiness(np.ones((2, 8, 8)), 8.0), "one map"),
        (lambda: concentration(-np.ones((8, 8)), 8.0), "not below zero"),
        (lambda: half_mass_radius(np.ones(8), 8.0), "shape"),
        (lambda: radius_enclosing(np.ones((8, 8)), 8.0, 1.0), "fraction"),
        (lambda: center_of_mass(np.ones((8, 8)), -1.0), "extent_kpc"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_statmorph_agrees():
    """A lopsided disk off the middle of the map, measured by the public peer."""
    statmorph = pytest.importorskip("statmorph")
    image = np.exp(-distance((1.1, -0.55)) / 3.0)
    for center, height in (((7.5, 3.0), 0.15), ((-4.5, 6.0), 0.25), ((2.0, -10.0), 0.05)):
        image = image + height * np.exp(-0.5 * (distance(center) / 0.75) ** 2)
    segments = np.pad(np.ones((SIZE - 4, SIZE - 4), int), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its sky and of its fit of a Sersic profile
        peer = statmorph.SourceMorphology(image, segments, 1, gain=1e6)
        pixel = EXTENT / SIZE
        value, center = asymmetry(image, EXTENT)
        middle = 0.5 * (SIZE - 1)
        there = (np.array([peer.xc_asymmetry, peer.yc_asymmetry]) - middle) * pixel
        np.testing.assert_allclose(center, there, atol=0.1 * pixel)
        assert value == pytest.approx(peer.asymmetry, rel=0.01)
        radius = petrosian_radius(image, EXTENT, center=center)
        assert radius == pytest.approx(peer.rpetro_circ * pixel, rel=2e-3)
        c = concentration(image, EXTENT, center=center)
        assert c == pytest.approx(peer.concentration, abs=0.005)
        pixels = galaxy_pixels(image, EXTENT, center=center)
        assert gini(image, pixels) == pytest.approx(peer.gini, abs=0.002)
        assert m20(image, pixels) == pytest.approx(peer.m20, abs=0.01)
