"""Constants, the expansion, and the mean relations between a halo and what is in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

# Planck Collaboration XIII (2016), as IllustrisTNG takes them.
HUBBLE = 0.6774
OMEGA_MATTER = 0.3089
OMEGA_LAMBDA = 0.6911
OMEGA_BARYON = 0.0486
BARYON_FRACTION = OMEGA_BARYON / OMEGA_MATTER

GRAVITY = 4.30091e-6  # kpc (km/s)^2 / Msun
KPC_KM_S_IN_GYR = 0.977792  # 1 kpc / (1 km/s)
PROTON_MASS_OVER_BOLTZMANN = 121.147  # K per (km/s)^2: m_p (1 km/s)^2 / k_B
HYDROGEN_FRACTION = 0.76
SPEED_OF_LIGHT_KM_S = 299792.458
MSUN_KPC3_IN_PROTONS_CM3 = 4.0475e-8  # 1 Msun/kpc^3 in m_p/cm^3
_EXPANSION_GYR = KPC_KM_S_IN_GYR / (0.15 * HUBBLE * float(np.sqrt(OMEGA_LAMBDA)))


def hubble_rate(redshift: float) -> float:
    """Return H(z) in km/s/kpc of the flat cosmology above."""
    return 0.1 * HUBBLE * float(np.sqrt(OMEGA_MATTER * (1 + redshift) ** 3 + OMEGA_LAMBDA))


def critical_density(redshift: float) -> float:
    """Return the critical density at `redshift` in Msun/kpc^3."""
    return 3.0 * hubble_rate(redshift) ** 2 / (8.0 * np.pi * GRAVITY)


def virial_radius(halo_mass: float, redshift: float) -> float:
    """Return R200c in kpc (physical) of a halo of M200c = `halo_mass` Msun."""
    return float(np.cbrt(3.0 * halo_mass / (4.0 * np.pi * 200.0 * critical_density(redshift))))


def concentration(halo_mass: float, redshift: float) -> float:
    """Return the median c200c: Dutton & Maccio (2014), eqs. 7, 10 and 11 (scatter 0.11 dex)."""
    a = 0.520 + (0.905 - 0.520) * np.exp(-0.617 * redshift**1.21)
    b = -0.101 + 0.026 * redshift
    return float(10.0 ** (a + b * np.log10(halo_mass * HUBBLE / 1e12)))


def stellar_mass(halo_mass: float, redshift: float) -> float:
    """Return the mean stellar mass in Msun: Moster, Naab & White (2013), eqs. 2, 11-14, table 1."""
    f = redshift / (1.0 + redshift)
    m1 = 10.0 ** (11.590 + 1.195 * f)
    n, beta, gamma = 0.0351 - 0.0247 * f, 1.376 - 0.826 * f, 0.608 + 0.329 * f
    return 2.0 * n * halo_mass / ((halo_mass / m1) ** -beta + (halo_mass / m1) ** gamma)


def cold_gas_mass(stellar: float) -> float:
    """Return the mean HI mass with helium in Msun of a star-forming galaxy.

    log M_HI/M* = -0.43 log M* + 3.75, Papastergis et al. (2012), times 1.33 for helium.
    """
    return 1.33 * stellar * 10.0 ** (-0.43 * np.log10(stellar) + 3.75)


def cosmic_time_gyr(scale_factor: NDArray[Any] | float) -> Any:
    """Return the time in Gyr from the Big Bang to `scale_factor`, without radiation.

    t = 2 / (3 H0 sqrt(Omega_L)) asinh(sqrt(Omega_L / Omega_m) a^1.5): the flat solution of the
    Friedmann equation.
    """
    ratio = np.sqrt(OMEGA_LAMBDA / OMEGA_MATTER)
    return _EXPANSION_GYR * np.arcsinh(ratio * np.asarray(scale_factor, np.float64) ** 1.5)


def scale_factor_at(time_gyr: NDArray[Any] | float) -> Any:
    """Return the scale factor at a cosmic time in Gyr: the inverse of `cosmic_time_gyr`."""
    ratio = np.sqrt(OMEGA_LAMBDA / OMEGA_MATTER)
    return (np.sinh(np.asarray(time_gyr, np.float64) / _EXPANSION_GYR) / ratio) ** (2.0 / 3.0)


def luminosity_distance_mpc(redshift: float) -> float:
    """Return the luminosity distance in Mpc, (1 + z) times the comoving one of a flat universe."""
    integral, _ = quad(lambda z: 1.0 / hubble_rate(z), 0.0, redshift)
    return 1e-3 * SPEED_OF_LIGHT_KM_S * (1.0 + redshift) * integral


def angular_distance_mpc(redshift: float) -> float:
    """Return the angular diameter distance in Mpc."""
    return luminosity_distance_mpc(redshift) / (1.0 + redshift) ** 2


def redshift_at(distance_mpc: float) -> float:
    """Return the redshift, up to 10, of a luminosity distance: `luminosity_distance_mpc` inverted.

    Raises
    ------
    ValueError : on a distance that is not above zero, or farther than redshift 10.
    """
    farthest = luminosity_distance_mpc(10.0)
    if not 0 < distance_mpc <= farthest:
        raise ValueError(f"distance_mpc must be above 0 up to {farthest:.0f}, got {distance_mpc}")
    return float(brentq(lambda z: luminosity_distance_mpc(z) - distance_mpc, 0.0, 10.0, xtol=1e-12))
