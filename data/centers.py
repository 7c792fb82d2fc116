"""Where a galaxy's center is, in a periodic box."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unwrap(coordinates: NDArray[Any], center: NDArray[Any], box_kpc: float) -> Array:
    """Return (n, 3) kpc from `center` to the nearest periodic image of each particle."""
    offsets = np.asarray(coordinates, np.float64) - np.asarray(center, np.float64)
    return offsets - box_kpc * np.round(offsets / box_kpc)


def potential_minimum(coordinates: NDArray[Any], potential: NDArray[Any]) -> Array:
    """Return the (3,) position of the particle of lowest potential, as SUBFIND defines centers."""
    return np.array(coordinates[np.argmin(potential)], np.float64)


def shrinking_sphere(
    coordinates: NDArray[Any], masses: NDArray[Any], box_kpc: float, *, min_particles: int = 50
) -> Array:
    """Return the (3,) center of mass of a sphere that shrinks onto the densest place.

    Parameters
    ----------
    coordinates : (n, 3) kpc in a periodic box of side `box_kpc`.
    masses : (n,) Msun.
    min_particles : the sphere stops before it holds fewer.

    Notes
    -----
    Power et al. (2003), section 2.5: the radius falls by 2.5 % a step around the last center.
    """
    anchor = np.asarray(coordinates[0], np.float64)
    xyz, mass = unwrap(coordinates, anchor, box_kpc), np.asarray(masses, np.float64)
    center = np.average(xyz, axis=0, weights=mass)
    radius = float(np.max(np.linalg.norm(xyz - center, axis=1)))
    while True:
        radius *= 0.975
        inside = np.sum((xyz - center) ** 2, axis=1) <= radius**2
        if inside.sum() < min(min_particles, len(masses)) or radius <= 0:
            return (anchor + center) % box_kpc
        xyz, mass = xyz[inside], mass[inside]
        center = np.average(xyz, axis=0, weights=mass)
