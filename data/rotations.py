"""Directions to look from: uniform on SO(3), seeded by the galaxy's name."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

ROTATIONS_PER_GALAXY = 5


def random_rotations(galaxy_name: str, count: int = ROTATIONS_PER_GALAXY) -> NDArray[np.float64]:
    """Return (count, 3, 3) rotation matrices, uniform on SO(3); the same for the same name."""
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    seed = int.from_bytes(hashlib.sha256(galaxy_name.encode()).digest()[:8], "big")
    return Rotation.random(count, random_state=np.random.default_rng(seed)).as_matrix()


def euler_rotation(
    azimuth_deg: float, inclination_deg: float, position_angle_deg: float = 0.0
) -> NDArray[np.float64]:
    """Return the (3, 3) rotation that turns about z, tilts about x, then turns on the sky."""
    angles = [azimuth_deg, inclination_deg, position_angle_deg]
    if not np.isfinite(angles).all():
        raise ValueError(f"angles must be finite, got {angles}")
    return Rotation.from_euler("zxz", angles, degrees=True).as_matrix()


def viewing_rotation(
    inclination_deg: float, position_angle_deg: float, azimuth_deg: float
) -> NDArray[np.float64]:
    """Return the (3, 3) rotation that shows a disk, whose axis is z, as an observer states it.

    Parameters
    ----------
    inclination_deg : between the disk's axis and the line of sight, the map's z towards the
        observer; 0 is face-on, 90 edge-on, and above 90 the disk is seen from behind.
    position_angle_deg : of the line of nodes, the major axis of the inclined disk, from +y of the
        map counterclockwise, as from north through east on a sky with east at the left.
    azimuth_deg : by which the disk is turned about its own axis first.

    Raises
    ------
    ValueError : where an angle is not finite.
    """
    return euler_rotation(azimuth_deg, inclination_deg, position_angle_deg + 90.0)


def viewing_angles(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return inclination, position angle and azimuth in degrees, of which `rotation` is made.

    The inclination lies in 0 to 180, the others in 0 to 360. Seen face-on, position angle and
    azimuth turn about one axis: then the azimuth is zero. Inverse of `viewing_rotation`.
    """
    matrix = np.asarray(rotation, np.float64)
    tilt = np.hypot(matrix[0, 2], matrix[1, 2])
    if tilt > 1e-9:
        node = np.arctan2(matrix[0, 2], -matrix[1, 2])
        azimuth = np.arctan2(matrix[2, 0], matrix[2, 1])
    else:
        node, azimuth = np.arctan2(matrix[1, 0], matrix[0, 0]), 0.0
    inclination = np.degrees(np.arctan2(tilt, matrix[2, 2]))
    position_angle, azimuth = np.degrees([node - 0.5 * np.pi, azimuth]) % 360.0
    return float(inclination), float(position_angle), float(azimuth)
