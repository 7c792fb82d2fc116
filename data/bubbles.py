"""Holes in the cold gas, blown by clusters of supernovae: swept-up rims around hot insides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# dN/dR ~ R^-2.9 for diameters of 0.1 to 2 kpc (Bagetakos et al. 2011); theory has R^-3 for a
# luminosity function of slope -2 (Oey & Clarke 1997). Holes of less than the smallest radius taken
# here, in kpc, would be lost between the particles.
_SLOPE, _SMALLEST, _LARGEST = 2.9, 0.5, 1.0
# Inner over outer radius of the shell, and share of the gas that stays inside: set by hand.
_RIM, _LEFT_INSIDE = 0.82, 0.04
# K, the order of magnitude of shocked wind that evaporates its shell (Weaver et al. 1977; Mac Low
# 2000, abstract).
BUBBLE_TEMPERATURE = 1e6
# Set by hand: axis ratio of the most sheared holes, radius over distance from the center at which
# shear tears them apart, largest radius over the median radius of the gas, and how far a shell
# departs from an ellipse.
_SHEARED, _SHEAR_LIMIT, _SIZE_LIMIT, _DENTED = 0.6, 0.2, 0.25, 0.12


@dataclass(frozen=True)
class Bubbles:
    """Closed surfaces in a disk whose axis is z.

    Attributes
    ----------
    centers : (k, 3) kpc.
    radii : (k,) kpc, the mean over azimuth.
    stretches : (k,) amplitude of the m = 2 part of the radius, along the disk's rotation.
    dents : (k,) radians, phase of its m = 3 part.
    """

    centers: Array
    radii: Array
    stretches: Array
    dents: Array


def draw_bubbles(
    coordinates: Array, mean_count: float, shear: bool, rng: np.random.Generator
) -> Bubbles:
    """Draw bubbles around particles of the cold gas at `coordinates` (n, 3) kpc.

    They lie wherever there is gas, as holes are seen out to the edge of the HI disk. Where the disk
    shears they are drawn out along its rotation and small near the center; where it does not, they
    are rounder (Bagetakos et al. 2011).
    """
    count = min(int(rng.poisson(mean_count)), len(coordinates))
    low, high = _SMALLEST ** (1 - _SLOPE), _LARGEST ** (1 - _SLOPE)
    radii = (low - rng.uniform(size=count) * (low - high)) ** (1 / (1 - _SLOPE))
    centers = coordinates[rng.choice(len(coordinates), count, replace=False)]
    radii = np.minimum(radii, _SIZE_LIMIT * np.median(np.linalg.norm(coordinates, axis=1)))
    if shear:
        radii = np.minimum(radii, _SHEAR_LIMIT * np.linalg.norm(centers[:, :2], axis=1))
    ratios = rng.uniform(_SHEARED if shear else 0.85, 1.0, count)
    return Bubbles(centers, radii, (1 - ratios) / (1 + ratios), rng.uniform(0, 2 * np.pi, count))


def blow(
    coordinates: Array, bubbles: Bubbles, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Sweep gas out of bubbles, the small ones first.

    What lay at q radii from the center goes to (b^3 + (1 - b^3) q^3)^(1/3), b the inner over the
    outer radius of the rim, which piles a uniform medium up evenly in the rim. A few percent stay
    and are hot, and what is hot is not swept up again. No particle is lost.

    Parameters
    ----------
    coordinates : (n, 3) kpc.

    Returns
    -------
    (n, 3) kpc where the particles are then, and (n,) whether they are hot.
    """
    xyz, hot = coordinates.copy(), np.zeros(len(coordinates), bool)
    for index in np.argsort(bubbles.radii):
        center, radius = bubbles.centers[index], bubbles.radii[index]
        near = np.flatnonzero(np.abs(xyz[:, 0] - center[0]) < 1.5 * radius)
        offset = xyz[near] - center
        azimuth = np.arctan2(offset[:, 1], offset[:, 0])
        along = np.arctan2(center[0], -center[1])
        reach = radius * (
            1.0
            + bubbles.stretches[index] * np.cos(2 * (azimuth - along))
            + _DENTED * np.cos(3 * azimuth + bubbles.dents[index])
        )
        q = np.linalg.norm(offset, axis=1) / reach
        inside = q < 1.0
        stays = inside & (hot[near] | (rng.uniform(size=len(near)) < _LEFT_INSIDE))
        swept = inside & ~stays
        hot[near[stays]] = True
        shell = np.cbrt(_RIM**3 + (1 - _RIM**3) * q[swept] ** 3)
        xyz[near[swept]] = center + offset[swept] * (shell / np.maximum(q[swept], 1e-6))[:, None]
    return xyz, hot
