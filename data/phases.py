"""The state of synthetic gas: density from the particles, the rest from density and phase."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.ionization import neutral_fraction
from data.random_field import RandomField, draw_field
from data.smoothing import neighbor_density

Array = NDArray[np.float64]

# Hydrogen density in cm^-3 above which gas forms stars, in the model of Springel & Hernquist (2003)
# as Vogelsberger et al. (2013) run it, and the star formation time there. In TNG it came out at
# 0.106 (Diemer et al. 2018).
STAR_FORMATION_DENSITY = 0.13
STAR_FORMATION_TIME_YR = 2.2e9

# Density of streams, clouds and tails over that of their eight nearest particles, at most.
_MIST = 3.0
# Hydrogen density in cm^-3 inside of bubbles, at most: at 1e6 K it has the pressure of cold gas of
# about 4 cm^-3 and 15 km/s. Bubbles of single stars have 0.01 (Castor et al. 1975, abstract).
_BUBBLE_DENSITY = 0.1


class Phase(IntEnum):
    """Where a gas particle belongs; from HOT on it is hot."""

    DISK = 0
    STREAM = 1
    HOT = 2
    BUBBLE = 3


@dataclass(frozen=True)
class Ambient:
    """What the surroundings say to gas.

    Attributes
    ----------
    temperature : (n,) K that gas outside the disk and in bubbles has; not asked for elsewhere.
    pressure : (n,) Msun/kpc^3 K of the hot gas where gas lies in streams; likewise.
    tangle : random solenoidal field of unit mean square, the shape of the magnetic field.
    """

    temperature: Array
    pressure: Array
    tangle: RandomField


def gas_state(
    xyz: Array,
    masses: Array,
    phase: NDArray[np.int_],
    ambient: Ambient,
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
    ambient : temperature and pressure outside the disk, and the field's shape.
    redshift : sets the ultraviolet background.
    stellar_mass : Msun, sets the metallicity.

    Returns
    -------
    density Msun/kpc^3, temperature K, electron_abundance n_e/n_H, magnetic_field (n, 3) Gauss,
    metallicity (mass fraction), star_formation_rate Msun/yr.

    Notes
    -----
    Disk, bubbles and hot gas have the density of their own particles alone, so that cold gas does
    not smear into the hot gas that surrounds it; bubbles have no more than balances the pressure of
    dense cold gas, however small they are. Streams, clouds and tails have the density at which
    their thermal pressure is the hot gas's, and less where they are so sparse that they would fall
    apart into dots: cold clouds around TNG50's Milky Ways are under-pressurized too (Ramesh et al.
    2023, abstract).
    """
    to_n_h = cosmo.HYDROGEN_FRACTION * cosmo.MSUN_KPC3_IN_PROTONS_CM3
    density = np.empty(len(xyz))
    for p in (Phase.DISK, Phase.HOT, Phase.BUBBLE):
        members = phase == p
        if members.any():
            # The inside of a bubble is a handful of particles.
            neighbors = 6 if p == Phase.BUBBLE else 24
            density[members] = neighbor_density(xyz[members], masses[members], neighbors)
    bubble, stream = phase == Phase.BUBBLE, phase == Phase.STREAM
    density[bubble] = np.minimum(density[bubble], _BUBBLE_DENSITY / to_n_h)
    if stream.any():
        nearby = _MIST * neighbor_density(xyz[stream], masses[stream], 8)
        balanced = ambient.pressure[stream] / ambient.temperature[stream]
        density[stream] = np.minimum(balanced, nearby)
    n_h = to_n_h * density
    temperature = _temperature(n_h, phase, ambient.temperature, rng)
    forming = (phase == Phase.DISK) & (n_h > STAR_FORMATION_DENSITY)
    temperature[forming] = 1e4
    rate = masses / STAR_FORMATION_TIME_YR * np.sqrt(n_h / STAR_FORMATION_DENSITY)
    neutral = neutral_fraction(density, temperature, redshift)
    helium = 0.079 * np.where(temperature > 5e4, 2.0, np.where(neutral < 0.5, 1.0, 0.0))
    return {
        "density": density,
        "temperature": temperature,
        "electron_abundance": (1.0 - neutral) + helium,
        "neutral_fraction": neutral,
        "magnetic_field": _magnetic_field(xyz, density, temperature, phase, ambient.tangle, rng),
        "metallicity": _metallicity(xyz, phase, stellar_mass),
        "star_formation_rate": np.where(forming, rate, 0.0),
    }


def _temperature(
    n_h: Array, phase: NDArray[np.int_], outside: Array, rng: np.random.Generator
) -> Array:
    """Return K: photoheated cold gas T ~ n^-0.15 in the disk, gas outside it as given.

    Cold gas, heated by the background, follows T ~ 2e4 K (n / 1e-3)^-0.15, set by hand; scatter
    0.05 dex.
    """
    scatter = rng.standard_normal(len(n_h))
    cold = np.clip(2e4 * (n_h / 1e-3) ** -0.15, 6e3, 3e4) * 10.0 ** (0.05 * scatter)
    return np.where(phase == Phase.DISK, cold, np.maximum(outside, 8e3))


def _magnetic_field(
    xyz: Array, density: Array, temperature: Array, phase: NDArray[np.int_],
    tangle: RandomField, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return (n, 3) Gauss: pressure's share in cold gas, frozen into the hot gas.

    In the disk and in streams B^2 / 8 pi = P / beta, with P = rho (c_s^2 + sigma^2), sigma = 15
    km/s, and beta = 2 and 3. That gives cold gas a few to some tens of microgauss, where TNG
    galaxies have 1 to 10 (Marinacci et al. 2018, abstract). In hot gas B ~ rho^(2/3), as flux
    frozen into an isotropic flow has it and cosmological simulations do without cooling
    (Marinacci et al. 2015, abstract), with beta = 40 at the median density. The betas are set by
    hand. The field is toroidal in the disk and otherwise a random one without divergence: ordered
    on large scales, tangled below.
    """
    thermal = temperature / (0.6 * cosmo.PROTON_MASS_OVER_BOLTZMANN)  # (km/s)^2
    hot = phase >= Phase.HOT
    pressure = density * (thermal + np.where(hot, 0.0, 15.0**2))
    cgs = pressure * 6.7699e-32 * 1e10  # Msun/kpc^3 (km/s)^2 -> erg/cm^3
    strength = np.sqrt(8 * np.pi * cgs / np.choose(phase, [2.0, 3.0, 40.0, 40.0]))
    frozen = strength[hot] * density[hot] ** (-2.0 / 3.0)
    strength[hot] = np.median(frozen) * density[hot] ** (2.0 / 3.0)
    disk = phase == Phase.DISK
    vector = tangle(xyz)
    if not disk.any():
        return strength[:, None] * vector
    size = float(np.percentile(np.linalg.norm(xyz[disk], axis=1), 80))
    ripple = draw_field(3.0 * size, rng, outer_scale=0.2, grid=32)
    strength[disk] *= 10.0 ** (0.15 * ripple(xyz[disk])[:, 0])
    toroidal = np.stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))], axis=1)[disk]
    toroidal /= np.linalg.norm(toroidal, axis=1, keepdims=True) + 1e-9
    ordered = 0.8 * toroidal + 0.2 * vector[disk]
    vector[disk] = ordered / np.linalg.norm(ordered, axis=1, keepdims=True)
    return strength[:, None] * vector


def _metallicity(xyz: Array, phase: NDArray[np.int_], stellar_mass: float) -> Array:
    """Return mass fractions: slope 0.3 with stellar mass, a tenth in streams, a third in the halo.

    The share falls outward by 0.04 dex/kpc, to a tenth at most. All of it is set by hand.
    """
    disk = 0.0127 * 10.0 ** (0.3 * (np.log10(stellar_mass) - 10.5))
    radius = np.linalg.norm(xyz, axis=1)
    gradient = np.maximum(10.0 ** (-0.04 * radius), 0.1)
    return np.maximum(np.choose(phase, [1.0, 0.1, 0.3, 1.0]) * disk * gradient, 1e-4 * 0.0127)
