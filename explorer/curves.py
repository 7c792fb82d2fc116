"""What maps come down to in curves: their power by scale, and the error of each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.normalize import to_log
from engine.metrics.image import mae_dex
from engine.metrics.spectrum import power_spectrum

Array = NDArray[np.float64]

_BATCH = 16  # maps at a time: what a spectrum takes grows with their number


@dataclass(frozen=True)
class Spectra:
    """Power spectra of a run, of maps as log10(value + floor).

    In the logarithm, as networks see maps: in the values themselves, only the brightest pixels
    would count. See `engine.metrics.spectrum.power_spectrum`.

    Attributes
    ----------
    wavenumbers : (bins,) in 1/kpc.
    states : (n, bins) in dex^2 kpc^2, of x_t, whose unit is taken to dex.
    estimates : (n, bins) in dex^2 kpc^2.
    """

    wavenumbers: Array
    states: Array
    estimates: Array


def log_spectrum(maps: NDArray[Any], domain: str, extent_kpc: float) -> tuple[Array, Array]:
    """Return the power spectra of log10(value + floor) of maps.

    Parameters
    ----------
    maps : (..., N, N) in the unit of `domain`; row = y, column = x.
    extent_kpc : side of the maps.

    Returns
    -------
    wavenumbers : (bins,) in 1/kpc.
    power : (..., bins) in dex^2 kpc^2; NaN for a map with a pixel that is not finite.
    """
    return _spectrum(to_log(maps, domain), extent_kpc)


def run_spectra(
    states: NDArray[np.float32],
    estimates: NDArray[np.float32],
    domain: str,
    scale_dex: float,
    extent_kpc: float,
) -> Spectra:
    """Return the spectra of a run's x_t and estimates, both (n, N, N).

    Parameters
    ----------
    states : in the network's normalized units, of `scale_dex` each.
    estimates : in the unit of `domain`.
    """
    parts = [slice(start, start + _BATCH) for start in range(0, len(states), _BATCH)]
    of_states = [_spectrum(scale_dex * states[part], extent_kpc) for part in parts]
    of_estimates = [log_spectrum(estimates[part], domain, extent_kpc) for part in parts]
    return Spectra(
        of_states[0][0],
        np.concatenate([power for _, power in of_states]),
        np.concatenate([power for _, power in of_estimates]),
    )


def errors_dex(
    estimates: NDArray[np.float32], truth: NDArray[np.float32] | None, domain: str
) -> Array:
    """Return the mean absolute error in dex of each estimate, (n,); NaN without truth.

    Parameters
    ----------
    estimates, truth : (n, H, W) and (H, W) in the unit of `domain`. Pixels that are not finite in
        any of them do not count.
    """
    if truth is None:
        return np.full(len(estimates), np.nan)
    good = np.isfinite(truth) & np.isfinite(estimates).all(axis=0)
    if not good.any():
        return np.full(len(estimates), np.nan)
    values = np.maximum(estimates[:, None, good], 0.0)
    wanted = np.broadcast_to(np.maximum(truth[good], 0.0), values.shape)
    return mae_dex(values, wanted, get_domain(domain).floor)


def _spectrum(maps_dex: NDArray[Any], extent_kpc: float) -> tuple[Array, Array]:
    whole = np.isfinite(maps_dex).all(axis=(-2, -1))
    k, power = power_spectrum(np.where(whole[..., None, None], maps_dex, 0.0), extent_kpc)
    return k, np.where(whole[..., None], power, np.nan)
