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
