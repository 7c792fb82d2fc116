"""Radial profiles of maps, and what lies between two of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

# Points a side into which a pixel is divided to say what part of it lies within a circle. Areas of
# circles are then met to 0.6 % at a radius of two or three pixels, and the better the larger.
_POINTS = 8


def annuli(extent_kpc: float, num_bins: int) -> NDArray[np.float64]:
    """Return the (num_bins + 1,) edges in kpc of equal annuli out to half of `extent_kpc`."""
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be finite and above zero, got {extent_kpc}")
    if int(num_bins) != num_bins or num_bins < 1:
        raise ValueError(f"num_bins must be a positive whole number, got {num_bins}")
    return np.linspace(0.0, 0.5 * extent_kpc, int(num_bins) + 1)


def radial_profile(
    image: NDArray[Any],
    extent_kpc: float,
    num_bins: int = 16,
    center: tuple[float, float] = (0.0, 0.0),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average maps over circular annuli.

    Each pixel counts wholly to the annulus that holds its center. Pixels that are not finite are
    left out.

    Parameters
    ----------
    image : (H, W) map or (..., H, W) maps, any unit; row = y upwards, column = x, square pixels.
    extent_kpc : full width of the map in kpc.
    num_bins : annuli of equal width from `center` to half of `extent_kpc`.
    center : (x, y) in kpc from the map's middle.

    Returns
    -------
    radii_kpc : (num_bins,) middle of each annulus in kpc.
    profile : (..., num_bins) mean in the map's unit; NaN where an annulus holds no finite pixel.

    Raises
    ------
    ValueError : on a map without two axes or pixels, a bad extent, or a bad number of bins.
    """
    values = np.asarray(image, np.float64)
    if values.ndim < 2 or not values.shape[-1] or not values.shape[-2]:
        raise ValueError(f"image must have shape (..., H, W) with pixels in it, got {values.shape}")
    edges = annuli(extent_kpc, num_bins)
    radius = pixel_radii(values.shape[-2:], extent_kpc, center)
    bins = np.searchsorted(edges, radius.ravel(), side="right") - 1
    bins[radius.ravel() == edges[-1]] = num_bins - 1
    inside = (bins >= 0) & (bins < num_bins)
    flat = values.reshape(-1, radius.size)[:, inside]
    membership = np.zeros((int(inside.sum()), num_bins))
    membership[np.arange(len(membership)), bins[inside]] = 1.0
    finite = np.isfinite(flat)
    counts = finite @ membership
    sums = np.where(finite, flat, 0.0) @ membership
    profile = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return 0.5 * (edges[1:] + edges[:-1]), profile.reshape(*values.shape[:-2], num_bins)


def pixel_radii(
    shape: tuple[int, ...], extent_kpc: float, center: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the (H, W) distance in kpc of each pixel's center from `center`."""
    height, width = shape
    pixel = extent_kpc / width
    x = (np.arange(width) - 0.5 * (width - 1)) * pixel - center[0]
    y = (np.arange(height) - 0.5 * (height - 1)) * pixel - center[1]
    return np.hypot(x[None, :], y[:, None])


def cumulative_profile(
    image: NDArray[Any],
    extent_kpc: float,
    num_bins: int = 16,
    center: tuple[float, float] = (0.0, 0.0),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what maps hold within circles: the growth curve.

    A pixel on a circle counts by the part of it that lies within.

    Parameters
    ----------
    image : (H, W) or (..., H, W) amount per kpc^2 (Msun/kpc^2 gives Msun); row = y upwards,
        column = x, square pixels. Pixels that are not finite hold nothing.
    extent_kpc : full width of the map in kpc.
    num_bins : circles at equal steps, the last of radius half of `extent_kpc`.
    center : (x, y) in kpc from the map's middle.

    Returns
    -------
    radii_kpc : (num_bins,) the circles' radii.
    enclosed : (..., num_bins) amount within each.

    Raises
    ------
    ValueError : as `radial_profile`.
    """
    values = np.asarray(image, np.float64)
    if values.ndim < 2 or not values.shape[-1] or not values.shape[-2]:
        raise ValueError(f"image must have shape (..., H, W) with pixels in it, got {values.shape}")
    edges = annuli(extent_kpc, num_bins)
    height, width = values.shape[-2:]
    pixel = extent_kpc / width
    shares = _shares(height, width, int(num_bins), (center[0] / pixel, center[1] / pixel))
    flat = values.reshape(-1, height * width)
    within = (shares @ np.where(np.isfinite(flat), flat, 0.0).T).T.cumsum(axis=-1) * pixel**2
    return edges[1:], within.reshape(*values.shape[:-2], int(num_bins))


@lru_cache(maxsize=16)
def _shares(height: int, width: int, num_bins: int, center: tuple[float, float]) -> csr_array:
    """Return (num_bins, H * W): the part of each pixel in each annulus. Lengths are in pixels."""
    offsets = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    x = (np.arange(width)[:, None] + offsets).ravel() - 0.5 * (width - 1) - center[0]
    y = (np.arange(height)[:, None] + offsets).ravel() - 0.5 * (height - 1) - center[1]
    bins = np.floor(np.hypot(x[None, :], y[:, None]) * num_bins / (0.5 * width)).astype(np.int64)
    pixel = np.arange(height)[:, None] * width + np.arange(width)
    pixel = pixel.repeat(_POINTS, axis=0).repeat(_POINTS, axis=1)
    inside = bins < num_bins
    parts = np.full(int(inside.sum()), 1.0 / _POINTS**2)
    shape = (num_bins, height * width)
    return csr_array((parts, (bins[inside], pixel[inside])), shape=shape)  # equal places add up


def in_half_mass_radii(
    radii_kpc: NDArray[Any],
    profile: NDArray[Any],
    half_mass_radius_kpc: NDArray[Any] | float,
    radii: NDArray[Any],
) -> NDArray[np.float64]:
    """Return profiles at given multiples of each galaxy's half-mass radius.

    Parameters
    ----------
    radii_kpc : (num_bins,) or (..., num_bins) rising radii in kpc.
    profile : (..., num_bins) any unit.
    half_mass_radius_kpc : (...) in kpc, one a profile; that of the truth, for both to be compared.
    radii : (k,) in half-mass radii.

    Returns
    -------
    (..., k) in the profile's unit, linear between its radii; NaN beyond them, beside a bin that is
    NaN, or where the half-mass radius is not above zero.

    Raises
    ------
    ValueError : on shapes that do not fit.
    """
    y, wanted = np.asarray(profile, np.float64), np.atleast_1d(np.asarray(radii, np.float64))
    try:
        x = np.broadcast_to(np.asarray(radii_kpc, np.float64), y.shape)
        size = np.broadcast_to(np.asarray(half_mass_radius_kpc, np.float64), y.shape[:-1])
    except ValueError:
        raise ValueError(
            f"radii_kpc and half_mass_radius_kpc must fit profiles of shape {y.shape}, "
            f"got {np.shape(radii_kpc)} and {np.shape(half_mass_radius_kpc)}"
        ) from None
    out = np.full((*y.shape[:-1], len(wanted)), np.nan)
    for index in np.ndindex(y.shape[:-1]):
        if size[index] > 0:
            at = wanted * size[index]
            out[index] = np.interp(at, x[index], y[index], left=np.nan, right=np.nan)
    return out


def squared_residual(estimate: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Return (1 - estimate / truth)^2, without unit; NaN where either is not finite or truth is 0.

    Parameters
    ----------
    estimate, truth : maps or profiles of shapes that broadcast, in one unit.

    Raises
    ------
    ValueError : on shapes that do not broadcast.
    """
    a, b = _broadcast(estimate, truth)
    good = np.isfinite(a) & np.isfinite(b) & (b != 0)
    ratio = np.divide(a, b, out=np.full(a.shape, np.nan), where=good)
    return np.square(1.0 - ratio)


def _broadcast(estimate: NDArray[Any], truth: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    a, b = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
    try:
        return tuple(np.broadcast_arrays(a, b))
    except ValueError:
        raise ValueError(
            f"estimate and truth must have matching shapes, got {a.shape} and {b.shape}"
        ) from None


def residual_dex(
    estimate: NDArray[Any], truth: NDArray[Any], floor: float = 0.0
) -> NDArray[np.float64]:
    """Return log10(estimate / truth) in dex; NaN where either is not finite and above zero.

    Parameters
    ----------
    estimate, truth : maps or profiles of shapes that broadcast, in one unit.
    floor : added to both, in that unit, so that next to nothing over nothing is no large residual;
        where both lie below it there is nothing to compare: NaN.

    Raises
    ------
    ValueError : on shapes that do not broadcast.
    """
    a, b = _broadcast(estimate, truth)
    empty = (a < floor) & (b < floor)
    a, b = a + floor, b + floor
    good = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0) & ~empty
    out = np.full(a.shape, np.nan)
    out[good] = np.log10(a[good] / b[good])
    return out


def integral(image: NDArray[Any], extent_kpc: float) -> NDArray[np.float64]:
    """Return the sum times the pixel's area over the last two axes.

    Parameters
    ----------
    image : (..., H, W) amount per kpc^2 (Msun/kpc^2 gives Msun).
    extent_kpc : full width of the map in kpc.
    """
    values = np.asarray(image, np.float64)
    if values.ndim < 2:
        raise ValueError(f"image must have shape (..., H, W), got {values.shape}")
    annuli(extent_kpc, 1)
    return np.asarray(values.sum(axis=(-2, -1)) * (extent_kpc / values.shape[-1]) ** 2)
