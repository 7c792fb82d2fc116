"""The 21 cm line of a map of atomic hydrogen, in each of the forms that go by its name.

| function | what | unit |
|---|---|---|
| `column_density` | atoms along the line of sight | cm^-2 |
| `integrated_brightness` | thin line, integrated over velocity | K km/s |
| `cosmological_brightness_temperature_mk` | thin line over the Hubble flow across a depth | mK |
| `surface_density_per_flux` | mass a kpc^2 of a flux an arcsec^2 | Msun/kpc^2 |
| `brightness_temperature_mk` | line over a channel, saturating at T_s: the domain's maps | mK |
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import HUBBLE, critical_density, hubble_rate, luminosity_distance_mpc

Array = NDArray[np.float64]

COLUMN_PER_SURFACE_DENSITY = 1.248e14  # cm^-2 of hydrogen atoms per Msun/kpc^2
# cm^-2 per K km/s, optically thin, as radio astronomers have it (Chengalur, Kanekar & Roy 2013); it
# is 32 pi k nu^2 / (3 h c^3 A) with A = 2.869e-15 s^-1.
COLUMN_PER_K_KM_S = 1.823e18
CHANNEL_KM_S = 100.0
REST_FREQUENCY_HZ = 1420405751.768
# Msun of HI per Mpc^2 Jy km/s, optically thin, for a line in the Local Universe.
MASS_PER_FLUX = 2.356e5


def column_density(surface_density: NDArray[Any]) -> Array:
    """Return N_HI in cm^-2 of `surface_density` in Msun/kpc^2 of atomic hydrogen, any shape."""
    return COLUMN_PER_SURFACE_DENSITY * np.asarray(surface_density, np.float64)


def integrated_brightness(surface_density: NDArray[Any]) -> Array:
    """Return the velocity-integrated brightness in K km/s of an optically thin line.

    Parameters
    ----------
    surface_density : HI in Msun/kpc^2, any shape.

    Returns
    -------
    K km/s in the frame of the gas: N_HI / (1.823e18 cm^-2), the shape of `surface_density`. It
    needs neither spin temperature nor line width.
    """
    return column_density(surface_density) / COLUMN_PER_K_KM_S


def cosmological_brightness_temperature_mk(
    surface_density: NDArray[Any], redshift: float, *, depth_kpc: float
) -> Array:
    """Return the brightness temperature of HI spread over a depth, as intensity mapping has it.

    Parameters
    ----------
    surface_density : HI in Msun/kpc^2 (physical), any shape.
    redshift : of the gas.
    depth_kpc : physical length along the line of sight over which the gas counts as spread. For
        the map of one galaxy take the side of the map: its pixels are then columns of a cube.

    Returns
    -------
    mK, observed, the shape of `surface_density`.

    Raises
    ------
    ValueError : on a depth not above zero.

    Notes
    -----
    T_b = 189 mK h (1+z)^2 H0 / H(z) rho_HI / rho_c, with the comoving density of HI and today's
    critical density, as Villaescusa-Navarro et al. (2018) make their 21 cm maps. It is the
    optically thin line over the Hubble flow H(z) `depth_kpc`, peculiar velocities left out, and so
    the thin limit of `brightness_temperature_mk` in a channel of that width.
    """
    if not depth_kpc > 0:
        raise ValueError(f"depth_kpc must be above zero, got {depth_kpc}")
    comoving = np.asarray(surface_density, np.float64) / depth_kpc / (1.0 + redshift) ** 3
    dilution = (1.0 + redshift) ** 2 * hubble_rate(0.0) / hubble_rate(redshift)
    return 189.0 * HUBBLE * dilution * comoving / critical_density(0.0)


def mass_per_flux(redshift: float) -> float:
    """Return Msun of HI per Jy km/s of a source at `redshift`, velocities in its own frame.

    Notes
    -----
    M = 2.356e5 D_L^2 S / (1+z), Meyer et al. (2017, PASA 34, 52). Over velocities as observed, the
    differences of c z, which are larger by 1+z, it would be (1+z)^2.
    """
    return MASS_PER_FLUX * luminosity_distance_mpc(redshift) ** 2 / (1.0 + redshift)


def surface_density_per_flux(redshift: float) -> float:
    """Return Msun/kpc^2 of HI per Jy km/s an arcsec^2, velocities in the frame of the source.

    The distance cancels; of the expansion (1+z)^3 is left: surface brightness falls with (1+z)^4,
    and the line is received 1+z times as narrow in frequency as it was emitted.
    """
    return MASS_PER_FLUX * (1.0 + redshift) ** 3 * (180.0 * 3600.0 / np.pi) ** 2 / 1e6


def brightness_temperature_mk(
    surface_density: NDArray[Any],
    redshift: float,
    *,
    spin_temperature_k: NDArray[Any] | float,
    velocity_width_km_s: float = CHANNEL_KM_S,
) -> Array:
    """Return the observed 21 cm brightness temperature, averaged over a channel.

    T_b = T_s (1 - exp(-tau)) / (1 + z), tau = N_HI / (1.823e18 cm^-2 T_s dv): the transfer through
    a uniform slab (Draine 2011, chapter 8) against no background. It saturates at T_s where the
    line is thick. The maps of the domain `brightness_temperature` are these, with the default width
    and the HI-weighted kinetic temperature for T_s.

    Parameters
    ----------
    surface_density : HI in Msun/kpc^2, any shape.
    spin_temperature_k : K, of a shape that fits; the kinetic temperature of the HI is a good guess.
    velocity_width_km_s : width of the channel over which the line is spread, 100 km/s by default.

    Returns
    -------
    mK, the shape of `surface_density`.
    """
    tau = column_density(surface_density) / (
        COLUMN_PER_K_KM_S * spin_temperature_k * velocity_width_km_s
    )
    return 1e3 * spin_temperature_k * -np.expm1(-tau) / (1.0 + redshift)
