"""The state of synthetic gas: density from the particles, the rest from density and phase."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.halo import directions
from data.ionization import neutral_fraction
from data.smoothing import neighbor_density

Array = NDArray[np.float64]

# Hydrogen density in cm^-3 above which gas forms stars, in the model of Springel & Hernquist (2003)
# as Vogelsberger et al. (2013) run it, and the star formation time there. In TNG it came out at
# 0.106 (Diemer et al. 2018).
STAR_FORMATION_DENSITY = 0.13
STAR_FORMATION_TIME_YR = 2.2e9


class Phase(IntEnum):
    """Where a gas particle belongs."""

    DISK = 0
    STREAM = 1
    HOT = 2
    BUBBLE = 3


def gas_state(
    xyz: Array,
    masses: Array,
    phase: NDArray[np.int_],
    hot_temperature: Array,
    redshift: float,
    stellar_mass: float,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Return the gas fields of n particles.

    Parameters
    ----------
    xyz : (n, 3) kpc in the frame where the disk's axis is z.
    masses : (n,) Msun.
    phase : (n,) values of `Phase`.
    hot_temperature : (n,) K that hot gas has at each place.
    redshift : sets the ultraviolet background.
    stellar_mass : Msun, sets the metallicity.

    Returns
    -------
    density Msun/kpc^3, temperature K, electron_abundance n_e/n_H, magnetic_field (n, 3) Gauss,
    metallicity (mass fraction), star_formation_rate Msun/yr.

    Notes
    -----
    Density is that of each phase by itself, so that cold gas does not smear into the hot gas that
    surrounds it. In all else, gas in bubbles is hot gas.
    """  # fmt: skip
    density = np.empty(len(xyz))
    for p in Phase:
        members = phase == p
        if members.any():
            # The inside of a bubble is a handful of particles.
            neighbors = 6 if p == Phase.BUBBLE else 24
            density[members] = neighbor_density(xyz[members], masses[members], neighbors)
    phase = np.where(phase == Phase.BUBBLE, Phase.HOT, phase)
    n_h = cosmo.HYDROGEN_FRACTION * cosmo.MSUN_KPC3_IN_PROTONS_CM3 * density
    temperature = _temperature(n_h, phase, hot_temperature, rng)
    forming = (phase != Phase.HOT) & (n_h > STAR_FORMATION_DENSITY)
    temperature[forming] = 1e4
    rate = masses / STAR_FORMATION_TIME_YR * np.sqrt(n_h / STAR_FORMATION_DENSITY)
    neutral = neutral_fraction(density, temperature, redshift)
    helium = 0.079 * np.where(temperature > 5e4, 2.0, np.where(neutral < 0.5, 1.0, 0.0))
    return {
        "density": density,
        "temperature": temperature,
        "electron_abundance": (1.0 - neutral) + helium,
        "neutral_fraction": neutral,
        "magnetic_field": _magnetic_field(xyz, density, temperature, phase, rng),
        "metallicity": _metallicity(xyz, phase, stellar_mass),
        "star_formation_rate": np.where(forming, rate, 0.0),
    }


def _temperature(
    n_h: Array, phase: NDArray[np.int_], hot: Array, rng: np.random.Generator
) -> Array:
    """Return K: photoheated cold gas T ~ n^-0.15, streams n^-0.4, hot gas as given.

    Cold gas, heated by the background, follows T ~ 2e4 K (n / 1e-3)^-0.15, set by hand; scatter
    0.05 dex, for hot gas 0.1.
    """
    scatter = rng.standard_normal(len(n_h))
    cold = np.clip(2e4 * (n_h / 1e-3) ** -0.15, 6e3, 3e4) * 10.0 ** (0.05 * scatter)
    stream = np.clip(3e4 * (n_h / 1e-3) ** -0.4, 1e4, 2e5) * 10.0 ** (0.05 * scatter)
    stream = np.minimum(stream, np.maximum(0.7 * hot, 1e4))
    hot = np.maximum(hot, 3e4) * 10.0 ** (0.1 * scatter)
    return np.choose(phase, [cold, stream, hot])


def _magnetic_field(
    xyz: Array, density: Array, temperature: Array, phase: NDArray[np.int_],
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return (n, 3) Gauss: a fixed ratio to thermal and turbulent pressure, scattered.

    B^2 / 8 pi = P / beta, with P = rho (c_s^2 + sigma^2), sigma = 15 km/s and beta = 2 in the disk,
    and beta = 40 in the halo, both set by hand. That gives cold gas a few to some tens of
    microgauss, where TNG galaxies have 1 to 10 (Marinacci et al. 2018, abstract). The direction is
    toroidal in the disk, random above it.
    """
    thermal = temperature / (0.6 * cosmo.PROTON_MASS_OVER_BOLTZMANN)  # (km/s)^2
    pressure = density * (thermal + np.where(phase == Phase.HOT, 0.0, 15.0**2))
    cgs = pressure * 6.7699e-32 * 1e10  # Msun/kpc^3 (km/s)^2 -> erg/cm^3
    beta = np.choose(phase, [2.0, 10.0, 40.0])
    size = float(np.percentile(np.linalg.norm(xyz, axis=1), 80))
    strength = np.sqrt(8 * np.pi * cgs / beta) * 10.0 ** (0.15 * _random_field(xyz, size, rng))
    toroidal = np.stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))], axis=1)
    toroidal /= np.linalg.norm(toroidal, axis=1, keepdims=True) + 1e-9
    order = np.choose(phase, [0.8, 0.3, 0.2])[:, None]
    vector = order * toroidal + (1 - order) * directions(len(xyz), rng)
    return strength[:, None] * vector / np.linalg.norm(vector, axis=1, keepdims=True)


def _random_field(xyz: Array, size: float, rng: np.random.Generator) -> Array:
    """Return (n,) of unit variance, smooth over `size` / 2 to `size` / 12."""
    wavelengths = np.geomspace(0.5, 0.08, 16) * size
    k = directions(16, rng) * (2 * np.pi / wavelengths)[:, None]
    amplitude = wavelengths / np.sqrt(0.5 * np.sum(wavelengths**2))
    return np.cos(xyz @ k.T + rng.uniform(0, 2 * np.pi, 16)) @ amplitude


def _metallicity(xyz: Array, phase: NDArray[np.int_], stellar_mass: float) -> Array:
    """Return mass fractions: the mass-metallicity slope of 0.3, a third of it in the halo."""
    disk = 0.0127 * 10.0 ** (0.3 * (np.log10(stellar_mass) - 10.5))
    radius = np.linalg.norm(xyz, axis=1)
    gradient = np.maximum(10.0 ** (-0.04 * radius), 0.1)
    return np.maximum(np.choose(phase, [1.0, 0.1, 0.3]) * disk * gradient, 1e-4 * 0.0127)
