"""The projection of `data.projection` on the device that holds the tensors.

The same levels, stencils and way down as in `data.deposit` and `data.pyramid`, with all particles
of a chunk at once. Stencils are single precision and are added up in double precision: half of the
memory's bandwidth, which is what bounds this, and no particle too light to count beside a million
others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from data.deposit import HALF, LONGEST, SHORTEST, SMALL, STEPS, WIDE, marginal_distribution
from data.pyramid import EVEN_LIMIT, MARGIN, ODD_LIMIT, RATIO, Pyramid, build_pyramid
from data.stencil import WIDTH

# Pixels of stencils at once: the largest temporary arrays have as many elements.
_CHUNK = {"cpu": 2**18, "cuda": 2**24}
_MARGINAL = torch.from_numpy(marginal_distribution())


@torch.no_grad()
def project_tensors(
    coordinates: Tensor, weights: Tensor, supports: Tensor, extent: float, size: int
) -> Tensor:
    """Project particles with weights that are not negative.

    coordinates : (n, 3). weights : (channels, n). supports : (n,). All float64 on one device.
    Returns (channels, size, size) float64 there.
    """
    pyramid, pixel = build_pyramid(size), extent / size
    last = len(pyramid.pixels) - 1

    def by_level(values: NDArray[Any]) -> Tensor:
        return torch.as_tensor(values, device=coordinates.device)[level]

    ratio = (supports / (pixel * SHORTEST)).clamp(1.0).float()
    level = (ratio.log() / math.log(RATIO)).clamp(max=last).long()
    scale, side = by_level(1.0 / (pixel * pyramid.pixels)), by_level(pyramid.sides)
    support = supports * scale
    x, y = (coordinates[:, :2] * scale[:, None] + 0.5 * (side[:, None] - 1)).unbind(1)
    low, high = torch.minimum(x, y), torch.maximum(x, y)
    near = (low > HALF) & (high < side - HALF - 2)
    wide = support >= 1.001 * LONGEST
    small = support < SMALL

    grids = coordinates.new_zeros(len(weights), int(pyramid.starts[-1]))
    start = by_level(pyramid.starts[:-1])
    for chosen, stencil, width in (
        (near & ~small & ~wide, _tiles, WIDTH),
        (near & small, _marginals, 4),
    ):
        for p in _chunks(chosen, width * width):
            i, j, stencils = stencil(x[p], y[p], support[p])
            _add(grids, weights[:, p], start[p] + j * side[p] + i, side[p], stencils)
    coarsest, pixels = grids[:, int(pyramid.starts[last]) :], int(pyramid.sides[last])
    for p in _chunks(wide & _reaching(x, y, support, side), pixels**2):
        coarsest += weights[:, p] @ _wide(x[p], y[p], support[p], pixels).flatten(1)
    finest = flatten_grids(grids, pyramid)
    return finest[:, MARGIN : MARGIN + size, MARGIN : MARGIN + size] / pixel**2


def _chunks(chosen: Tensor, pixels_each: int) -> Iterator[Tensor]:
    """Yield the indices of the chosen particles, as many at once as memory is meant for."""
    limit = _CHUNK.get(chosen.device.type, _CHUNK["cuda"])
    yield from chosen.nonzero()[:, 0].split(max(limit // pixels_each, 1))


def _add(grids: Tensor, weights: Tensor, first: Tensor, side: Tensor, stencils: Tensor) -> None:
    """Add stencils (n, width, width) whose first pixels are `first` (n,) on grids `side` wide."""
    # Indices are as much of the traffic as the stencils.
    index = torch.int32 if grids.shape[1] < 2**31 else torch.int64
    steps = torch.arange(stencils.shape[-1], device=first.device, dtype=index)
    rows = (first[:, None] + side[:, None] * steps).to(index)
    pixels = (rows[:, :, None] + steps).flatten()
    for grid, weight in zip(grids, weights, strict=True):
        grid.index_add_(0, pixels, (stencils * weight[:, None, None]).flatten())


def _profile(support: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return 1/R^2 and the factors of u^3 and u^5, as `data.deposit` has them."""
    square = support * support
    share = (28.0 / (9.0 * square + 11.25)).clamp(max=0.8)
    return (3.5 - share) / (3.5 * square + 35.0 / 12.0), 4.0 * (1.0 - share), 6.0 * share


def _values(x: Tensor, y: Tensor, factors: tuple[Tensor, ...], width: int) -> Tensor:
    """Return the profile (n, width, width) around centers in pixels from the first pixel's."""
    inverse, cubic, quintic = (factor[:, None, None] for factor in factors)
    steps = torch.arange(width, dtype=x.dtype, device=x.device)
    across = (steps - x[:, None]).square() * inverse[:, 0]
    upward = 1.0 - (steps - y[:, None]).square() * inverse[:, 0]
    u = (upward[:, :, None] - across[:, None, :]).clamp_(min=0.0)
    square = u * u
    return u.mul_(square).mul_(torch.addcmul(cubic, quintic, square))


def _tiles(x: Tensor, y: Tensor, support: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return column and row of the first pixel, and stencils (n, 8, 8) float32."""
    i, j = x.long() - HALF, y.long() - HALF
    factors = tuple(factor.float() for factor in _profile(support))
    values = _values((x - i).float(), (y - j).float(), factors, WIDTH)
    return i, j, values.div_(values.sum((1, 2), keepdim=True))


def _shares(center: Tensor, support: Tensor, first: Tensor) -> Tensor:
    """Return the shares (n, 4) of the pixels from `first` on in kernels below a pixel."""
    table = _MARGINAL.to(center.device)
    edges = torch.arange(3, device=center.device) + (first + 0.5 - center)[:, None]
    inside = (edges * (STEPS / support.clamp(min=1e-9))[:, None] + STEPS).clamp(0, 2 * STEPS - 1e-6)
    step = inside.long()
    upto = table[step] + (inside - step) * (table[step + 1] - table[step])
    return torch.diff(pad(pad(upto, (1, 0)), (0, 1), value=1.0), dim=1)


def _marginals(x: Tensor, y: Tensor, support: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return column and row of the first pixel, and stencils (n, 4, 4)."""
    i, j = (x - support + 0.5).floor().long(), (y - support + 0.5).floor().long()
    return i, j, _shares(y, support, j)[:, :, None] * _shares(x, support, i)[:, None, :]


def _reaching(x: Tensor, y: Tensor, support: Tensor, side: Tensor) -> Tensor:
    """Say which wide kernels have something on their grid."""
    radius = _profile(support)[0].rsqrt()
    return torch.maximum((x - 0.5 * side).abs(), (y - 0.5 * side).abs()) <= 0.5 * side + radius


def _wide(x: Tensor, y: Tensor, support: Tensor, side: int) -> Tensor:
    """Return stencils (n, side, side), of unit sum with the pixels off the grid."""
    factors = _profile(support)
    total = math.pi / factors[0]
    # The narrower ones are summed over all pixels that they reach.
    s = (total < math.pi * WIDE**2).nonzero()[:, 0]
    reach = math.ceil(WIDE)
    dx, dy = (center[s].frac() + reach for center in (x, y))
    patch = _values(dx, dy, tuple(factor[s] for factor in factors), 2 * reach + 2)
    total[s] = patch.sum((1, 2))
    return _values(x, y, factors, side) / total[:, None, None]


def flatten_grids(grids: Tensor, pyramid: Pyramid) -> Tensor:
    """Add every level to the next finer; return the finest, (channels, side, side)."""
    sizes = [int(side) ** 2 for side in pyramid.sides]
    levels = [
        level.unflatten(1, (int(side), int(side)))
        for level, side in zip(grids.split(sizes, 1), pyramid.sides, strict=True)
    ]
    for coarse, fine in zip(levels[:0:-1], levels[-2::-1], strict=True):
        across = _refine(coarse, fine.shape[-1])
        fine += _refine(across.mT, fine.shape[-1]).mT
    return levels[0]


def _refine(mass: Tensor, side: int) -> Tensor:
    """Share the pixels' masses (..., pixels) among `side` pixels two thirds as wide."""
    a, b, m, c, d = (mass[..., k : mass.shape[-1] - 4 + k] for k in range(5))
    odd = (5 * (a - d) + 37 * (c - b)) / 162
    odd = torch.minimum(torch.maximum(odd, -ODD_LIMIT * m), ODD_LIMIT * m)
    even = (13 * (b + c) - 24 * m - (a + d)) / 486
    even = torch.minimum(torch.maximum(even, -EVEN_LIMIT * m), EVEN_LIMIT * m)
    left = [array[..., ::2] for array in (m, odd, even)]
    right = [array[..., 1::2] for array in (m, odd, even)]
    first = 2 * left[0] - left[1] - left[2]
    second = sum(left) + right[0] - right[1] + right[2]
    third = 2 * right[0] + right[1] - right[2]
    line = torch.stack([first, second, third], -1).flatten(-2) / 3
    # The first two pixels, three of the finer ones, have no slopes: the margin holds them.
    before = 3 - (3 * mass.shape[-1] // 2 - side) // 2
    return pad(line, (before, side - line.shape[-1] - before))
