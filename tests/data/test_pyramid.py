import numpy as np
import pytest
import torch
from numba import njit

from data.projection_torch import flatten_grids
from data.pyramid import MARGIN, build_pyramid, flatten_pyramid
from data.stencil import WIDTH, add_stencil, fill_stencil


def quartic(side, width):
    """Return the mass of 3 + (x - 2 y)^4 / 1e6 in pixels of a grid around the origin."""
    edges = (np.arange(side + 1) - side / 2) * width
    # The integral over x and y of (x - 2 y)^4 is -(x - 2 y)^6 / 60.
    corners = -((edges[None, :] - 2 * edges[:, None]) ** 6) / 60e6
    corners += 3 * edges[None, :] * edges[:, None]
    return np.diff(np.diff(corners, axis=0), axis=1)


def flatten_arrays(levels, pyramid):
    buffer = np.concatenate([level.ravel() for level in levels])
    return flatten_pyramid(buffer, pyramid, len(levels[0]))


def flatten_tensors(levels, pyramid):
    grids = np.concatenate([level.reshape(len(level), -1) for level in levels], axis=1)
    return flatten_grids(torch.from_numpy(grids), pyramid).numpy()


@pytest.mark.parametrize("flatten", [flatten_arrays, flatten_tensors])
@pytest.mark.parametrize("grid_size", [40, 41, 64, 101])
def test_refinement_is_exact_for_polynomials_of_fourth_degree(flatten, grid_size):
    pyramid = build_pyramid(grid_size)
    assert len(pyramid.sides) > 2
    levels = [np.zeros((2, side, side)) for side in pyramid.sides]
    coarsest = quartic(pyramid.sides[-1], pyramid.pixels[-1])
    levels[-1][:] = coarsest, coarsest.T
    finest = flatten(levels, pyramid)
    inner = slice(MARGIN, MARGIN + grid_size)
    expected = quartic(pyramid.sides[0], 1.0)
    np.testing.assert_allclose(finest[0, inner, inner], expected[inner, inner], rtol=1e-7)
    np.testing.assert_allclose(finest[1, inner, inner], expected.T[inner, inner], rtol=1e-7)


@pytest.mark.parametrize("flatten", [flatten_arrays, flatten_tensors])
@pytest.mark.parametrize("grid_size", [17, 40, 41, 64, 101])
def test_refinement_keeps_mass_and_goes_nowhere_below_zero(rng, flatten, grid_size):
    pyramid = build_pyramid(grid_size)
    for filled in range(1, len(pyramid.sides)):
        levels = [np.zeros((1, side, side)) for side in pyramid.sides]
        # Three pixels inside of the map's edge, so that nothing is refined off the grid.
        core = slice(MARGIN + 3, MARGIN + 6)
        levels[filled][0, core, core] = 10.0 ** rng.uniform(-6, 6, (3, 3))
        finest = flatten(levels, pyramid)
        assert finest.sum() == pytest.approx(levels[filled].sum(), rel=1e-12)
        assert finest.min() >= 0


def test_levels_share_their_center_and_cover_the_map():
    for grid_size in range(1, 200):
        pyramid = build_pyramid(grid_size)
        for fine, coarse in zip(pyramid.sides[:-1], pyramid.sides[1:], strict=True):
            assert coarse % 2 == 0
            assert (3 * coarse // 2 - fine) % 2 == 0
        assert ((pyramid.sides - 2 * MARGIN) * pyramid.pixels >= grid_size).all()


@njit
def stamped(x, y, inverse, cubic, quintic, start, weight):
    stencil, grid = np.empty(WIDTH * WIDTH, np.float32), np.ones(12 * 11)
    fill_stencil(stencil, x, y, inverse, cubic, quintic)
    add_stencil(grid, start, 12, stencil, weight)
    return grid.reshape(11, 12)


def test_stencil_is_the_normalized_profile():
    x, y, inverse, cubic, quintic = 3.4, 3.9, 1 / 3.1**2, 2.5, 2.0
    rows, columns = np.mgrid[:WIDTH, :WIDTH]
    u = np.clip(1 - inverse * ((columns - x) ** 2 + (rows - y) ** 2), 0, None)
    expected = np.ones((11, 12))
    profile = cubic * u**3 + quintic * u**5
    expected[2:10, 3:11] += 7.0 * profile / profile.sum()
    got = stamped(x, y, inverse, cubic, quintic, 2 * 12 + 3, 7.0)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
