"""The neutral share of hydrogen in ionization balance with the ultraviolet background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import HYDROGEN_FRACTION, MSUN_KPC3_IN_PROTONS_CM3

Array = NDArray[np.float64]

# Rahmati et al. (2013), table A1, at z = 0 to 5, and the photoionization rate of the background of
# Faucher-Giguere et al. (2009) in s^-1, from their table 2. The simulations of TNG take the update
# of that background of December 2011.
_REDSHIFT = np.arange(6.0)
_LOG_N0 = np.array([-2.94, -2.29, -2.06, -2.13, -2.23, -2.35])
_ALPHA1 = np.array([-3.98, -2.94, -2.22, -1.99, -2.05, -2.63])
_ALPHA2 = np.array([-1.09, -0.90, -1.09, -0.88, -0.75, -0.57])
_BETA = np.array([1.29, 1.21, 1.75, 1.72, 1.93, 1.77])
_F = np.array([0.01, 0.03, 0.03, 0.04, 0.02, 0.01])
_GAMMA_UVB = np.array([3.99e-14, 3.03e-13, 6.00e-13, 5.53e-13, 4.31e-13, 3.52e-13])


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
