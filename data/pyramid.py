"""Grids of ever larger pixels under one map, and the way down from each to the next finer.

Every level's pixel is 3/2 as wide as that of the level below, so that a kernel finds a level on
which its support is between 2.8 and 4.2 pixels: enough for the level to resolve it, and little
enough for a stencil of 8 x 8. All levels share the center of the map, so that a galaxy that is
turned makes a map that is turned, and carry a margin around it.

On the way down the values of a level are masses in pixels, and a polynomial of fourth degree
through the masses of five pixels says how a pixel's mass is shared among its thirds; three of the
finer pixels take two thirds each. That moves mass but neither makes nor loses any, and where the
polynomial would take more from a third than there is, it is held back: no third goes below zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

RATIO = 1.5
# Pixels around the map at least: a stencil whose center matters to the map stays on the grid, and
# so do the five pixels.
MARGIN = 14
# Pixels a side at which the pyramid ends.
_SMALLEST = 16
# Shares of a pixel's thirds are (1 - odd + even, 1 - 2 even, 1 + odd + even) / 3. These limits
# leave at least 1/50 in each third.
ODD_LIMIT, EVEN_LIMIT = 0.79, 0.19


@dataclass(frozen=True)
class Pyramid:
    """The levels over a map, finest first, one after the other in one flat float64 buffer.

    Attributes
    ----------
    pixels : (levels,) width of a level's pixel in pixels of the map.
    sides : (levels,) pixels a side, margins included; a level is (channels, side, side), row = y.
    starts : (levels + 1,) where each level begins in the buffer of one channel; the last is its
        length. With more channels both are as many times larger.
    """

    pixels: NDArray[np.float64]
    sides: NDArray[np.int64]
    starts: NDArray[np.int64]


def build_pyramid(grid_size: int) -> Pyramid:
    """Return the levels over a map of `grid_size` pixels a side."""
    inner, sides = grid_size, [grid_size + 2 * MARGIN]
    while inner > _SMALLEST:
        inner = -(-2 * inner // 3)
        # Two pixels of this level are three of the last, on either side of the center.
        remainder = 2 * (sides[-1] % 2)
        sides.append(inner + 2 * MARGIN + (remainder - inner - 2 * MARGIN) % 4)
    starts = np.concatenate([[0], np.cumsum(np.square(sides))])
    return Pyramid(np.power(RATIO, range(len(sides))), np.array(sides), starts)


def flatten_pyramid(
    buffer: NDArray[np.float64], pyramid: Pyramid, channels: int
) -> NDArray[np.float64]:
    """Add every level of `buffer` to the next finer; return the finest, (channels, side, side)."""
    levels: list[NDArray[Any]] = [
        buffer[channels * start : channels * end].reshape(channels, side, side)
        for start, end, side in zip(
            pyramid.starts[:-1], pyramid.starts[1:], pyramid.sides, strict=True
        )
    ]
    for coarse, fine in zip(levels[:0:-1], levels[-2::-1], strict=True):
        for channel in range(channels):
            _refine(coarse[channel], fine[channel])
    return levels[0]


@njit(cache=True, nogil=True, fastmath=True)
def _slopes(a, b, mass, c, d, odd, even):  # pragma: no cover
    """Write how the pixels `mass` lean, from the neighbors on either side: a, b and c, d.

    Two loops, for LLVM gives up on vectors where it had to check more than eight pairs of arrays
    for overlap.
    """
    for i in range(len(mass)):
        limit = ODD_LIMIT * mass[i]
        odd[i] = min(max((5 * (a[i] - d[i]) + 37 * (c[i] - b[i])) / 162, -limit), limit)
    for i in range(len(mass)):
        limit = EVEN_LIMIT * mass[i]
        value = (13 * (b[i] + c[i]) - 24 * mass[i] - (a[i] + d[i])) / 486
        even[i] = min(max(value, -limit), limit)


@njit(cache=True, nogil=True, fastmath=True)
def _refine_row(m, fine, odd, even, line, skipped):  # pragma: no cover
    """Refine along x. m : pixels of a coarse row. fine : those of a finer one."""
    _slopes(m[:-4], m[1:-3], m[2:-2], m[3:-1], m[4:], odd[2:-2], even[2:-2])
    for k in range(1, len(m) // 2 - 1):
        i, j = 2 * k, 2 * k + 1
        line[3 * k] = (2 * m[i] - odd[i] - even[i]) / 3
        line[3 * k + 1] = (m[i] + odd[i] + even[i] + m[j] - odd[j] + even[j]) / 3
        line[3 * k + 2] = (2 * m[j] + odd[j] - even[j]) / 3
    fine[:] = line[skipped : skipped + len(fine)]


@njit(cache=True, nogil=True, fastmath=True)
def _add_thirds(lower, upper, odd, even, first, second, third):  # pragma: no cover
    """Add two rows of pixels to three."""
    o, e, p, f = odd[0], even[0], odd[1], even[1]
    for x in range(len(lower)):
        first[x] += (2 * lower[x] - o[x] - e[x]) / 3
    for x in range(len(lower)):
        second[x] += (lower[x] + o[x] + e[x] + upper[x] - p[x] + f[x]) / 3
    for x in range(len(lower)):
        third[x] += (2 * upper[x] + p[x] - f[x]) / 3


@njit(cache=True, nogil=True, fastmath=True)
def _refine(coarse, fine):  # pragma: no cover
    """Add a level to the next finer, both (side, side)."""
    rows, side = len(coarse), len(fine)
    # The last six rows of the coarse level, refined along x.
    window = np.empty((6, side))
    odd, even, spare = np.empty((2, side)), np.empty((2, side)), np.empty(side)
    line = np.zeros(3 * rows // 2)
    skipped = (len(line) - side) // 2
    for row in range(4):
        _refine_row(coarse[row], window[row], odd[0, :rows], even[0, :rows], line, skipped)
    for k in range(1, rows // 2 - 1):
        for row in (2 * k + 2, 2 * k + 3):
            _refine_row(coarse[row], window[row % 6], odd[0, :rows], even[0, :rows], line, skipped)
        top = 3 * k - skipped
        if top + 2 < 0 or top >= side:
            continue
        i = 2 * k + 4
        a, b, c = window[i % 6], window[(i + 1) % 6], window[(i + 2) % 6]
        d, e, f = window[(i + 3) % 6], window[(i + 4) % 6], window[(i + 5) % 6]
        _slopes(a, b, c, d, e, odd[0], even[0])
        _slopes(b, c, d, e, f, odd[1], even[1])
        first = fine[top] if top >= 0 else spare
        second = fine[top + 1] if 0 <= top + 1 < side else spare
        third = fine[top + 2] if top + 2 < side else spare
        _add_thirds(c, d, odd, even, first, second, third)
