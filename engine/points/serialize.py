"""Points in a line: their places along space-filling curves, and an order that is all their own.

Along a Hilbert curve cells that follow each other touch, so that what is near in the line is near
in space; the converse fails where the curve turns away, which is why networks take several curves.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Cells a side, as a power of two: three coordinates share the 63 bits of an index.
BITS = 16
MOST_BITS = 21
# Half the side of the cube that is divided into cells, in the units of networks.
HALF_SIDE = 8.0


def interleave(cells: Tensor) -> Tensor:
    """Return indices (...) along the Morton curve of cells (..., 3), int64 below 2^21.

    The first coordinate has the highest bit of each three.
    """
    spread = cells
    for shift, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        spread = (spread | (spread << shift)) & mask
    x, y, z = spread.unbind(-1)
    return (x << 2) | (y << 1) | z


def hilbert(cells: Tensor, bits: int) -> Tensor:
    """Return indices (...) along the Hilbert curve of cells (..., 3), int64 from 0 to 2^bits - 1.

    Skilling (2004), AIP Conf. Proc. 707, 381: reflections and swaps of axes are undone from the
    coarsest cells to the finest, then the Gray code. Bit operations alone, so that the time is
    linear in the points.
    """
    x = list(cells.unbind(-1))
    for level in range(bits - 1, 0, -1):
        bit = 1 << level
        below = bit - 1
        for axis in range(3):
            is_set = (x[axis] & bit) != 0
            swapped = (x[0] ^ x[axis]) & below
            first = torch.where(is_set, x[0] ^ below, x[0] ^ swapped)
            if axis:
                x[axis] = torch.where(is_set, x[axis], x[axis] ^ swapped)
            x[0] = first
    x[1] = x[1] ^ x[0]
    x[2] = x[2] ^ x[1]
    flips = torch.zeros_like(x[2])
    for level in range(bits - 1, 0, -1):
        flips = torch.where((x[2] >> level) & 1 != 0, flips ^ ((1 << level) - 1), flips)
    return interleave(torch.stack([one ^ flips for one in x], dim=-1))


def morton(cells: Tensor, bits: int) -> Tensor:
    """Return indices along the Morton curve, in the form of `hilbert`."""
    del bits
    return interleave(cells)


CURVES: dict[str, Callable[[Tensor, int], Tensor]] = {"hilbert": hilbert, "morton": morton}


def curve_index(points: Tensor, curve: str, turn: int = 0, *, bits: int = BITS) -> Tensor:
    """Return where points (..., 3) lie along a curve, int64 (...).

    Parameters
    ----------
    points : in the units of networks; those beyond `HALF_SIDE` count as at the edge.
    curve : one of `CURVES`.
    turn : another curve of the same kind for each number: its axes change places, and its cells
        are shifted, so that the edges of one are not those of the next.
    """
    shifted = points.roll(-turn, dims=-1) + 0.37 * turn
    share = (shifted + HALF_SIDE) / (2.0 * HALF_SIDE)
    cells = (share * 2**bits).long().clamp(0, 2**bits - 1)
    return CURVES[curve](cells, bits)


def canonical_order(index: Tensor, values: Tensor) -> Tensor:
    """Return the order (n, length) of points by index (n, length), of equals by `values`.

    Ties go by the columns of values (n, length, c), the first above all, so that only points that
    are alike in everything are left as they came: the order depends on the set and not on how it
    was given.
    """
    order = index.argsort(dim=1, stable=True)
    along = index.gather(1, order)
    if not bool((along[:, 1:] == along[:, :-1]).any()):
        return order
    order = torch.arange(index.shape[1], device=index.device).expand_as(index)
    for column in (*values.unbind(-1)[::-1], index):
        order = order.gather(1, column.gather(1, order).argsort(dim=1, stable=True))
    return order


def take(values: Tensor, order: Tensor) -> Tensor:
    """Return values (n, length, c) in an order (n, m)."""
    return values.gather(1, order[..., None].expand(-1, -1, values.shape[-1]))


def inverse(order: Tensor) -> Tensor:
    """Return the order that undoes one, (n, length)."""
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)
