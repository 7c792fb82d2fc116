"""Distances of sets of points and densities of known ones."""

import numpy as np
import pytest

from engine.metrics.cloud import chamfer_distance, density_profile, earth_movers_distance

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("distance", [chamfer_distance, earth_movers_distance])
def test_a_set_is_at_no_distance_from_itself_in_another_order(distance):
    points = RNG.normal(size=(200, 3))
    assert distance(points, RNG.permutation(points)) == pytest.approx(0.0, abs=1e-12)


def test_a_moved_set_is_as_far_as_it_was_moved():
    points = RNG.normal(size=(200, 3))
    assert earth_movers_distance(points, points + np.array([3.0, 4.0, 0.0])) == pytest.approx(5.0)
    assert chamfer_distance(points, points + np.array([3000.0, 4000.0, 0.0])) < 5000.0
    one, two = np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    assert chamfer_distance(one, two) == pytest.approx(0.5 * (1.0 + 2.0))


def test_earth_movers_know_how_many_points_are_where_and_chamfer_does_not():
    ends = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    left, right = ends[[0] * 9 + [1]], ends[[0] + [1] * 9]
    assert chamfer_distance(left, right) == 0.0
    assert earth_movers_distance(left, right) == pytest.approx(0.8)


def test_a_uniform_ball_has_its_density_in_all_shells():
    directions = RNG.normal(size=(200_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions * 2.0 * np.cbrt(RNG.uniform(size=(200_000, 1)))
    density = density_profile(points, 10.0, np.linspace(0.0, 2.0, 5))
    assert density == pytest.approx(10.0 / (4.0 / 3.0 * np.pi * 8.0), rel=0.05)
    assert density_profile(points, 10.0, np.array([2.0, 3.0])) == pytest.approx(0.0)


def test_what_is_no_set_of_points_is_one_sentence():
    with pytest.raises(ValueError, match=r"others must have shape \(n, 3\) .* got \(0, 3\)"):
        chamfer_distance(np.zeros((1, 3)), np.zeros((0, 3)))
