"""How much structure a map has at each scale, and how much of it stands in the right place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Wavelengths in pixels that `small_scale_power` covers: from where a kernel of a pixel no longer
# dominates to an eighth of a map of 64.
_SHORTEST, _LONGEST = 3.0, 8.0


def power_spectrum(
    image: NDArray[Any], extent_kpc: float, other: NDArray[Any] | None = None
) -> tuple[Array, Array]:
    """Return the azimuthally averaged (cross-)power spectrum of maps.

    Parameters
    ----------
    image : (..., N, N) square maps of any unit u; row = y, column = x.
    extent_kpc : full side of the map in kpc.
    other : maps of the same shape for the cross-power; the power of `image` itself where None.

    Returns
    -------
    k : (bins,) mean angular wavenumber of each bin in 1/kpc: 2 pi over the wavelength. Bins are
        2 pi / `extent_kpc` wide, from that to the Nyquist wavenumber.
    power : (..., bins) in u^2 kpc^2, P(k) = |sum_x w f e^{-ikx}|^2 dx^4 / (sum w^2 dx^2), of the
        map less its mean under the window. White noise of variance v in pixels of side dx has
        P = v dx^2.

    Raises
    ------
    ValueError : on maps that are not square, differ in shape or hold values that are not finite, or
        a bad extent.

    Notes
    -----
    Maps of galaxies do not repeat at the edge, so a Hann window w in both directions keeps the jump
    there from leaking into all scales (Harris 1978). What a window does to both maps cancels in
    ratios.
    """
    a = _checked(image)
    b = a if other is None else _checked(other)
    if a.shape != b.shape:
        raise ValueError(f"image and other must have one shape, got {a.shape} and {b.shape}")
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be finite and above zero, got {extent_kpc}")
    size = a.shape[-1]
    cross = (_windowed(a) * np.conj(_windowed(b))).real.reshape(-1, size * size)
    wave = np.fft.fftfreq(size, 1.0 / size)
    radius = np.hypot(wave[:, None], wave[None, :]).ravel()
    index = np.rint(radius).astype(int) - 1
    used = (index >= 0) & (index < size // 2)
    member = np.zeros((int(used.sum()), size // 2))
    member[np.arange(len(member)), index[used]] = 1.0
    count = member.sum(axis=0)
    k = 2 * np.pi / extent_kpc * (radius[used] @ member) / count
    power = cross[:, used] @ member / count * (extent_kpc / size) ** 2
    return k, power.reshape(*a.shape[:-2], size // 2)


def transfer_and_correlation(
    estimate: NDArray[Any], truth: NDArray[Any], extent_kpc: float
) -> tuple[Array, Array, Array]:
    """Return how strong an estimate's structure is at each scale, and how well it is placed.

    Parameters
    ----------
    estimate, truth : (..., N, N) maps of one shape and unit.
    extent_kpc : full side of the map in kpc.

    Returns
    -------
    k : (bins,) in 1/kpc, as in `power_spectrum`.
    transfer : (..., bins) T = sqrt(P_estimate / P_truth); 1 for the right amount of structure.
    correlation : (..., bins) r = P_cross / sqrt(P_estimate P_truth), from -1 to 1.
        NaN in both where there is no power to compare.
    """
    k, own = power_spectrum(estimate, extent_kpc)
    _, true = power_spectrum(truth, extent_kpc)
    _, cross = power_spectrum(estimate, extent_kpc, truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        transfer, correlation = np.sqrt(own / true), cross / np.sqrt(own * true)
    empty = true <= 0
    return k, np.where(empty, np.nan, transfer), np.where(empty | (own <= 0), np.nan, correlation)


def small_scale_power(estimate: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the power of estimates over that of truths at wavelengths of 3 to 8 pixels.

    Parameters
    ----------
    estimate, truth : (n, N, N) maps of one shape and unit.

    Returns
    -------
    The ratio of the powers summed over the maps and those scales: 1 for the right amount of fine
    structure, less for maps that are too smooth, as the mean over what is possible must be.
    """
    size = np.shape(truth)[-1]
    k, own = power_spectrum(estimate, float(size))
    _, true = power_spectrum(truth, float(size))
    return small_scale_ratio(k, own, true)


def small_scale_ratio(k: NDArray[Any], own: NDArray[Any], true: NDArray[Any]) -> float:
    """Return what `small_scale_power` does, of power spectra.

    Parameters
    ----------
    k : (bins,) angular wavenumbers in units of one over a pixel.
    own, true : (n, bins) powers of estimates and truths in one unit, in pixels^2 where the pixels
        of the maps differ.
    """
    wavelength = 2 * np.pi / k
    band = (wavelength >= _SHORTEST) & (wavelength <= _LONGEST)
    # Each bin holds modes in proportion to its wavenumber.
    weight = np.where(band, k, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((own @ weight).sum() / (true @ weight).sum())


def _checked(image: NDArray[Any]) -> Array:
    values = np.asarray(image, np.float64)
    if values.ndim < 2 or values.shape[-1] != values.shape[-2] or values.shape[-1] < 2:
        raise ValueError(f"maps must have shape (..., N, N), N from 2, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("maps must be finite for a power spectrum, got NaN or infinity")
    return values


def _windowed(values: Array) -> NDArray[np.complex128]:
    """Return the Fourier transform of maps under a Hann window of unit mean square."""
    size = values.shape[-1]
    taper = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    window = np.outer(taper, taper)
    mean = (values * window).sum(axis=(-2, -1), keepdims=True) / window.sum()
    scale = size * np.sqrt(np.mean(window**2))
    return np.fft.fft2((values - mean) * window / scale)
