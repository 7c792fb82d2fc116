"""Bubbles that galaxies and their black holes blow into the gas around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.halo import directions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bubble:
    """An ellipsoid of thin hot gas in a shell of swept-up gas.

    Attributes
    ----------
    center : (3,) kpc.
    axis : (3,) unit vector of its long axis.
    length, width : semi-axes in kpc along and across it.
    thinning, heating : density and temperature inside over those of the gas around.
    compression, rim_heating : the same in the shell.
    """

    center: Array
    axis: Array
    length: float
    width: float
    thinning: float
    heating: float
    compression: float
    rim_heating: float

    def depth(self, xyz: Array) -> Array:
        """Return (n,) elliptical radius: below 1 inside."""
        offset = xyz - self.center
        along = offset @ self.axis
        across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offset, offset) - along**2, 0.0))
        return np.hypot(along / self.length, across / self.width)


def shock_jump(mach: float) -> tuple[float, float]:
    """Return density and temperature behind a shock over those before it.

    Rankine & Hugoniot for gamma = 5/3: 4 M^2 / (M^2 + 3) and (5 M^2 - 1)(M^2 + 3) / (16 M^2).
    """
    square = mach**2
    return 4 * square / (square + 3), (5 * square - 1) * (square + 3) / (16 * square)


def draw_wind_bubbles(radius: float, strength: float, rng: np.random.Generator) -> list[Bubble]:
    """Draw bubbles above and below a disk in the x-y plane, one or two generations of them.

    As in TNG50's Milky Ways: few to many tens of kpc high, overpressured, with shocks of Mach 2 to
    4 at their edges (Pillepich et al. 2021, abstract); the lower half of that range is drawn here.

    Parameters
    ----------
    radius : R200 in kpc; at a strength of 1 they reach up to 0.14 to 0.44 of it, those of a second
        generation half as far.
    strength : from 0 (none); heights go with its root.
    """
    found = []
    generations = rng.choice([1, 1, 2])
    for earlier in range(generations if strength > 0 else 0):
        height = radius * np.sqrt(strength) * rng.uniform(0.18, 0.4) / (1 + earlier)
        for side in (1.0, -1.0):
            axis = np.array([0.0, 0.0, side]) + 0.15 * directions(1, rng)[0]
            axis /= np.linalg.norm(axis)
            tall = 0.5 * height * rng.uniform(0.8, 1.15)
            compression, rim_heating = shock_jump(rng.uniform(2.0, 3.0))
            found.append(Bubble(0.9 * tall * axis, axis, tall, tall * rng.uniform(0.6, 0.9),
                                0.3, 4.0, compression, rim_heating))  # fmt: skip
    return found


def draw_cavities(radius: float, rng: np.random.Generator) -> list[Bubble]:
    """Draw pairs of cavities that jets have blown in a massive halo.

    They have risen to 0.04 to 0.2 R200 and are in pressure balance with the gas around, which is
    cool in their rims (McNamara & Nulsen 2007); the sizes are set by hand.
    """
    found = []
    jet = directions(1, rng)[0]
    for distance in rng.uniform(0.04, 0.09) * np.array([1.0, 2.2])[: rng.integers(1, 3)]:
        for side in (1.0, -1.0):
            axis = side * jet + 0.25 * directions(1, rng)[0]
            axis /= np.linalg.norm(axis)
            size = radius * distance * rng.uniform(0.4, 0.55)
            found.append(Bubble(radius * distance * axis, axis, 0.85 * size, size,
                                0.2, 5.0, 1.6, 0.75))  # fmt: skip
    return found


def bubble_factors(xyz: Array, bubbles: list[Bubble], ripple: Array) -> tuple[Array, Array]:
    """Return factors (n,) of bubbles on density and on temperature at points (n, 3) kpc.

    `ripple` (n,) of unit variance wrinkles their walls. Shells are 0.2 of the bubble thick, with a
    sharp outer edge. Where bubbles overlap the last one rules.
    """
    density, temperature = np.ones(len(xyz)), np.ones(len(xyz))
    for bubble in bubbles:
        q = bubble.depth(xyz) * (1.0 + 0.07 * ripple)
        inside, swept = _step((1.0 - q) / 0.04), _step((1.2 - q) / 0.015)
        for factor, core, rim in (
            (density, bubble.thinning, bubble.compression),
            (temperature, bubble.heating, bubble.rim_heating),
        ):
            factor **= 1.0 - swept
            factor *= (core / rim) ** inside * rim**swept
    return density, temperature


def _step(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))
