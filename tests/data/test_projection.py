import numpy as np
import pytest

from data.projection import project


def reference(coordinates, weights, support, extent_kpc, grid_size, oversampling=16):
    """Integrate the kernel (1 - q^2)^3 over pixels by midpoints, in float64."""
    fine = grid_size * oversampling
    axis = (np.arange(fine) + 0.5) / fine * extent_kpc - extent_kpc / 2
    total = np.zeros((fine, fine))
    for (x, y, _), w, h in zip(coordinates, weights, support, strict=True):
        q2 = ((axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2) / h**2
        total += w * 4 / (np.pi * h**2) * np.clip(1 - q2, 0, None) ** 3
    return total.reshape(grid_size, oversampling, grid_size, oversampling).mean(axis=(1, 3))


@pytest.fixture
def particles(rng):
    coordinates = rng.normal(0, 6.0, (300, 3))
    return coordinates, rng.uniform(1, 3, 300), rng.uniform(2.0, 6.0, 300)


def test_agrees_with_integrated_kernel(particles):
    coordinates, weights, support = particles
    got = project(coordinates, weights, support, extent_kpc=32.0, grid_size=32)[0]
    truth = reference(coordinates, weights, support, 32.0, 32)
    assert np.abs(got - truth).sum() < 1e-2 * truth.sum()


@pytest.mark.parametrize("support", [1e-3, 0.4, 2.0, 9.0])
def test_conserves_contained_mass(rng, support):
    coordinates = rng.uniform(-5, 5, (200, 3))
    weights = rng.uniform(1, 2, (2, 200))
    maps = project(coordinates, weights, np.full(200, support), extent_kpc=32.0, grid_size=64)
    np.testing.assert_allclose(maps.sum(axis=(1, 2)) * 0.25, weights.sum(axis=1), rtol=1e-6)


def test_kernel_far_larger_than_the_map_is_its_central_value():
    got = project(np.zeros((1, 3)), np.ones(1), np.array([1e3]), extent_kpc=1.0, grid_size=8)
    np.testing.assert_allclose(got, 4 / (np.pi * 1e6), rtol=1e-4)


def test_particle_lies_where_its_coordinates_say():
    got = project(np.array([[3.5, -1.5, 9.0]]), np.ones(1), np.array([0.01]), extent_kpc=10.0,
                  grid_size=10)[0]  # fmt: skip
    assert np.unravel_index(got.argmax(), got.shape) == (3, 8)


def test_channels_are_independent(particles):
    coordinates, weights, support = particles
    both = project(coordinates, np.stack([weights, 2 * weights]), support, extent_kpc=20.0,
                   grid_size=16)  # fmt: skip
    alone = project(coordinates, weights, support, extent_kpc=20.0, grid_size=16)
    np.testing.assert_allclose(both[0], alone[0])
    np.testing.assert_allclose(both[1], 2 * alone[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coordinates": np.zeros((3, 2))}, "coordinates must have shape"),
        ({"weights": np.ones(4)}, "weights must have shape"),
        ({"smoothing_lengths": np.ones(2)}, "smoothing_lengths must have shape"),
        ({"coordinates": np.full((3, 3), np.nan)}, "coordinates must be finite"),
        ({"smoothing_lengths": -np.ones(3)}, "smoothing_lengths must not be negative"),
        ({"extent_kpc": 0.0}, "extent_kpc must be above zero"),
        ({"grid_size": 0}, "grid_size must be a positive"),
    ],
)
def test_bad_input_is_said_in_one_sentence(change, said):
    good = {"coordinates": np.zeros((3, 3)), "weights": np.ones(3),
            "smoothing_lengths": np.ones(3), "extent_kpc": 4.0, "grid_size": 4}  # fmt: skip
    with pytest.raises(ValueError, match=said):
        project(**{**good, **change})
