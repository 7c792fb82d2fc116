"""Kernel support radii: from cell volumes for gas, from neighbors for dark matter and stars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

GAS_CELL_RADII = 2.5


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


def neighbor_smoothing_lengths(
    coordinates: NDArray[Any], num_neighbors: int = 32
) -> NDArray[np.float64]:
    """Return for each point of `coordinates` (n, 3) kpc the distance to its neighbor of given rank.

    With fewer points than `num_neighbors` + 1 the farthest one counts. A lone point, or points
    that coincide, get the smallest positive distance found, or 1 kpc where there is none.

    Returns
    -------
    (n,) kpc, positive.
    """
    coordinates = np.asarray(coordinates, np.float64)
    if num_neighbors < 1:
        raise ValueError(f"num_neighbors must be at least 1, got {num_neighbors}")
    if len(coordinates) < 2:
        return np.ones(len(coordinates))
    rank = min(num_neighbors + 1, len(coordinates))
    distances = np.asarray(cKDTree(coordinates).query(coordinates, k=[rank])[0])[:, 0]
    positive = distances[distances > 0]
    smallest = float(positive.min()) if len(positive) else 1.0
    return np.maximum(distances, smallest)


def neighbor_density(
    coordinates: NDArray[Any], masses: NDArray[Any], num_neighbors: int = 24
) -> NDArray[np.float64]:
    """Return the density (n,) in Msun/kpc^3 at each of n points with `masses` (n,) Msun.

    Mass of the nearest neighbors over the sphere that holds them, the point itself included.
    """
    radius = neighbor_smoothing_lengths(coordinates, num_neighbors)
    count = min(num_neighbors + 1, len(coordinates))
    return count * np.mean(masses) * 3.0 / (4.0 * np.pi * radius**3)
