"""Particles onto the pyramid of grids: which stencil a particle gets, and where.

The kernel of support H (all lengths here in pixels) is 4/(pi H^2) (1 - q^2)^3, the line-of-sight
integral of the three-dimensional (1 - r^2)^2.5; it needs no square root. Averaged over a pixel it
has the variance H^2/10 + 1/12 along an axis, and, averaged over directions, the fourth cumulant
-(H^4/200 + 1/160). The profile (4 (1-s) u^3 + 6 s u^5) / (pi R^2), with u = 1 - r^2/R^2, has both
for the right share s and radius R. Its values at the pixels' centers, normalized to a sum of one,
are the stencil, so that a particle's mass is kept to rounding.

Kernels below a pixel get the product of the two marginal distributions of the kernel instead. That
is exact in each pixel unless the corner of four pixels lies inside the kernel, and off by little
there.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data.pyramid import RATIO
from data.stencil import WIDTH, add_stencil, fill_stencil

# Kernel supports in pixels of the level: below the first the product of marginals is used. Levels
# are chosen so that supports lie between the other two, but for the finest and the coarsest level.
# At the last a stencil of 8 x 8 cuts off what is below a thousandth of the kernel's center.
SMALL, SHORTEST, LONGEST = 1.3, 2.8, 2.8 * RATIO
# From this radius on the sum of a stencil equals its integral to 4e-6, and a stencil that wide is
# only used on the coarsest level, where none of its kernels fits into the map.
WIDE = 12.0
STEPS = 512
# Pixels of a stencil before the one that holds its center.
HALF = WIDTH // 2 - 1
# Stencils of one level that are made before they are added, channel after channel. The grids of all
# levels and channels do not fit into the near caches; one channel of a coarse level does, and
# additions with nothing in between wait for memory together.
_BATCH = 512


def level_of_kernels(supports: NDArray[np.float64], num_levels: int) -> NDArray[np.int8]:
    """Return the level for each kernel, given its support in pixels of the finest one."""
    ratio = np.maximum(supports / SHORTEST, 1.0).astype(np.float32)
    level = np.log(ratio) * np.float32(1.0 / math.log(RATIO))
    return np.minimum(level, num_levels - 1).astype(np.int8)


def marginal_distribution() -> NDArray[np.float64]:
    """Return the mass of the unit kernel in x < a for a from -1 to 1, as a table.

    The density in x is 128/(35 pi) (1 - x^2)^3.5.
    """
    a = np.linspace(-1.0, 1.0, 2 * STEPS + 1)
    square = np.maximum(1.0 - a * a, 0.0)
    series = 1.0 + square * (2 / 3 + square * (8 / 15 + square * (16 / 35)))
    return 0.5 + (np.arcsin(a) + a * np.sqrt(square) * series) / np.pi


@njit(cache=True, nogil=True, fastmath=True)
def _shares(table, center, support, first, shares):  # pragma: no cover
    """Write the shares of the four pixels from `first` on in a kernel that leaves them nowhere."""
    scale = STEPS / max(support, 1e-9)
    place = (first + 0.5 - center) * scale + STEPS
    below = 0.0
    for i in range(3):
        # No branches: where the edges lie is anything but predictable.
        inside = min(max(place + i * scale, 0.0), 2.0 * STEPS - 1e-6)
        step = int(inside)
        upto = table[step] + (inside - step) * (table[step + 1] - table[step])
        shares[i] = upto - below
        below = upto
    shares[3] = 1.0 - below


@njit(cache=True, nogil=True, fastmath=True)
def _profile(support):  # pragma: no cover
    """Return 1/R^2 and the factors of u^3 and u^5 that make the integral pi R^2.

    28/9/(H^2 + 5/4) is within 0.02 of the root of the quadratic equation for the fourth cumulant
    from H = 2.2 on, and has its limit; below that there is no or hardly a root.
    """
    square = support * support
    share = min(28.0 / (9.0 * square + 11.25), 0.8)
    return (3.5 - share) / (3.5 * square + 35.0 / 12.0), 4.0 * (1.0 - share), 6.0 * share


@njit(cache=True, nogil=True, fastmath=True)
def _add_wide(level, x, y, support, weights, row):  # pragma: no cover
    """Add a kernel that may cover any number of pixels; those off the grid take part in its sum."""
    channels, side, _ = level.shape
    inverse, cubic, quintic = _profile(support)
    radius = 1.0 / math.sqrt(inverse)
    if max(abs(x - 0.5 * side), abs(y - 0.5 * side)) > 0.5 * side + radius:
        return
    total = math.pi / inverse
    if radius < WIDE:
        total = 0.0
        for j in range(math.ceil(y - radius), math.floor(y + radius) + 1):
            for i in range(math.ceil(x - radius), math.floor(x + radius) + 1):
                u = max(1.0 - inverse * ((i - x) * (i - x) + (j - y) * (j - y)), 0.0)
                total += u * u * u * (cubic + quintic * u * u)
    last = side - 1.0
    low, high = math.ceil(max(0.0, x - radius)), math.floor(min(last, x + radius)) + 1
    bottom, top = math.ceil(max(0.0, y - radius)), math.floor(min(last, y + radius)) + 1
    for j in range(bottom, top):
        for i in range(low, high):
            u = max(1.0 - inverse * ((i - x) * (i - x) + (j - y) * (j - y)), 0.0)
            row[i] = u * u * u * (cubic + quintic * u * u) / total
        for c in range(channels):
            for i in range(low, high):
                level[c, j, i] += weights[c] * row[i]


@njit(cache=True, nogil=True, fastmath=True)
def _add_small(level, x, y, support, weights, table, across, upward):  # pragma: no cover
    i0, j0 = math.floor(x - support + 0.5), math.floor(y - support + 0.5)
    _shares(table, x, support, i0, across)
    _shares(table, y, support, j0, upward)
    for c in range(len(level)):
        for j in range(4):
            weight = weights[c] * upward[j]
            for i in range(4):
                level[c, j0 + j, i0 + i] += weight * across[i]


@njit(cache=True, nogil=True, fastmath=True)
def _add_batch(buffer, stencils, pixels, side, weights, particles):  # pragma: no cover
    """Add stencils to one level. pixels : index of each one's first pixel in the first channel."""
    for c in range(len(weights)):
        for k in range(len(particles)):
            pixel, weight = pixels[k] + c * side * side, weights[c, particles[k]]
            add_stencil(buffer, pixel, side, stencils[k], weight)


@njit(cache=True, nogil=True, fastmath=True)
def deposit(
    buffer, coordinates, weights, supports, level_of, part, grids, table
):  # pragma: no cover
    """Add particles to the levels of a pyramid.

    buffer : flat float64, see `data.pyramid.Pyramid`. coordinates : (n, 3). weights :
    (channels, n). supports, level_of : (n,). part : first particle, and the one after the last.
    grids : for each level, index of the pixel (a fraction) at coordinate zero, pixels a unit of
    length, start in the buffer and side. table : `marginal_distribution()`.
    """
    centers, scales, starts, sides = grids
    channels = len(weights)
    stencils = np.empty((len(scales), _BATCH, WIDTH * WIDTH), np.float32)
    particles, pixels = np.empty((2, len(scales), _BATCH), np.int64)
    filled = np.zeros(len(scales), np.int64)
    across, upward, row = np.empty(4), np.empty(4), np.empty(sides[len(scales) - 1])
    for p in range(part[0], part[1]):
        level = level_of[p]
        side = sides[level]
        support = supports[p] * scales[level]
        x = coordinates[p, 0] * scales[level] + centers[level]
        y = coordinates[p, 1] * scales[level] + centers[level]
        start = channels * starts[level]
        tile = SMALL <= support < 1.001 * LONGEST
        near = HALF < x < side - HALF - 2 and HALF < y < side - HALF - 2
        if tile and near:
            k = filled[level]
            i, j = int(x) - HALF, int(y) - HALF
            inverse, cubic, quintic = _profile(support)
            fill_stencil(stencils[level, k], x - i, y - j, inverse, cubic, quintic)
            particles[level, k], pixels[level, k] = p, start + j * side + i
            filled[level] = k + 1
            if k + 1 == _BATCH:
                _add_batch(buffer, stencils[level], pixels[level], side, weights, particles[level])
                filled[level] = 0
        elif not tile:
            grid = buffer[start : start + channels * side * side].reshape(channels, side, side)
            if support > LONGEST:
                _add_wide(grid, x, y, support, weights[:, p], row)
            elif near:
                _add_small(grid, x, y, support, weights[:, p], table, across, upward)
    for level in range(len(scales)):
        k = filled[level]
        _add_batch(
            buffer, stencils[level], pixels[level], sides[level], weights, particles[level, :k]
        )
