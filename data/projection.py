"""Smoothed particles to surface-density maps, with the mass conserved exactly.

Each particle is laid onto that grid of a pyramid (`data.pyramid`) on which its kernel is some
pixels wide, as a stencil of unit sum with the moments of the kernel (`data.deposit`); then the
levels are added up from the coarsest to the finest. `data.projection_reference` is the truth that
all of it is tested against.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.deposit import deposit, level_of_kernels, marginal_distribution
from data.pyramid import MARGIN, build_pyramid, flatten_pyramid

_MARGINAL = marginal_distribution()


def project(
    coordinates: NDArray[Any],
    weights: NDArray[Any],
    smoothing_lengths: NDArray[Any],
    *,
    extent_kpc: float,
    grid_size: int,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Project smoothed particles along the last axis onto a square map.

    Parameters
    ----------
    coordinates : (n, 3) kpc relative to the center of the map; the line of sight is the last axis.
    weights : (n,) or (channels, n), as masses in Msun. All channels share one pass.
    smoothing_lengths : (n,) kpc, the radius at which the kernel vanishes.
    extent_kpc : full side of the map.
    grid_size : pixels a side.
    threads : deal the particles to this many threads, each with grids of its own.

    Returns
    -------
    (channels, grid_size, grid_size) weight per kpc^2; row = y upwards, column = x.

    Raises
    ------
    ValueError : on wrong shapes, values that are not finite, or an extent, a grid or a number of
        threads not above zero.

    Notes
    -----
    Weights of one sign give maps of that sign. With both signs in them the positive and the
    negative part are projected separately, which takes the time of twice the channels.
    """
    coordinates, weights, support = _checked(coordinates, weights, smoothing_lengths)
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be above zero, got {extent_kpc}")
    for name, number in (("grid_size", grid_size), ("threads", threads)):
        if int(number) != number or number < 1:
            raise ValueError(f"{name} must be a positive whole number, got {number}")
    if weights.min(initial=0.0) < 0:
        parts = np.concatenate([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)])
        maps = _project(coordinates, parts, support, float(extent_kpc), int(grid_size), threads)
        return maps[: len(weights)] - maps[len(weights) :]
    return _project(coordinates, weights, support, float(extent_kpc), int(grid_size), threads)


def _project(
    coordinates: NDArray[np.float64],
    weights: NDArray[np.float64],
    support: NDArray[np.float64],
    extent: float,
    size: int,
    threads: int,
) -> NDArray[np.float64]:
    """Project arrays that were checked, with weights that are not negative."""
    pyramid = build_pyramid(size)
    pixel = extent / size
    levels = level_of_kernels(support / pixel, len(pyramid.pixels))
    scales = 1.0 / (pixel * pyramid.pixels)
    centers = 0.5 * pyramid.sides - 0.5
    grids = centers, scales, pyramid.starts, pyramid.sides
    bounds = np.linspace(0, len(support), threads + 1).astype(int)

    def deposited(thread: int) -> NDArray[np.float64]:
        buffer = np.zeros(len(weights) * pyramid.starts[-1])
        part = bounds[thread], bounds[thread + 1]
        deposit(buffer, coordinates, weights, support, levels, part, grids, _MARGINAL)
        return buffer

    if threads == 1:
        buffer = deposited(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            buffer, *others = pool.map(deposited, range(threads))
        for other in others:
            buffer += other
    finest = flatten_pyramid(buffer, pyramid, len(weights))
    inner = finest[:, MARGIN : MARGIN + size, MARGIN : MARGIN + size]
    return np.multiply(inner, 1.0 / pixel**2, order="C")


def _checked(
    coordinates: NDArray[Any], weights: NDArray[Any], smoothing_lengths: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    xyz = np.ascontiguousarray(coordinates, np.float64)
    w = np.atleast_2d(np.ascontiguousarray(weights, np.float64))
    h = np.ascontiguousarray(smoothing_lengths, np.float64)
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
