"""Shapes of galaxies without a model: concentration, asymmetry, clumpiness, Gini and M20.

Defined for images of light, used here for surface densities, which have neither sky nor noise: the
terms for the background of the papers are zero.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

from engine.metrics.profile import pixel_radii
from engine.metrics.radii import Center, petrosian_radius, radius_enclosing, surface_density

Array = NDArray[np.float64]

# In Petrosian radii. Conselice (2003): all is within 1.5, and the box of the clumpiness is a fifth
# of that. The core, where a cusp would pass for a clump, is left out there too; its size is ours.
_APERTURE = 1.5
_BOX = _APERTURE / 5
_CORE = _APERTURE / 20
# Lotz et al. (2004): standard deviation of the Gaussian in Petrosian radii, and the share of M20.
_BLUR, _BRIGHTEST = 1 / 5, 0.2
# Steps in pixels of the search for the center of asymmetry.
_STEPS = (1.0, 0.5, 0.1)


class Asymmetry(NamedTuple):
    """The smallest asymmetry, without unit, and the (x, y) in kpc about which it is reached."""

    value: float
    center: Center


def aperture_radius(
    image: NDArray[Any], extent_kpc: float, *, center: Center = (0.0, 0.0)
) -> Array:
    """Return 1.5 Petrosian radii, at most half of the extent: the radius of the aperture in kpc.

    Half of the extent stands in where a map ends before the Petrosian radius. Parameters, result
    and what raises as in `petrosian_radius`.
    """
    edge = 0.5 * extent_kpc
    return np.fmin(_APERTURE * petrosian_radius(image, extent_kpc, center=center), edge)


def concentration(
    image: NDArray[Any],
    extent_kpc: float,
    *,
    center: Center = (0.0, 0.0),
    radius_kpc: NDArray[Any] | float | None = None,
) -> Array:
    """Return C = 5 log10(r80 / r20) (Bershady et al. 2000; Conselice 2003).

    Parameters
    ----------
    image : (..., H, W) surface density; row = y upwards, column = x.
    extent_kpc : full width in kpc.
    center : (x, y) in kpc from the map's middle.
    radius_kpc : (...) the aperture in kpc, `aperture_radius` by default. Give an estimate that of
        the truth to compare both in one.

    Returns
    -------
    (...) without unit: 2.74 for an exponential disk and 4.29 for a de Vaucouleurs profile, which
    would be 2.80 and 5.27 if the aperture had no end; NaN where there is nothing.

    Raises
    ------
    ValueError : on a map without two axes, values below zero or not finite, or a bad extent.
    """
    if radius_kpc is None:
        radius_kpc = aperture_radius(image, extent_kpc, center=center)
    inner, outer = (
        radius_enclosing(image, extent_kpc, f, center=center, within_kpc=radius_kpc)
        for f in (0.2, 0.8)
    )
    return 5.0 * np.log10(outer / inner)


def asymmetry(
    image: NDArray[Any],
    extent_kpc: float,
    *,
    center: Center = (0.0, 0.0),
    radius_kpc: float | None = None,
) -> Asymmetry:
    """Return A, the least sum |I - I_180| / sum |I| of all centers (Conselice 2003).

    Parameters
    ----------
    image : (H, W) surface density of one map; row = y upwards, column = x.
    extent_kpc, center, radius_kpc : as in `concentration`; the search begins at `center`, and the
        aperture goes with it.

    Returns
    -------
    Asymmetry, from 0 to 2; NaN about `center` where there is nothing.

    Raises
    ------
    ValueError : as `concentration`, or on more than one map.

    Notes
    -----
    The center goes to the best of its eight neighbors until none is better, at steps of 1, 0.5 and
    0.1 pixels, never further than half the aperture. The turned map is interpolated linearly; at
    whole and half pixels it is exact. A pixel whose opposite is outside of the map does not count.
    """
    values, pixel, radius, start = _in_pixels(image, extent_kpc, center, radius_kpc)
    tried: dict[Center, float] = {}

    def about(place: Center) -> float:
        if place not in tried:
            far = np.hypot(place[0] - start[0], place[1] - start[1]) > 0.5 * radius
            tried[place] = np.inf if far else _asymmetry_about(values, *place, radius)
        return tried[place]

    best = start
    if np.isnan(about(best)):
        return Asymmetry(np.nan, center)
    # The straight ones first, for they go less far where all are alike.
    moves = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    for step in _STEPS:
        while True:
            # Rounded, so that places reached in two ways are one.
            near = [(round(best[0] + i * step, 6), round(best[1] + j * step, 6)) for i, j in moves]
            better = min(near, key=lambda place: np.nan_to_num(about(place), nan=np.inf))
            if not about(better) < about(best):
                break
            best = better
    return Asymmetry(about(best), (best[0] * pixel, best[1] * pixel))


@njit(cache=True)
def _asymmetry_about(values: Array, x: float, y: float, radius: float) -> float:
    """Return sum |I - I_180| / sum |I| about (x, y), all in pixels from the map's middle."""
    height, width = values.shape
    x, y = x + 0.5 * (width - 1), y + 0.5 * (height - 1)
    difference = total = 0.0
    for row in range(height):
        for column in range(width):
            # Where the pixel comes to lie, up to rounding of centers.
            v, u = round(2.0 * y - row, 9), round(2.0 * x - column, 9)
            if not (0 <= v <= height - 1 and 0 <= u <= width - 1):
                continue
            if math.hypot(column - x, row - y) > radius:
                continue
            i, j = min(int(v), height - 2), min(int(u), width - 2)
            v, u = v - i, u - j
            turned = (1 - v) * ((1 - u) * values[i, j] + u * values[i, j + 1])
            turned += v * ((1 - u) * values[i + 1, j] + u * values[i + 1, j + 1])
            difference += abs(values[row, column] - turned)
            total += values[row, column]
    return difference / total if total > 0 else np.nan


def clumpiness(
    image: NDArray[Any],
    extent_kpc: float,
    *,
    center: Center = (0.0, 0.0),
    radius_kpc: float | None = None,
) -> float:
    """Return S = 10 sum max(I - I_smooth, 0) / sum I (Conselice 2003).

    Parameters
    ----------
    image : (H, W) surface density of one map; row = y upwards, column = x.
    extent_kpc, center, radius_kpc : as in `concentration`.

    Returns
    -------
    Without unit; NaN where the box would be a single pixel, or nothing lies in the aperture.

    Raises
    ------
    ValueError : as `concentration`, or on more than one map.

    Notes
    -----
    I_smooth is the mean in a box of a fifth of the aperture's radius (0.3 Petrosian radii), rounded
    to an odd number of pixels so that it has a middle; the map is mirrored at its edges. Both sums
    leave out the inner twentieth of the aperture's radius, which is our choice of a core. Lotz et
    al. (2004) have the same without the factor of 10, with another box and core.
    """
    values, _, radius, place = _in_pixels(image, extent_kpc, center, radius_kpc)
    box = 2 * int(radius * _BOX / _APERTURE / 2) + 1
    distance = _distance(values, place)
    inside = (distance <= radius) & (distance > radius * _CORE / _APERTURE)
    total = values[inside].sum()
    if box < 3 or total <= 0:
        return float("nan")
    rough = np.maximum(values - uniform_filter(values, box, mode="reflect"), 0.0)
    return float(10.0 * rough[inside].sum() / total)


def local_asymmetry(image: NDArray[Any], floor: float) -> Array:
    """Return where maps differ from themselves turned by 180 degrees: |I - I_180| / (I + I_180).

    Parameters
    ----------
    image : (..., H, W) values not below zero.
    floor : added to both, so that next to nothing beside nothing is no asymmetry; above zero.

    Returns
    -------
    (..., H, W) without unit, from 0 to 1, about the map's middle. What `asymmetry` adds up, but
    in units of the local value rather than of the whole, so that it shows in faint parts too.
    """
    values = np.asarray(image, np.float64)
    turned = values[..., ::-1, ::-1]
    return np.abs(values - turned) / (values + turned + 2.0 * floor)


def local_clumpiness(image: NDArray[Any], floor: float) -> Array:
    """Return where maps are brighter than about there: max(I - I_smooth, 0) / I.

    Parameters
    ----------
    image : (..., H, W) values not below zero.
    floor : added to I, so that a value in nothing is no clump; above zero.

    Returns
    -------
    (..., H, W) without unit, from 0 to 1. What `clumpiness` adds up, in units of the local value;
    I_smooth is the mean in a box of a tenth of the side, mirrored at the edges, which is the box
    there where the map ends at the aperture. In maps of less than 20 pixels that is the pixel.
    """
    values = np.asarray(image, np.float64)
    box = 2 * int(values.shape[-1] * _BOX / _APERTURE / 4) + 1
    smooth = uniform_filter(values, box, axes=(-2, -1), mode="reflect")
    return np.maximum(values - smooth, 0.0) / (values + floor)


def galaxy_pixels(
    image: NDArray[Any], extent_kpc: float, *, center: Center = (0.0, 0.0)
) -> NDArray[np.bool_]:
    """Return the pixels that Gini and M20 are of: (H, W), True in the galaxy (Lotz et al. 2004).

    Those whose surface density, blurred by a Gaussian of a fifth of the Petrosian radius, is at
    least the mean at that radius; all, where the map ends before it. Parameters as in `clumpiness`.
    """
    values = _one_map(image, extent_kpc)
    radius = float(petrosian_radius(values, extent_kpc, center=center))
    if np.isnan(radius):
        return np.ones(values.shape, bool)
    pixel = extent_kpc / values.shape[1]
    smooth = gaussian_filter(values, _BLUR * radius / pixel, mode="reflect")
    distance = _distance(values, (center[0] / pixel, center[1] / pixel))
    ring = np.abs(distance - radius / pixel) <= 0.5
    return smooth >= smooth[ring].mean()


def gini(image: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> float:
    """Return the Gini coefficient, sum (2 i - n - 1) |X_i| / (mean|X| n (n - 1)).

    Parameters
    ----------
    image : any shape, any unit; |X_1| is the smallest of the n values.
    mask : of that shape, True where a value counts; all by default. See `galaxy_pixels`.

    Returns
    -------
    0 where all are equal, 1 where one has everything; NaN of less than two values or nothing
    (Lotz et al. 2004, their form for |X|).

    Raises
    ------
    ValueError : on a mask of another shape.
    """
    x = np.sort(np.abs(np.asarray(image, np.float64)[_mask(image, mask)]))
    n = len(x)
    if n < 2 or x[-1] == 0:
        return float("nan")
    return float((2.0 * np.arange(1, n + 1) - n - 1.0) @ x / (x.mean() * n * (n - 1)))


def m20(image: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> float:
    """Return log10 of the brightest pixels' share of the second moment (Lotz et al. 2004).

    Parameters
    ----------
    image : (H, W) surface density, not below zero; square pixels of any size.
    mask : (H, W), as in `gini`.

    Returns
    -------
    log10(sum_b f d^2 / sum f d^2), d from the center of mass, which makes the sum over all the
    smallest; b are the brightest pixels, as many as hold 20 % of the mass. -inf where they stand
    in the center, NaN where all does.

    Raises
    ------
    ValueError : on a map that is not one surface density, or a mask of another shape.

    Notes
    -----
    The pixel with which 20 % is reached counts, and so do all as bright as it, so that the result
    does not depend on an order among equals.
    """
    values = np.where(_mask(image, mask), _one_map(image, 1.0), 0.0)
    y, x = np.indices(values.shape, float)
    total = values.sum()
    if total <= 0:
        return float("nan")
    moment = values * (
        (x - (values * x).sum() / total) ** 2 + (y - (values * y).sum() / total) ** 2
    )
    if moment.sum() <= 0:
        return float("nan")
    ordered = np.sort(values, axis=None)[::-1]
    reached = np.searchsorted(ordered.cumsum(), _BRIGHTEST * total)
    with np.errstate(divide="ignore"):
        return float(np.log10(moment[values >= ordered[reached]].sum() / moment.sum()))


def _one_map(image: NDArray[Any], extent_kpc: float) -> Array:
    values = surface_density(image, extent_kpc)
    if values.ndim != 2:
        raise ValueError(f"image must be one map of shape (H, W), got {values.shape}")
    return values


def _in_pixels(
    image: NDArray[Any], extent_kpc: float, center: Center, radius_kpc: float | None
) -> tuple[Array, float, float, Center]:
    """Return one map, the side of its pixels in kpc, and in pixels the aperture and its center."""
    values = _one_map(image, extent_kpc)
    pixel = extent_kpc / values.shape[1]
    if radius_kpc is None:
        radius_kpc = float(aperture_radius(values, extent_kpc, center=center))
    return values, pixel, radius_kpc / pixel, (center[0] / pixel, center[1] / pixel)


def _distance(values: Array, place: Center) -> Array:
    """Return (H, W) distances in pixels from `place`, (x, y) in pixels from the middle."""
    return pixel_radii(values.shape, float(values.shape[1]), place)


def _mask(image: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    chosen = np.ones(np.shape(image), bool) if mask is None else np.asarray(mask, bool)
    if chosen.shape != np.shape(image):
        raise ValueError(f"mask must have the image's shape {np.shape(image)}, got {chosen.shape}")
    return chosen
