"""Temperature, pressure and magnetic field from what the simulation stores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import (
    HYDROGEN_FRACTION,
    MSUN_KPC3_IN_PROTONS_CM3,
    PROTON_MASS_OVER_BOLTZMANN,
)

ADIABATIC_INDEX = 5.0 / 3.0
STAR_FORMING_TEMPERATURE = 1e4
# One code unit of TNG's comoving field at z = 0 and h = 1, in Gauss:
# (1e10 Msun/kpc)^(1/2) (km/s) / kpc in Gaussian units (Nelson et al. 2019, data specification).
CODE_FIELD_GAUSS = 2.6019e-6
PRESSURE_IN_K_CM3 = PROTON_MASS_OVER_BOLTZMANN * MSUN_KPC3_IN_PROTONS_CM3  # Msun/kpc^3 (km/s)^2


def mean_molecular_weight(
    electron_abundance: NDArray[Any], hydrogen_fraction: float
) -> NDArray[Any]:
    """Return mu = 4 / (1 + 3 X + 4 X x_e) in proton masses."""
    x = hydrogen_fraction
    return 4.0 / (1.0 + 3.0 * x + 4.0 * x * np.asarray(electron_abundance))


def temperature(
    internal_energy: NDArray[Any],
    electron_abundance: NDArray[Any],
    star_formation_rate: NDArray[Any] | None = None,
    *,
    hydrogen_fraction: float = HYDROGEN_FRACTION,
) -> NDArray[np.float64]:
    """Return the gas temperature.

    Parameters
    ----------
    internal_energy : (n,) (km/s)^2, per unit mass.
    electron_abundance : (n,) n_e / n_H.
    star_formation_rate : (n,) any unit. Star-forming cells follow an effective equation of state
        (Springel & Hernquist 2003) whose energy is no temperature: they get 1e4 K.

    Returns
    -------
    (n,) K: T = (gamma - 1) u mu m_p / k_B.
    """
    u = np.asarray(internal_energy, np.float64)
    mu = mean_molecular_weight(electron_abundance, hydrogen_fraction)
    kelvin = (ADIABATIC_INDEX - 1.0) * u * mu * PROTON_MASS_OVER_BOLTZMANN
    if star_formation_rate is not None:
        kelvin = np.where(np.asarray(star_formation_rate) > 0, STAR_FORMING_TEMPERATURE, kelvin)
    return kelvin


def internal_energy(
    kelvin: NDArray[Any],
    electron_abundance: NDArray[Any],
    *,
    hydrogen_fraction: float = HYDROGEN_FRACTION,
) -> NDArray[np.float64]:
    """Return (n,) (km/s)^2 per unit mass: the inverse of `temperature` without star formation."""
    mu = mean_molecular_weight(electron_abundance, hydrogen_fraction)
    return np.asarray(kelvin) / ((ADIABATIC_INDEX - 1.0) * mu * PROTON_MASS_OVER_BOLTZMANN)


def pressure(density: NDArray[Any], internal_energy: NDArray[Any]) -> NDArray[np.float64]:
    """Return P / k_B in K cm^-3: (gamma - 1) rho u / k_B.

    Parameters
    ----------
    density : (n,) Msun/kpc^3.
    internal_energy : (n,) (km/s)^2 per unit mass. In star-forming cells of a simulation it is that
        of the effective equation of state, and so is the pressure.
    """
    u = np.asarray(internal_energy, np.float64)
    return (ADIABATIC_INDEX - 1.0) * PRESSURE_IN_K_CM3 * np.asarray(density) * u


def code_field_in_gauss(scale_factor: float, hubble: float) -> float:
    """Return the Gauss in one code unit of a snapshot's MagneticField: h a^-2 2.6019e-6."""
    return CODE_FIELD_GAUSS * hubble / scale_factor**2
