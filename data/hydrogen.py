"""Neutral hydrogen, its molecular part, and the 21 cm line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import HYDROGEN_FRACTION, MSUN_KPC3_IN_PROTONS_CM3
from data.galaxy import Galaxy
from data.gas import STAR_FORMING_TEMPERATURE

Array = NDArray[np.float64]

# Rahmati et al. (2013), table A1, at z = 0 to 5, and the photoionization rate of the
# Faucher-Giguere et al. (2009) background, which TNG takes, in s^-1 as they list it in table 2.
_REDSHIFT = np.arange(6.0)
_LOG_N0 = np.array([-2.94, -2.29, -2.06, -2.13, -2.23, -2.35])
_ALPHA1 = np.array([-3.98, -2.94, -2.22, -1.99, -2.05, -2.63])
_ALPHA2 = np.array([-1.09, -0.90, -1.09, -0.88, -0.75, -0.57])
_BETA = np.array([1.29, 1.21, 1.75, 1.72, 1.93, 1.77])
_F = np.array([0.01, 0.03, 0.03, 0.04, 0.02, 0.01])
_GAMMA_UVB = np.array([3.99e-14, 3.03e-13, 6.00e-13, 5.53e-13, 4.31e-13, 3.52e-13])

SOLAR_METALLICITY = 0.0127
COLUMN_PER_SURFACE_DENSITY = 1.248e14  # cm^-2 of hydrogen atoms per Msun/kpc^2
COLUMN_PER_K_KM_S = 1.823e18  # cm^-2 per K km/s, optically thin (Draine 2011, section 8.2)
_GRAM_PER_CM2 = 2.0885e-10  # of one Msun/kpc^2


def photoionization_rate(n_hydrogen: Array, redshift: float) -> Array:
    """Return the self-shielded rate in s^-1 at n_H in cm^-3: Rahmati et al. (2013), eq. A1."""
    z = min(max(redshift, 0.0), 5.0)
    at = {name: np.interp(z, _REDSHIFT, table) for name, table in (
        ("log_n0", _LOG_N0), ("a1", _ALPHA1), ("a2", _ALPHA2), ("beta", _BETA), ("f", _F),
        ("log_gamma", np.log10(_GAMMA_UVB)))}  # fmt: skip
    x = n_hydrogen / 10.0 ** at["log_n0"]
    shielded = (1 - at["f"]) * (1 + x ** at["beta"]) ** at["a1"] + at["f"] * (1 + x) ** at["a2"]
    return 10.0 ** at["log_gamma"] * shielded


def neutral_fraction(density: NDArray[Any], temperature: NDArray[Any], redshift: float) -> Array:
    """Return the share of hydrogen that is neutral in ionization balance.

    Parameters
    ----------
    density : (n,) gas density in Msun/kpc^3.
    temperature : (n,) K.
    redshift : sets the ultraviolet background; held at its value at z = 5 beyond.

    Returns
    -------
    (n,) in 0 to 1.

    Notes
    -----
    Rahmati et al. (2013), eqs. A3 to A8: case A recombination (Hui & Gnedin 1997), collisional
    ionization (Theuns et al. 1998) and the self-shielded photoionization rate.
    """
    n_h = HYDROGEN_FRACTION * MSUN_KPC3_IN_PROTONS_CM3 * np.asarray(density, np.float64)
    t = np.asarray(temperature, np.float64)
    lam = 315614.0 / t
    alpha = 1.269e-13 * lam**1.503 / (1.0 + (lam / 0.522) ** 0.47) ** 1.923
    collisional = 1.17e-10 * np.sqrt(t) * np.exp(-157809.0 / t) / (1.0 + np.sqrt(t / 1e5))
    a = alpha + collisional
    b = 2.0 * alpha + photoionization_rate(n_h, redshift) / n_h + collisional
    return 2.0 * alpha / (b + np.sqrt(np.maximum(b * b - 4.0 * a * alpha, 0.0)))


def molecular_fraction(
    density: NDArray[Any], masses: NDArray[Any], metallicity: NDArray[Any]
) -> Array:
    """Return the share of neutral hydrogen that is molecular.

    Krumholz, McKee & Tumlinson (2009), eqs. 2 to 4 in the form of McKee & Krumholz (2010), with a
    clumping factor of 1 and the column through the cell, Sigma = rho R, R = (3 V / 4 pi)^(1/3).

    Parameters
    ----------
    density : (n,) Msun/kpc^3.
    masses : (n,) Msun.
    metallicity : (n,) mass fraction.

    Returns
    -------
    (n,) in 0 to 1.
    """
    rho = np.asarray(density, np.float64)
    z = np.maximum(np.asarray(metallicity, np.float64), 1e-6) / SOLAR_METALLICITY
    radius = np.cbrt(3.0 * np.asarray(masses) / (4.0 * np.pi * rho))
    chi = 0.756 * (1.0 + 3.1 * z**0.365)
    tau = rho * radius * _GRAM_PER_CM2 * z * 1e-21 / 2.3e-24
    s = np.log(1.0 + 0.6 * chi + 0.01 * chi**2) / (0.6 * tau)
    return np.where(s < 2.0, 1.0 - 0.75 * s / (1.0 + 0.25 * s), 0.0)


def hydrogen_masses(galaxy: Galaxy) -> dict[str, Array]:
    """Return the mass of neutral, atomic ("hi") and molecular ("h2") hydrogen of each gas cell.

    Follows Villaescusa-Navarro et al. (2018), section 2.2: the simulation's own neutral fraction
    where a cell forms no stars, `neutral_fraction` at 1e4 K where it does, and everywhere if the
    galaxy carries none; H2 is taken off star-forming cells alone.

    Returns
    -------
    {"neutral", "hi", "h2"}: (n_gas,) Msun each.
    """
    gas = galaxy.particles["gas"]
    forming = np.zeros(len(gas), bool)
    if "star_formation_rate" in gas:
        forming = gas["star_formation_rate"] > 0
    kelvin = np.where(forming, STAR_FORMING_TEMPERATURE, gas["temperature"])
    neutral = neutral_fraction(gas["density"], kelvin, galaxy.redshift)
    if "neutral_fraction" in gas:
        neutral = np.where(forming, neutral, gas["neutral_fraction"])
    metallicity = (
        gas["metallicity"] if "metallicity" in gas else np.full(len(gas), SOLAR_METALLICITY)
    )
    molecular = np.where(forming, molecular_fraction(gas["density"], gas.masses, metallicity), 0.0)
    total = HYDROGEN_FRACTION * gas.masses * neutral
    return {"neutral": total, "hi": total * (1 - molecular), "h2": total * molecular}


def brightness_temperature_mk(
    surface_density: NDArray[Any],
    redshift: float,
    *,
    spin_temperature_k: NDArray[Any] | float,
    velocity_width_km_s: float = 100.0,
) -> Array:
    """Return the observed 21 cm brightness temperature, averaged over a channel.

    T_b = T_s (1 - exp(-tau)) / (1 + z), tau = N_HI / (1.823e18 cm^-2 T_s dv): Draine (2011),
    sections 8.2 and 8.3, against no background. It saturates at T_s where the line is thick. This
    is neither the line-integrated brightness in K km/s nor the cosmological mean signal.

    Parameters
    ----------
    surface_density : HI in Msun/kpc^2, any shape.
    spin_temperature_k : K, of a shape that fits; the kinetic temperature of the HI is a good guess.
    velocity_width_km_s : width of the channel over which the line is spread, 100 km/s by default.

    Returns
    -------
    mK, the shape of `surface_density`.
    """
    column = COLUMN_PER_SURFACE_DENSITY * np.asarray(surface_density, np.float64)
    tau = column / (COLUMN_PER_K_KM_S * spin_temperature_k * velocity_width_km_s)
    return 1e3 * spin_temperature_k * -np.expm1(-tau) / (1.0 + redshift)
