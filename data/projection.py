"""Smoothed particles to surface-density maps, with the mass conserved exactly.

Each particle is laid onto that grid of a pyramid (`data.pyramid`) on which its kernel is some
pixels wide, as a stencil of unit sum with the moments of the kernel (`data.deposit`); then the
levels are added up from the coarsest to the finest. `data.projection_reference` is the truth that
all of it is tested against. Tensors take the same way on their device (`data.projection_torch`).
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from data.deposit import deposit, level_of_kernels, marginal_distribution
from data.pyramid import MARGIN, build_pyramid, flatten_pyramid

if TYPE_CHECKING:
    from torch import Tensor

    Array = TypeVar("Array", NDArray[Any], Tensor)

_MARGINAL = marginal_distribution()


def project(
    coordinates: Array,
    weights: Array,
    smoothing_lengths: Array,
    *,
    extent_kpc: float,
    grid_size: int,
    threads: int = 1,
) -> Array:
    """Project smoothed particles along the last axis onto a square map.

    Arrays of numpy are projected on the processor; tensors of torch, all three on one device,
    there.

    Parameters
    ----------
    coordinates : (n, 3) kpc relative to the center of the map; the line of sight is the last axis.
    weights : (n,) or (channels, n), as masses in Msun. All channels share one pass.
    smoothing_lengths : (n,) kpc, the radius at which the kernel vanishes.
    extent_kpc : full side of the map.
    grid_size : pixels a side.
    threads : deal the particles to this many threads, each with grids of its own. Tensors do not
        ask for it: torch has threads of its own.

    Returns
    -------
    (channels, grid_size, grid_size) float64 weight per kpc^2; row = y upwards, column = x. A tensor
    on the device of the tensors that came in; gradients do not pass.

    Raises
    ------
    ValueError : on wrong shapes, values that are not finite, tensors beside arrays or on several
        devices, or an extent, a grid or a number of threads not above zero.

    Notes
    -----
    Weights of one sign give maps of that sign. With both signs in them the positive and the
    negative part are projected separately, which takes the time of twice the channels.
    """
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be above zero, got {extent_kpc}")
    for name, number in (("grid_size", grid_size), ("threads", threads)):
        if int(number) != number or number < 1:
            raise ValueError(f"{name} must be a positive whole number, got {number}")
    xp = _namespace(coordinates, weights, smoothing_lengths)
    xyz, w, support = _checked(xp, coordinates, weights, smoothing_lengths)
    frame = float(extent_kpc), int(grid_size)
    signed = bool((w < 0).any())
    parts = xp.concatenate([w.clip(0.0, None), (-w).clip(0.0, None)]) if signed else w
    maps: Any
    if xp is np:
        maps = _project(xyz, parts, support, *frame, threads)
    else:
        from data.projection_torch import project_tensors

        maps = project_tensors(xyz, parts, support, *frame)
    return maps[: len(w)] - maps[len(w) :] if signed else maps


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


def _namespace(*arrays: Any) -> Any:
    """Return torch if `arrays` are tensors, else numpy. Who has tensors has imported torch."""
    torch: Any = sys.modules.get("torch")
    tensors = [torch is not None and isinstance(array, torch.Tensor) for array in arrays]
    if not any(tensors):
        return np
    devices = {str(array.device) for array in arrays if isinstance(array, torch.Tensor)}
    if not all(tensors) or len(devices) > 1:
        raise ValueError(
            "coordinates, weights and smoothing_lengths must all be arrays, or tensors on one "
            f"device, got {', '.join(str(getattr(a, 'device', type(a).__name__)) for a in arrays)}"
        )
    return torch


def _checked(xp: Any, coordinates: Any, weights: Any, smoothing_lengths: Any) -> tuple[Any, ...]:
    """Return the arrays as float64 of the namespace `xp`, one row of weights a channel."""
    if xp is np:
        given = (coordinates, weights, smoothing_lengths)
        xyz, w, h = (np.ascontiguousarray(array, np.float64) for array in given)
    else:
        xyz, w, h = (t.detach().double() for t in (coordinates, weights, smoothing_lengths))
    w = xp.atleast_2d(w)
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise ValueError(f"coordinates must have shape (n, 3), got {tuple(xyz.shape)}")
    if w.ndim != 2 or w.shape[1] != len(xyz):
        raise ValueError(f"weights must have shape (channels, {len(xyz)}), got {tuple(w.shape)}")
    if tuple(h.shape) != (len(xyz),):
        raise ValueError(f"smoothing_lengths must have shape ({len(xyz)},), got {tuple(h.shape)}")
    for name, array in (("coordinates", xyz), ("weights", w), ("smoothing_lengths", h)):
        if not xp.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinity")
    if (h < 0).any():
        raise ValueError(f"smoothing_lengths must not be negative, got {h.min()}")
    return xyz, w, h
