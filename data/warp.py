"""How a disk departs from a plane and from a circle: warped outskirts, irregular outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Radii of the isophotes of 25 and 26.5 mag per square arcsec in scale lengths, for a disk of
# central brightness 21.65 (Freeman 1970): (25 - 21.65) / 1.086 and (26.5 - 21.65) / 1.086.
_R25, _R265 = 3.1, 4.5


@dataclass(frozen=True)
class Warp:
    """Tilted rings.

    Attributes
    ----------
    scale_length : kpc, of the old stars.
    tilt : radians by which a ring is tilted at twice the radius where the warp begins.
    node : radians, azimuth of the line of nodes inside.
    """

    scale_length: float
    tilt: float
    node: float

    def bend(self, xyz: Array) -> Array:
        """Return (n, 3) kpc: each particle turned with its ring.

        Flat within R25; beyond, the tilt grows in equal steps of radius up to 2.5 R25, and beyond
        R26.5 the line of nodes advances in the sense of rotation, counterclockwise (Briggs 1990).
        """
        radius = np.linalg.norm(xyz[:, :2], axis=1) / self.scale_length
        angle = self.tilt * np.clip(radius / _R25 - 1.0, 0.0, 1.5)
        node = self.node + 0.5 * np.clip(radius / _R265 - 1.0, 0.0, 3.0)
        axis = np.stack([np.cos(node), np.sin(node), np.zeros(len(xyz))], axis=1)
        along = np.einsum("ij,ij->i", axis, xyz)[:, None] * axis
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        return along + c * (xyz - along) + s * np.cross(axis, xyz)


@dataclass(frozen=True)
class Stir:
    """Random solenoidal displacement in the plane, the same for all that lies in it.

    Attributes
    ----------
    waves : (k, 2) wave vectors in radians a kpc.
    phases : (k,) radians.
    amplitudes : (k,) kpc.
    """

    waves: Array
    phases: Array
    amplitudes: Array

    @classmethod
    def draw(cls, amplitude: float, size: float, rng: np.random.Generator) -> Stir:
        """Draw 8 waves, 1.5 to 6 `size` kpc long, that move by `amplitude` wavelengths / 2 pi."""
        lengths = np.geomspace(1.5, 6.0, 8) * size
        heading = rng.uniform(0, 2 * np.pi, 8)
        waves = (2 * np.pi / lengths)[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1)
        return cls(waves, rng.uniform(0, 2 * np.pi, 8), amplitude * lengths / (2 * np.pi))

    def move(self, xyz: Array) -> Array:
        """Return (n, 3) kpc."""
        unit = self.waves / np.linalg.norm(self.waves, axis=1, keepdims=True)
        swing = np.sin(xyz[:, :2] @ self.waves.T + self.phases) * self.amplitudes
        moved = xyz.copy()
        moved[:, 0] -= swing @ unit[:, 1]
        moved[:, 1] += swing @ unit[:, 0]
        return moved
