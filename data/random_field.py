"""Gaussian random fields with a power-law spectrum, as turbulence leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import fft

from data.halo import random_rotation

Array = NDArray[np.float64]

# Three-dimensional power of Kolmogorov's (1941) k^(-5/3): P(k) ~ k^-2 k^(-5/3).
KOLMOGOROV = 11.0 / 3.0


@dataclass(frozen=True)
class RandomField:
    """A field on a periodic grid, turned at random, to be read off anywhere.

    Attributes
    ----------
    values : (components, grid, grid, grid), mean 0, unit variance over all of it for one component
        and unit mean square length for three.
    side : kpc, of the box.
    turn : (3, 3) rotation from the galaxy's axes to the grid's.
    """

    values: NDArray[np.float32]
    side: float
    turn: Array

    def __call__(self, xyz: Array) -> Array:
        """Return (n, components) at points `xyz` (n, 3) kpc, linear between grid points."""
        grid = self.values.shape[-1]
        cells = np.mod((xyz @ self.turn.T) * (grid / self.side), grid)
        found = np.empty((len(xyz), len(self.values)))
        _interpolate(self.values, cells, found)
        return found if len(self.values) == 1 else found @ self.turn


def draw_field(
    side: float,
    rng: np.random.Generator,
    *,
    vector: bool = False,
    outer_scale: float = 0.5,
    slope: float = KOLMOGOROV,
    grid: int = 64,
) -> RandomField:
    """Draw an isotropic Gaussian field with P(k) ~ (k^2 + k0^2)^(-slope/2).

    Parameters
    ----------
    side : kpc, of the periodic box.
    vector : three components without divergence, as a magnetic field has, instead of one.
    outer_scale : 2 pi / k0 in units of `side`; the spectrum is flat on larger scales.
    slope : of the three-dimensional power.
    grid : points a side; waves shorter than two of them are left out in every direction alike.

    Returns
    -------
    RandomField of one or three components.
    """
    frequency = fft.fftfreq(grid, 1.0 / grid).astype(np.float32)
    waves = (frequency[:, None, None], frequency[:, None], frequency[: grid // 2 + 1])
    square = waves[0] ** 2 + waves[1] ** 2 + waves[2] ** 2
    amplitude = (square + outer_scale**-2) ** np.float32(-slope / 4)
    amplitude[(square >= (grid // 2) ** 2) | (square == 0)] = 0.0
    shape = (3 if vector else 1, grid, grid, grid)
    modes = fft.rfftn(rng.standard_normal(shape, np.float32), axes=(1, 2, 3)) * amplitude
    if vector:
        along = sum(k * m for k, m in zip(waves, modes, strict=True)) / np.maximum(square, 1.0)
        modes = np.stack([m - k * along for k, m in zip(waves, modes, strict=True)])
    values = fft.irfftn(modes, s=shape[1:], axes=(1, 2, 3))
    values /= np.sqrt(np.mean(np.sum(values**2, axis=0)))
    return RandomField(values, side, random_rotation(rng))


@njit(cache=True)
def _interpolate(values: NDArray[np.float32], cells: Array, found: Array) -> None:
    """Fill `found` (n, components) with `values` read linearly at `cells` (n, 3), periodic."""
    grid = values.shape[1]
    for index in range(len(cells)):
        x, y, z = cells[index]
        i, j, k = int(x), int(y), int(z)
        u, v, w = x - i, y - j, z - k
        for component in range(len(values)):
            total = 0.0
            for a in range(2):
                for b in range(2):
                    for c in range(2):
                        share = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                        at = values[component, (i + a) % grid, (j + b) % grid, (k + c) % grid]
                        total += share * at
            found[index, component] = total
