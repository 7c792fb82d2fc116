"""How far apart two sets of points are, and the density profile of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]


def chamfer_distance(points: NDArray[Any], others: NDArray[Any]) -> float:
    """Return the Chamfer distance of points (n, 3) and others (m, 3), in their unit.

    The mean of both directions' mean distances to the nearest point of the other set (Fan, Su &
    Guibas 2017, section 4.1, with distances in place of their squares). Two samples of one
    distribution are not at zero, but at about the distance of neighbors: compare at equal numbers.

    Raises
    ------
    ValueError : where a set is empty or not of points in space.
    """
    first, second = _checked(points, "points"), _checked(others, "others")
    there, _ = cKDTree(second).query(first)
    back, _ = cKDTree(first).query(second)
    return 0.5 * float(there.mean() + back.mean())


def earth_movers_distance(
    points: NDArray[Any], others: NDArray[Any], *, most: int = 1024, seed: int = 0
) -> float:
    """Return the mean distance that points move to become the others, in their unit; exact.

    The Wasserstein-1 distance of subsamples of as many points of each, `most` at most, by optimal
    assignment, in time that grows with the cube of their number.

    Raises
    ------
    ValueError : where a set is empty or not of points in space.
    """
    first, second = _checked(points, "points"), _checked(others, "others")
    count = min(len(first), len(second), most)
    generator = np.random.default_rng(seed)
    first, second = (
        one[generator.choice(len(one), count, replace=False)] for one in (first, second)
    )
    cost = cdist(first, second)
    return float(cost[linear_sum_assignment(cost)].mean())


def density_profile(points: NDArray[Any], mass: float, edges: NDArray[Any]) -> Array:
    """Return the density (len(edges) - 1,) in mass per volume of shells between radii `edges`.

    All points (n, 3) together have the mass; a shell without any has density zero.
    """
    radii = np.linalg.norm(_checked(points, "points"), axis=1)
    counts, _ = np.histogram(radii, edges)
    return counts * (mass / len(radii)) / (4.0 / 3.0 * np.pi * np.diff(np.asarray(edges) ** 3))


def _checked(points: NDArray[Any], name: str) -> Array:
    values = np.asarray(points, np.float64)
    if values.ndim != 2 or values.shape[1] != 3 or not len(values):
        raise ValueError(f"{name} must have shape (n, 3) and n above zero, got {values.shape}")
    return values
