from itertools import pairwise

import numpy as np
import pytest

from data.random_field import KOLMOGOROV, RandomField, draw_field


def modes(grid):
    k = np.fft.fftfreq(grid, 1.0 / grid)
    return np.stack(np.meshgrid(k, k, k, indexing="ij"))


@pytest.mark.parametrize(
    ("vector", "slope"), [(False, KOLMOGOROV), (True, KOLMOGOROV), (False, 3.0)]
)
def test_spectrum_has_its_slope(rng, vector, slope):
    field = draw_field(1.0, rng, vector=vector, slope=slope, outer_scale=1e3)
    power = np.sum(np.abs(np.fft.fftn(field.values, axes=(1, 2, 3))) ** 2, axis=0)
    k = np.sqrt(np.sum(modes(64) ** 2, axis=0))
    shells = np.geomspace(3, 30, 12)
    mean = [power[(k >= a) & (k < b)].mean() for a, b in pairwise(shells)]
    middle = np.sqrt(shells[1:] * shells[:-1])
    assert np.polyfit(np.log(middle), np.log(mean), 1)[0] == pytest.approx(-slope, abs=0.12)
    assert power[k >= 32].max() < 1e-6 * power.max()


def test_vectors_have_no_divergence_and_unit_length(rng):
    field = draw_field(1.0, rng, vector=True)
    transform = np.fft.fftn(field.values, axes=(1, 2, 3))
    along = np.abs(np.sum(modes(64) * transform, axis=0))
    length = np.sqrt(np.sum(modes(64) ** 2, axis=0) * np.sum(np.abs(transform) ** 2, axis=0))
    assert along.max() < 1e-4 * length.max()
    assert np.mean(np.sum(field.values**2, axis=0)) == pytest.approx(1.0, rel=1e-5)


def steepness(read, rng, points=4000, step=0.01):
    """Return (3, 3), trace 1: mean product of a scalar's slopes along each pair of axes."""
    xyz = rng.uniform(-0.5, 0.5, (points, 3))
    slopes = np.stack([read(xyz + step * e) - read(xyz - step * e) for e in np.eye(3)])
    tensor = slopes @ slopes.T
    return tensor / np.trace(tensor)


def test_no_direction_is_preferred():
    """A sum of sixteen plane waves, which drew stripes over halos, fails this in most draws."""
    spread, waves = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        field = draw_field(1.0, rng, vector=True, outer_scale=0.3)
        read = lambda xyz: np.log(np.linalg.norm(field(xyz), axis=1))  # noqa: B023, E731
        spread.append(np.ptp(np.linalg.eigvalsh(steepness(read, rng))))
        k = rng.standard_normal((16, 3))
        length = np.geomspace(0.5, 0.08, 16)[:, None]
        k *= 2 * np.pi / length / np.linalg.norm(k, axis=1, keepdims=True)
        few = lambda xyz: np.cos(xyz @ k.T) @ length[:, 0]  # noqa: B023, E731
        waves.append(np.ptp(np.linalg.eigvalsh(steepness(few, rng))))
    assert np.max(spread) < 0.1
    assert np.median(waves) > 0.2


def test_reading_is_linear_periodic_and_turned(rng):
    values = rng.standard_normal((3, 8, 8, 8)).astype(np.float32)
    plain = RandomField(values, 4.0, np.eye(3))
    at = np.array([[0.5, 1.0, 1.5], [4.5, -3.0, 5.5]])  # grid point (1, 2, 3), and 4 kpc on
    np.testing.assert_allclose(plain(at), np.tile(values[:, 1, 2, 3], (2, 1)), rtol=1e-6)
    between = plain(np.array([[0.25, 0.0, 0.0]]))[0]
    np.testing.assert_allclose(between, 0.5 * (values[:, 0, 0, 0] + values[:, 1, 0, 0]), rtol=1e-5)
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = RandomField(values, 4.0, quarter)
    np.testing.assert_allclose(turned(at @ quarter), plain(at) @ quarter, rtol=1e-6)
