"""SKA-Mid in the design AA4: where its dishes stand, and how sensitive each of them is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LATITUDE_DEG = -30.7129
NUM_MEERKAT = 64  # the first of the positions
DISH_DIAMETER_M = 15.0
MIN_ELEVATION_DEG = 15.0
# Band 1 from below, and the end of band 2: where a redshifted 21 cm line can be received.
FREQUENCY_RANGE_GHZ = (0.35, 1.76)

_POSITIONS = Path(__file__).with_name("ska_mid_aa4.txt")
_SPEED_OF_LIGHT = 0.299792458  # m GHz
_JY_M2_PER_K = 2.0 * 1380.649  # 2 k_B in Jy m^2 / K
_T_CMB, _T_ATMOSPHERE = 2.73, 2.0  # K; the latter is about that of the zenith between 0.5 and 2 GHz
_CORRELATION, _DIGITIZATION = 0.98, 0.999


@cache
def dish_positions() -> Array:
    """Return the positions (197, 3) of the dishes: east, north, up in m; MeerKAT's 64 first."""
    positions = np.loadtxt(_POSITIONS)
    positions.setflags(write=False)
    return positions


def system_temperature(frequency_ghz: float) -> tuple[float, float]:
    """Return the system temperature in K of MeerKAT's dishes and of SKA's.

    Receiver, spillover, atmosphere at the zenith, microwave background, and the Galaxy away from
    its plane, 17.1 K (0.408 GHz / nu)^2.75, the median of the sky.

    Parameters
    ----------
    frequency_ghz : observed, within `FREQUENCY_RANGE_GHZ`. From 0.95 GHz on, SKA's dishes take
        band 2.

    Notes
    -----
    The terms are those of the SKA Observatory's sensitivity calculator for SKA-Mid (see Braun et
    al. 2019, arXiv:1912.12699, where their sources are), but for an atmosphere that is the same at
    all frequencies. They are expectations of the design.
    """
    f = frequency_ghz
    low, high = FREQUENCY_RANGE_GHZ
    if not low <= f <= high:
        raise ValueError(f"frequency_ghz must be from {low} to {high}, got {f:.3f}")
    sky = _T_CMB + _T_ATMOSPHERE + 17.1 * (0.408 / f) ** 2.75
    meerkat = 11.0 - 4.5 * (f - 0.58) if f < 1.02 else 7.5 + 6.8 * abs(f - 1.65) ** 1.5
    ska = 15.0 + 30.0 * (f - 0.75) ** 2 if f < 0.95 else 7.5
    return meerkat + 4.0 + sky, ska + 3.0 + sky


def effective_area(frequency_ghz: float) -> tuple[float, float]:
    """Return the effective area in m^2 of a dish of MeerKAT and of one of SKA.

    The geometric area times what illumination, roughness of the surfaces (Ruze) and diffraction
    leave, from the same calculator as `system_temperature`.
    """
    wavelength = _SPEED_OF_LIGHT / frequency_ghz
    areas = []
    # Diameter, illumination, and rms of the primary's and the secondary's surface, all in m.
    for diameter, feed, primary, secondary in (
        (13.97, 0.80, 480e-6, 265e-6),  # MeerKAT's projected primary is larger than its name
        (DISH_DIAMETER_M, 0.92, 280e-6, 154e-6),
    ):
        path = 2.0 * np.sqrt(0.89 * primary**2 + 0.98 * secondary**2)
        roughness = np.exp(-((2.0 * np.pi * path / wavelength) ** 2))
        diffraction = 1.0 - 20.0 * (wavelength / diameter) ** 1.5
        illumination = feed - abs(0.04 * np.log10(frequency_ghz))
        efficiency = illumination * roughness * diffraction
        areas.append(float(efficiency * np.pi * (0.5 * diameter) ** 2))
    return areas[0], areas[1]


def system_equivalent_flux_densities(frequency_ghz: float) -> Array:
    """Return 2 k T_sys / (A_eff eta) in Jy of each dish, in the order of `dish_positions`.

    eta is what correlating and digitizing leave of the signal to noise.
    """
    eta = _CORRELATION * _DIGITIZATION
    pairs = zip(system_temperature(frequency_ghz), effective_area(frequency_ghz), strict=True)
    meerkat, ska = (_JY_M2_PER_K * t / (area * eta) for t, area in pairs)
    number = len(dish_positions())
    return np.where(np.arange(number) < NUM_MEERKAT, meerkat, ska)


def primary_beam_arcsec(frequency_ghz: float) -> float:
    """Return the full width at half maximum in arcsec of an SKA dish's field, 66 deg lambda / D."""
    return 3600.0 * 66.0 * _SPEED_OF_LIGHT / frequency_ghz / DISH_DIAMETER_M
