"""Smoothed particles to surface-density maps, with the mass conserved exactly.

The three-dimensional kernel (1 - r^2/H^2)^2.5 has the line-of-sight integral (1 - q^2)^3, which
needs no square root. Averaging over a pixel is taken up to second moments: a kernel of support H
has variance H^2/10 an axis and a pixel of side 1 has 1/12, so H_eff^2 = H^2 + 10/12 in pixels.
Each particle's discrete stencil is normalized to one over all pixels it touches, also those
outside the frame, so that what lies inside the frame is conserved to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_PIXEL_VARIANCE = 10.0 / 12.0
# Above this support in pixels the sum of the stencil equals its integral to 1e-6.
_WIDE = 12.0


@njit(cache=True, nogil=True, fastmath=True)
def _stencil_sum(x: float, y: float, inverse: float, support: float) -> float:  # pragma: no cover
    total = 0.0
    for iy in range(int(np.ceil(y - support)), int(np.floor(y + support)) + 1):
        dy2 = (iy - y) * (iy - y) * inverse
        for ix in range(int(np.ceil(x - support)), int(np.floor(x + support)) + 1):
            u = max(1.0 - dy2 - (ix - x) * (ix - x) * inverse, 0.0)
            total += u * u * u
    return total


@njit(cache=True, nogil=True, fastmath=True)
def _deposit(grid, x, y, support, weights, row):  # pragma: no cover
    channels, size, _ = grid.shape
    for p in range(len(x)):
        h = np.sqrt(support[p] * support[p] + _PIXEL_VARIANCE)
        y0 = max(0, int(np.ceil(y[p] - h)))
        y1 = min(size - 1, int(np.floor(y[p] + h)))
        x0 = max(0, int(np.ceil(x[p] - h)))
        x1 = min(size - 1, int(np.floor(x[p] + h)))
        if y0 > y1 or x0 > x1:
            continue
        inverse = 1.0 / (h * h)
        scale = 4.0 * inverse / np.pi if h > _WIDE else 1.0 / _stencil_sum(x[p], y[p], inverse, h)
        for iy in range(y0, y1 + 1):
            top = 1.0 - (iy - y[p]) * (iy - y[p]) * inverse
            for ix in range(x0, x1 + 1):
                d = ix - x[p]
                u = max(top - d * d * inverse, 0.0)
                row[ix] = scale * u * u * u
            for c in range(channels):
                w = weights[c, p]
                for ix in range(x0, x1 + 1):
                    grid[c, iy, ix] += w * row[ix]


def project(
    coordinates: NDArray[Any],
    weights: NDArray[Any],
    smoothing_lengths: NDArray[Any],
    *,
    extent_kpc: float,
    grid_size: int,
) -> NDArray[np.float64]:
    """Project smoothed particles along the last axis onto a square map.

    Parameters
    ----------
    coordinates : (n, 3) kpc relative to the center of the map; the line of sight is the last axis.
    weights : (n,) or (channels, n), as masses in Msun. All channels share one pass.
    smoothing_lengths : (n,) kpc, the radius at which the kernel vanishes.
    extent_kpc : full side of the map.
    grid_size : pixels a side.

    Returns
    -------
    (channels, grid_size, grid_size) weight per kpc^2; row = y upwards, column = x.

    Raises
    ------
    ValueError : on wrong shapes, values that are not finite, or an extent or grid not above zero.
    """
    coordinates, weights, support = _checked(coordinates, weights, smoothing_lengths)
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be above zero, got {extent_kpc}")
    if int(grid_size) != grid_size or grid_size < 1:
        raise ValueError(f"grid_size must be a positive whole number, got {grid_size}")
    pixel = extent_kpc / grid_size
    center = 0.5 * grid_size - 0.5
    grid = np.zeros((len(weights), grid_size, grid_size))
    x, y = coordinates[:, 0] / pixel + center, coordinates[:, 1] / pixel + center
    _deposit(grid, x, y, support / pixel, weights, np.empty(grid_size))
    return grid / pixel**2


def _checked(
    coordinates: NDArray[Any], weights: NDArray[Any], smoothing_lengths: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    xyz = np.asarray(coordinates, np.float64)
    w = np.atleast_2d(np.ascontiguousarray(weights, np.float64))
    h = np.asarray(smoothing_lengths, np.float64)
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise ValueError(f"coordinates must have shape (n, 3), got {xyz.shape}")
    if w.ndim != 2 or w.shape[1] != len(xyz):
        raise ValueError(f"weights must have shape (channels, {len(xyz)}), got {w.shape}")
    if h.shape != (len(xyz),):
        raise ValueError(f"smoothing_lengths must have shape ({len(xyz)},), got {h.shape}")
    for name, array in (("coordinates", xyz), ("weights", w), ("smoothing_lengths", h)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinity")
    if (h < 0).any():
        raise ValueError(f"smoothing_lengths must not be negative, got {h.min()}")
    return xyz, w, h
