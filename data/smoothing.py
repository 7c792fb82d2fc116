"""Kernel support radii: from cell volumes for gas, from neighbors for dark matter and stars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

GAS_CELL_RADII = 2.5
# Shifts and masks that put two zeros behind each of 21 bits.
_SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def gas_smoothing_lengths(
    masses: NDArray[Any], density: NDArray[Any], *, cell_radii: float = GAS_CELL_RADII
) -> NDArray[np.float64]:
    """Return the support radius of each gas cell's kernel.

    Parameters
    ----------
    masses : (n,) Msun.
    density : (n,) Msun/kpc^3, positive.
    cell_radii : support in units of the radius of the sphere with the cell's volume.

    Returns
    -------
    (n,) kpc: cell_radii (3 V / 4 pi)^(1/3) with V = mass / density.

    Raises
    ------
    ValueError : if a density is not positive and finite.
    """
    density = np.asarray(density, np.float64)
    if not np.all((density > 0) & np.isfinite(density)):
        raise ValueError("density must be positive and finite for every gas cell")
    volume = np.asarray(masses, np.float64) / density
    return cell_radii * np.cbrt(3.0 * volume / (4.0 * np.pi))


def morton_order(coordinates: NDArray[Any]) -> NDArray[np.intp]:
    """Return the order of points along a Morton curve, on which neighbors in space are near.

    Parameters
    ----------
    coordinates : (n, 3), finite.

    Returns
    -------
    (n,) indices into `coordinates`.

    Notes
    -----
    The curve's cells number 2^21 a side of the smallest cube around the points; the index of a cell
    interleaves the bits of its three coordinates (Morton 1966).
    """
    corner = coordinates.min(axis=0)
    side = float((coordinates - corner).max()) or 1.0
    cells = ((coordinates - corner) / side * (2**21 - 1)).astype(np.uint64)
    for shift, mask in _SPREAD:
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    return np.argsort(cells[:, 0] | cells[:, 1] << np.uint64(1) | cells[:, 2] << np.uint64(2))


def neighbor_smoothing_lengths(
    coordinates: NDArray[Any], num_neighbors: int = 32, *, threads: int = 1
) -> NDArray[np.float64]:
    """Return for each point of `coordinates` (n, 3) kpc the distance to its neighbor of given rank.

    With fewer points than `num_neighbors` + 1 the farthest one counts. A lone point, or points
    that coincide, get the smallest positive distance found, or 1 kpc where there is none. The
    search takes `threads` threads.

    Returns
    -------
    (n,) kpc, positive.

    Raises
    ------
    ValueError : if coordinates are not finite or `num_neighbors` is below 1.
    """
    coordinates = np.asarray(coordinates, np.float64)
    if num_neighbors < 1:
        raise ValueError(f"num_neighbors must be at least 1, got {num_neighbors}")
    if not np.isfinite(coordinates).all():
        raise ValueError("coordinates must be finite, got NaN or infinity")
    if len(coordinates) < 2:
        return np.ones(len(coordinates))
    rank = min(num_neighbors + 1, len(coordinates))
    # One search after the other then walks the same part of the tree, which is still in the cache.
    order = morton_order(coordinates)
    points = coordinates[order]
    found = cKDTree(points).query(points, k=[rank], workers=threads)[0]
    distances = np.empty(len(coordinates))
    distances[order] = found[:, 0]
    positive = distances[distances > 0]
    smallest = float(positive.min()) if len(positive) else 1.0
    return np.maximum(distances, smallest)


def neighbor_density(
    coordinates: NDArray[Any], masses: NDArray[Any], num_neighbors: int = 24
) -> NDArray[np.float64]:
    """Return the density (n,) in Msun/kpc^3 at each of n points with `masses` (n,) Msun.

    Number of the nearest neighbors, the point itself included, times the mean mass of all points,
    over the sphere that holds them: for points of equal mass.
    """
    radius = neighbor_smoothing_lengths(coordinates, num_neighbors)
    count = min(num_neighbors + 1, len(coordinates))
    return count * np.mean(masses) * 3.0 / (4.0 * np.pi * radius**3)
