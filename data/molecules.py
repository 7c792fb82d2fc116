"""The molecular share of neutral hydrogen: three models that can be chosen by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import GRAVITY, HYDROGEN_FRACTION
from data.galaxy import Particles
from data.gas import ADIABATIC_INDEX, PRESSURE_IN_K_CM3, internal_energy, pressure

Array = NDArray[np.float64]

SOLAR_METALLICITY = 0.0127
_GRAM_PER_CM2 = 2.0885e-10  # of one Msun/kpc^2
# Where molecular and atomic surface density are equal, K cm^-3, and the exponent: Blitz &
# Rosolowsky (2006), table 2, all galaxies.
_EQUAL_PRESSURE = 4.3e4
_PRESSURE_EXPONENT = 0.92
# Star formation per area in the solar neighborhood, Msun/yr/kpc^2, as Lagos et al. (2015) take it.
_SOLAR_STAR_FORMATION = 1e-3


def _relative_metallicity(metallicity: NDArray[Any]) -> Array:
    return np.maximum(np.asarray(metallicity, np.float64), 1e-6) / SOLAR_METALLICITY


def krumholz_fraction(
    density: NDArray[Any], masses: NDArray[Any], metallicity: NDArray[Any]
) -> Array:
    """Return the molecular share from the dust's shielding of the cell: Krumholz et al. (2009).

    Parameters
    ----------
    density : (n,) gas density in Msun/kpc^3.
    masses : (n,) Msun.
    metallicity : (n,) mass fraction.

    Returns
    -------
    (n,) in 0 to 1.

    Notes
    -----
    Krumholz, McKee & Tumlinson (2009, ApJ 693, 216) in the form of McKee & Krumholz (2010), eqs. 91
    and 93, and with the numbers of Villaescusa-Navarro et al. (2018): chi of a cold and a warm
    phase in pressure balance, tau_c = sigma_d n R for a cell taken as a sphere of its volume, with
    sigma_d = 1e-21 cm^2 Z and 2.3e-24 g a hydrogen nucleus, and no clumping. Their tau_c =
    0.067 Z Sigma / (Msun/pc^2), eq. 22 of the first paper, is the same with Sigma = 4/3 rho R, the
    mean column through the sphere.
    """
    rho = np.asarray(density, np.float64)
    z = _relative_metallicity(metallicity)
    radius = np.cbrt(3.0 * np.asarray(masses) / (4.0 * np.pi * rho))
    chi = 0.756 * (1.0 + 3.1 * z**0.365)
    tau = rho * radius * _GRAM_PER_CM2 * z * 1e-21 / 2.3e-24
    s = np.log(1.0 + 0.6 * chi + 0.01 * chi**2) / (0.6 * tau)
    return np.where(s < 2.0, 1.0 - 0.75 * s / (1.0 + 0.25 * s), 0.0)


def blitz_fraction(pressure_k_cm3: NDArray[Any]) -> Array:
    """Return the molecular share from the pressure: Blitz & Rosolowsky (2006).

    Parameters
    ----------
    pressure_k_cm3 : (n,) P / k_B in K cm^-3.

    Returns
    -------
    (n,) in 0 to 1: R / (1 + R) with R = Sigma_H2 / Sigma_HI = (P / 4.3e4 K cm^-3)^0.92, their
    eq. 11 with table 2.

    Notes
    -----
    The relation was measured with the midplane pressure of galactic disks. Taking the pressure of a
    star-forming cell for it is common (Marinacci et al. 2017 do so with other constants); Diemer
    et al. (2018) warn that the two differ for single galaxies.
    """
    ratio = (np.asarray(pressure_k_cm3, np.float64) / _EQUAL_PRESSURE) ** _PRESSURE_EXPONENT
    return ratio / (1.0 + ratio)


def gnedin_fraction(
    surface_density: NDArray[Any], metallicity: NDArray[Any], ultraviolet: NDArray[Any]
) -> Array:
    """Return the molecular share from column, dust and ultraviolet field: Gnedin & Kravtsov (2011).

    Parameters
    ----------
    surface_density : (n,) neutral hydrogen, Msun/kpc^2.
    metallicity : (n,) mass fraction; the dust-to-gas ratio is taken in proportion to it.
    ultraviolet : (n,) field at 1000 Angstrom in units of the solar neighborhood's.

    Returns
    -------
    (n,) in 0 to 1: (1 + Sigma_c / Sigma)^-2, their eq. 10, with Lambda of eq. 8.
    """
    dust, u = _relative_metallicity(metallicity), np.asarray(ultraviolet, np.float64)
    d_star = 1.5e-3 * np.log1p((3.0 * u) ** 1.7)
    alpha = 2.5 * u / (1.0 + (0.5 * u) ** 2)
    s = 0.04 / (d_star + dust)
    g = (1.0 + alpha * s + s**2) / (1.0 + s)
    width = np.log1p(g * dust ** (3.0 / 7.0) * (u / 15.0) ** (4.0 / 7.0))
    critical = 2e7 * width ** (4.0 / 7.0) / (dust * np.sqrt(1.0 + u * dust**2))
    column = np.asarray(surface_density, np.float64)
    return (column / (column + critical)) ** 2


def jeans_surface_density(pressure_k_cm3: NDArray[Any]) -> Array:
    """Return the gas column of one Jeans length in Msun/kpc^2: (gamma P / G)^(1/2).

    Schaye & Dalla Vecchia (2008), eq. 7, all gas and all pressure counted. `pressure_k_cm3` is
    P / k_B in K cm^-3, of any shape.
    """
    return np.sqrt(ADIABATIC_INDEX * np.asarray(pressure_k_cm3) / (PRESSURE_IN_K_CM3 * GRAVITY))


def _metallicity(gas: Particles) -> Array:
    return gas["metallicity"] if "metallicity" in gas else np.full(len(gas), SOLAR_METALLICITY)


def _pressure(gas: Particles) -> Array:
    """Return P / k_B in K cm^-3, from the stored energy, else from the temperature.

    Star-forming cells of a simulation have the pressure of the effective equation of state, which
    their temperature, set to 1e4 K, has forgotten.
    """
    if "internal_energy" in gas:
        return pressure(gas["density"], gas["internal_energy"])
    return pressure(gas["density"], internal_energy(gas["temperature"], gas["electron_abundance"]))


def _krumholz(gas: Particles, neutral: Array) -> Array:
    return krumholz_fraction(gas["density"], gas.masses, _metallicity(gas))


def _blitz(gas: Particles, neutral: Array) -> Array:
    return blitz_fraction(_pressure(gas))


def _gnedin(gas: Particles, neutral: Array) -> Array:
    """Apply `gnedin_fraction` to cells.

    As the cell-by-cell scheme of Diemer et al. (2018), section 2.3: column densities are volume
    densities times the Jeans length. The ultraviolet field is their simpler choice: the cell's own
    star formation per area over that of the solar neighborhood (Lagos et al. 2015), not its
    transport through the galaxy. The cosmic background is left out: stars form far above it.
    """
    column = jeans_surface_density(_pressure(gas))
    star_formation = gas["star_formation_rate"] / gas.masses * column
    return gnedin_fraction(
        HYDROGEN_FRACTION * neutral * column,
        _metallicity(gas),
        star_formation / _SOLAR_STAR_FORMATION,
    )


# Each takes star-forming gas and the neutral share of its hydrogen, (n,), and returns the molecular
# share of the neutral, (n,).
MOLECULAR_MODELS: dict[str, Callable[[Particles, Array], Array]] = {
    "krumholz2009": _krumholz,
    "blitz2006": _blitz,
    "gnedin2011": _gnedin,
}
