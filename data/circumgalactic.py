"""Gas around the disk: a hot halo in near-hydrostatic balance and cold streams through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.cosmology import GRAVITY, PROTON_MASS_OVER_BOLTZMANN
from data.halo import NFW, directions

Array = NDArray[np.float64]

# Isothermal gas in an NFW potential is close to a beta model (Makino, Sasaki & Suto 1998). Slope
# and core radius are set by hand: theirs give cores several times smaller than those observed.
_BETA = 0.55
_MEAN_WEIGHT_IONIZED = 0.59


def _density_shape(r: Array, core: float) -> Array:
    return (1.0 + (r / core) ** 2) ** (-1.5 * _BETA)


def sample_hot_halo(
    n: int, halo: NFW, shape: Array, rng: np.random.Generator, outer: float = 1.0
) -> Array:
    """Return (n, 3) kpc positions in a beta model of core 0.1 R200, stirred by turbulence.

    The gas follows the square root of the halo's ellipticity, for equipotentials are rounder than
    the mass, and is displaced by a random solenoidal velocity-like field, which makes sheets and
    filaments out of the smooth profile.
    """
    core = 0.1 * halo.radius
    grid = np.geomspace(1e-3, outer, 400) * halo.radius
    mass = np.cumsum(_density_shape(grid, core) * grid**2 * np.gradient(grid))
    r = np.interp(rng.uniform(mass[0], mass[-1], n), mass, grid)
    values, vectors = np.linalg.eigh(shape)
    rounder = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    xyz = (directions(n, rng) * r[:, None]) @ rounder.T
    return xyz + _turbulent_displacement(xyz, halo.radius, rng)


def _turbulent_displacement(xyz: Array, size: float, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc: random solenoidal modes of wavelength size/2 to size/16."""
    shift = np.zeros_like(xyz)
    for wavelength in np.geomspace(0.5, 0.06, 36) * size:
        k, polarization = directions(2, rng)
        polarization = np.cross(k, polarization)
        phase = xyz @ (k * (2 * np.pi / wavelength)) + rng.uniform(0, 2 * np.pi)
        shift += np.sin(phase)[:, None] * (0.035 * wavelength * polarization)
    radius = np.linalg.norm(xyz, axis=1, keepdims=True)
    return shift * np.minimum(1.0, radius / (0.2 * size))


def hydrostatic_temperature(
    r: Array, halo: NFW, stellar_mass: float, stellar_radius: float
) -> Array:
    """Return T in K at radii (n,) kpc of gas in hydrostatic balance.

    dP/dr = -rho G M(<r)/r^2 integrated inward from 3 R200, where the pressure is that of gas at
    half the virial temperature; M holds the halo and a Hernquist-like galaxy of `stellar_mass`
    Msun and `stellar_radius` kpc.
    """
    grid = np.geomspace(1e-3, 3.0, 400) * halo.radius
    rho = _density_shape(grid, 0.1 * halo.radius)
    mass = halo.enclosed_mass(grid) + stellar_mass * (grid / (grid + stellar_radius)) ** 2
    gravity = GRAVITY * mass / grid**2
    weight = rho * gravity
    steps = 0.5 * (weight[1:] + weight[:-1]) * np.diff(grid)
    edge = 0.25 * rho[-1] * GRAVITY * halo.mass / halo.radius
    pressure = edge + np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
    temperature = _MEAN_WEIGHT_IONIZED * PROTON_MASS_OVER_BOLTZMANN * pressure / rho
    return np.interp(r, grid, temperature)


def sample_streams(n: int, halo: NFW, count: int, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in `count` cold streams from R200 to the disk.

    Each is a spiral path into the center, as gas with angular momentum falls (Dekel et al. 2009),
    narrowing inward, with knots along it.
    """
    paths = []
    for members in np.array_split(np.arange(n), max(count, 1)):
        start, other = directions(2, rng)
        normal = np.cross(start, other)
        normal /= np.linalg.norm(normal)
        side = np.cross(normal, start)
        knots = rng.uniform(0.08, 1.0, 6)
        s = np.where(
            rng.uniform(size=len(members)) < 0.75,
            rng.uniform(0.06, 1.0, len(members)) ** 1.3,
            np.abs(rng.choice(knots, len(members)) + 0.05 * rng.standard_normal(len(members))),
        )
        angle = rng.uniform(0.6, 1.8) * (1.0 - s) ** 2
        path = s[:, None] * (np.cos(angle)[:, None] * start + np.sin(angle)[:, None] * side)
        width = 0.012 + 0.03 * s
        paths.append(halo.radius * (path + width[:, None] * rng.standard_normal(path.shape)))
    return np.concatenate(paths)
