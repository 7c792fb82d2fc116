import numpy as np
import pytest
from scipy.spatial.distance import cdist

from data.smoothing import (
    gas_smoothing_lengths,
    morton_order,
    neighbor_density,
    neighbor_smoothing_lengths,
)


def test_gas_radius_is_that_of_a_sphere_of_the_volume_of_the_cell():
    # A cell of 4/3 pi kpc^3 has the radius 1 kpc.
    got = gas_smoothing_lengths(np.array([8.0, 8.0]), np.array([6 / np.pi, 48 / np.pi]))
    np.testing.assert_allclose(got, [2.5, 1.25])


def test_gas_without_density_is_refused():
    with pytest.raises(ValueError, match="density must be positive"):
        gas_smoothing_lengths(np.ones(2), np.array([1.0, 0.0]))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rank", [1, 7, 32, 500])
def test_neighbor_of_rank_is_that_of_all_distances(rng, rank, threads):
    points = rng.normal(0, 1, (300, 3)) ** 3
    expected = np.sort(cdist(points, points), axis=1)[:, min(rank, 299)]
    got = neighbor_smoothing_lengths(points, rank, threads=threads)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_points_that_coincide_get_the_smallest_positive_distance():
    points = np.zeros((40, 3))
    np.testing.assert_array_equal(neighbor_smoothing_lengths(points), np.ones(40))
    points[-1] = [3.0, 0.0, 4.0]
    np.testing.assert_allclose(neighbor_smoothing_lengths(points), 5.0)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_points_have_no_neighbor(count):
    np.testing.assert_array_equal(neighbor_smoothing_lengths(np.zeros((count, 3))), np.ones(count))


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="coordinates must be finite"):
        neighbor_smoothing_lengths(np.full((5, 3), np.nan))
    with pytest.raises(ValueError, match="num_neighbors must be at least 1"):
        neighbor_smoothing_lengths(np.zeros((5, 3)), 0)


def test_density_of_a_uniform_cube(rng):
    points = rng.uniform(0, 1, (20_000, 3))
    inner = (np.abs(points - 0.5) < 0.3).all(axis=1)
    got = neighbor_density(points, np.full(20_000, 5.0))[inner]
    assert np.median(got) == pytest.approx(1e5, rel=0.1)  # the point itself counts


def test_morton_order_walks_the_octants_and_their_octants():
    # The eight corners of a cube in each of the eight corners of a larger one.
    bits = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], float)
    points = np.concatenate([16 * corner + bits for corner in bits])
    shuffled = np.random.default_rng(1).permutation(64)
    np.testing.assert_array_equal(shuffled[morton_order(points[shuffled])], np.arange(64))
