"""Masses against truth, and satellites that were planted."""

import numpy as np
import pytest

from engine.metrics.mass import Matches, find_satellites, mass_residual_dex, match_satellites

SIZE, EXTENT = 96, 96.0
PLANTED = np.array([[20.0, 12.0], [-30.0, 5.0], [10.0, -35.0]])


def galaxy(places=PLANTED, height=1e7):
    axis = (np.arange(SIZE) + 0.5) * EXTENT / SIZE - 0.5 * EXTENT
    x, y = axis[None, :], axis[:, None]
    image = 1e8 * np.exp(-np.hypot(x, y) / 5.0)
    for place in places:
        image = image + height * np.exp(-0.5 * ((x - place[0]) ** 2 + (y - place[1]) ** 2) / 2.0**2)
    return image


def found_in(image, **options):
    return find_satellites(image, EXTENT, floor=1e3, **options)


def test_mass_residual():
    truth = np.ones((3, 8, 8))
    estimate = truth * np.array([10.0, 0.1, 0.0])[:, None, None]
    np.testing.assert_allclose(mass_residual_dex(estimate, truth, 5.0), [1.0, -1.0, np.nan])
    moved = np.zeros((8, 8))
    moved[0, 0] = 64.0
    assert mass_residual_dex(moved, truth[0], 5.0) == pytest.approx(0.0)


def test_planted_satellites_are_found_and_the_galaxy_is_none():
    places = found_in(galaxy())
    assert match_satellites(places, PLANTED, 1.5) == Matches(found=3, missed=0, made_up=0)
    assert len(found_in(galaxy(places=[]))) == 0
    central = found_in(galaxy(), exclude_kpc=0.0)
    assert len(central) == 4
    np.testing.assert_allclose(central[0], (0.0, 0.0), atol=1.0)


def test_prominence_is_the_height_above_the_pass():
    """Two hills of 1.0 and 0.6 dex on a plain, joined by a ridge of 0.2 dex."""
    log = np.full((20, 40), 5.0)
    log[10, 8:30] = 5.2
    log[10, 8], log[10, 30] = 6.0, 5.6
    log[3, 35] = 5.15

    def count(contrast):
        options = {"floor": 1e-9, "smoothing_kpc": 0.0, "exclude_kpc": 0.0}
        return len(find_satellites(10**log, 40.0, contrast_dex=contrast, **options))

    assert [count(c) for c in (0.1, 0.2, 0.39, 0.41, 0.99, 1.01)] == [3, 2, 2, 1, 1, 0]


def test_satellites_too_faint_or_in_the_center_are_left_out():
    assert len(found_in(galaxy(height=1e2))) == 0
    near = galaxy(places=np.array([[8.0, 0.0]]), height=3e8)
    assert len(found_in(near, exclude_kpc=5.0)) == 1
    assert len(found_in(near, exclude_kpc=10.0)) == 0


def test_found_places_turn_with_the_map():
    turned = found_in(np.rot90(galaxy(), axes=(1, 0)))  # rows are y upwards: x, y -> -y, x
    expected = np.stack([-PLANTED[:, 1], PLANTED[:, 0]], axis=1)
    assert match_satellites(turned, expected, 1.5).found == 3


def test_missed_and_made_up_satellites_are_counted():
    estimate = found_in(galaxy(places=np.vstack([PLANTED[:2] + 1.0, [[-15.0, -25.0]]])))
    matches = match_satellites(estimate, found_in(galaxy()), within_kpc=3.0)
    assert matches == Matches(found=2, missed=1, made_up=1)
    assert matches.completeness == pytest.approx(2 / 3)
    assert matches.purity == pytest.approx(2 / 3)
    assert matches.hallucination_rate == pytest.approx(1 / 3)
    assert match_satellites(estimate, PLANTED, within_kpc=0.5).found == 0


def test_as_many_pairs_as_possible_are_made():
    """The nearest first would pair 0 with 1 and leave 3.9 and -2.9 alone."""
    estimate, truth = np.array([[0.0, 0.0], [3.9, 0.0]]), np.array([[1.0, 0.0], [-2.9, 0.0]])
    assert match_satellites(estimate, truth, within_kpc=3.0).found == 2


def test_rates_of_a_set_count_satellites_alike():
    total = Matches.total([Matches(8, 0, 0), Matches(0, 1, 1), Matches(0, 1, 0)])
    assert total == Matches(8, 2, 1)
    assert total.completeness == pytest.approx(0.8)
    none = match_satellites(np.zeros((0, 2)), np.zeros((0, 2)), 1.0)
    assert none == Matches(0, 0, 0) == Matches.total([])
    assert np.isnan(none.completeness)
    assert np.isnan(none.hallucination_rate)
    assert match_satellites(np.zeros((2, 2)), np.zeros((0, 2)), 1.0).hallucination_rate == 1.0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="one map"):
        found_in(np.ones((2, 8, 8)))
    with pytest.raises(ValueError, match="floor"):
        find_satellites(np.ones((8, 8)), 8.0, floor=0.0)
    with pytest.raises(ValueError, match="places"):
        match_satellites(np.zeros((2, 3)), PLANTED, 1.0)
    with pytest.raises(ValueError, match="within_kpc"):
        match_satellites(PLANTED, PLANTED, 0.0)
