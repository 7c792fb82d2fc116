"""Where the mass of maps is: center of mass, and radii from the growth curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.metrics.profile import annuli, cumulative_profile

Array = NDArray[np.float64]
Center = tuple[float, float]

# Local over mean surface density inside, at the Petrosian radius (Bershady et al. 2000; Conselice
# 2003; Lotz et al. 2004).
PETROSIAN_ETA = 0.2


def center_of_mass(image: NDArray[Any], extent_kpc: float) -> Array:
    """Return the centers of mass, sum I x / sum I.

    Parameters
    ----------
    image : (..., H, W) surface density, not below zero; row = y upwards, column = x.
    extent_kpc : full width in kpc.

    Returns
    -------
    (..., 2) x and y in kpc from the map's middle; NaN of a map of nothing.

    Raises
    ------
    ValueError : on a map without two axes, values below zero or not finite, or a bad extent.
    """
    values = surface_density(image, extent_kpc)
    height, width = values.shape[-2:]
    pixel = extent_kpc / width
    x = (np.arange(width) - 0.5 * (width - 1)) * pixel
    y = (np.arange(height) - 0.5 * (height - 1)) * pixel
    total = values.sum(axis=(-2, -1))
    moments = np.stack([values.sum(axis=-2) @ x, values.sum(axis=-1) @ y], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return moments / total[..., None]


def center_offset(estimate: NDArray[Any], truth: NDArray[Any], extent_kpc: float) -> Array:
    """Return by how much centers of mass are displaced: (..., 2) x and y in kpc, estimate - truth.

    Parameters, and what raises, as in `center_of_mass`.
    """
    return center_of_mass(estimate, extent_kpc) - center_of_mass(truth, extent_kpc)


def radius_enclosing(
    image: NDArray[Any],
    extent_kpc: float,
    fraction: float,
    *,
    center: Center = (0.0, 0.0),
    within_kpc: NDArray[Any] | float | None = None,
) -> Array:
    """Return the radius of the circle that holds a fraction of the mass.

    Parameters
    ----------
    image : (..., H, W) surface density; row = y upwards, column = x.
    extent_kpc : full width in kpc.
    fraction : between 0 and 1, of the mass within `within_kpc`.
    center : (x, y) in kpc from the map's middle.
    within_kpc : (...) radius of what counts as all, at most, and by default, half the extent.

    Returns
    -------
    (...) kpc; NaN of a map of nothing.

    Raises
    ------
    ValueError : on a fraction not between 0 and 1, or as `center_of_mass`.

    Notes
    -----
    Between circles half a pixel apart the surface density is taken for constant, so that the mass
    grows with the circle's area.
    """
    values = surface_density(image, extent_kpc)
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1, got {fraction}")
    radii, mass = _growth(values, extent_kpc, center)
    edge = np.broadcast_to(radii[-1] if within_kpc is None else within_kpc, values.shape[:-2])
    out = np.full(values.shape[:-2], np.nan)
    for index in np.ndindex(out.shape):
        total = np.interp(edge[index] ** 2, radii**2, mass[index])
        if total > 0:
            out[index] = np.sqrt(_first_reach(radii**2, mass[index], fraction * total))
    return out


def half_mass_radius(
    image: NDArray[Any], extent_kpc: float, *, center: Center = (0.0, 0.0)
) -> Array:
    """Return the radius of half the mass that the map's inscribed circle holds.

    It is that of the projected mass, and grows with the map where a galaxy goes on beyond it: set
    side by side only maps of one extent. Parameters and result as in `radius_enclosing`.
    """
    return radius_enclosing(image, extent_kpc, 0.5, center=center)


def petrosian_radius(
    image: NDArray[Any], extent_kpc: float, *, center: Center = (0.0, 0.0)
) -> Array:
    """Return the smallest radius where surface density is 0.2 of the mean inside (Petrosian 1976).

    Parameters and result as in `radius_enclosing`; NaN where that is not reached within the map,
    as in maps that hold only the inner galaxy.
    """
    values = surface_density(image, extent_kpc)
    radii, mass = _growth(values, extent_kpc, center)
    area = radii**2  # in units of pi
    local = (mass[..., 2:] - mass[..., :-2]) / (area[2:] - area[:-2])
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = local / (mass[..., 1:-1] / area[1:-1])
    out = np.full(values.shape[:-2], np.nan)
    for index in np.ndindex(out.shape):
        below = np.flatnonzero(eta[index] <= PETROSIAN_ETA)
        if len(below) and below[0] > 0:
            near = slice(below[0] - 1, below[0] + 1)
            out[index] = np.interp(PETROSIAN_ETA, eta[index][near][::-1], radii[1:-1][near][::-1])
    return out


def density_radius(radii_kpc: NDArray[Any], mass: NDArray[Any], density: float) -> Array:
    """Return the radius of the largest circle whose mean surface density reaches `density`.

    It is the Einstein radius of a round lens whose critical surface density that is.

    Parameters
    ----------
    radii_kpc : (..., k) of circles, increasing, above zero.
    mass : (..., k) within them in Msun.
    density : Msun/kpc^2.

    Returns
    -------
    (...) kpc: 0 where no circle reaches it, the outermost radius where that circle still does; NaN
    where a mass is.

    Raises
    ------
    ValueError : on a density that is not above zero, or shapes that do not fit.

    Notes
    -----
    Between circles the surface density is taken for constant, as in `radius_enclosing`.
    """
    if not 0.0 < density < np.inf:
        raise ValueError(f"density must be above 0, got {density}")
    radii, within = (np.asarray(each, np.float64) for each in (radii_kpc, mass))
    if not within.shape or radii.shape[-1:] != within.shape[-1:]:
        raise ValueError(f"mass must have shape (..., k) as radii, got {within.shape}")
    area = np.broadcast_to(np.pi * radii**2, within.shape)
    # A circle of nothing is the first, and the outermost follows itself.
    area, within = (np.concatenate([0 * x[..., :1], x, x[..., -1:]], -1) for x in (area, within))
    last = area.shape[-1] - 2 - np.argmax((within >= density * area)[..., -2::-1], axis=-1)
    (a, a_next), (m, m_next) = (
        [np.take_along_axis(x, (last + i)[..., None], -1)[..., 0] for i in (0, 1)]
        for x in (area, within)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(a_next > a, (m_next - m) / (a_next - a), 0.0)
        reached = np.where(a_next > a, (m - slope * a) / (density - slope), a)
    return np.where(np.isfinite(within).all(axis=-1), np.sqrt(reached / np.pi), np.nan)


def surface_density(image: NDArray[Any], extent_kpc: float) -> Array:
    """Return `image` as float64, or say in a ValueError what keeps it from being (..., H, W)."""
    annuli(extent_kpc, 1)
    values = np.asarray(image, np.float64)
    if values.ndim < 2 or not values.size:
        raise ValueError(f"image must have shape (..., H, W) with pixels in it, got {values.shape}")
    if not (np.isfinite(values).all() and values.min() >= 0):
        raise ValueError("image must be finite and not below zero, as a surface density is")
    return values


def _growth(values: Array, extent_kpc: float, center: Center) -> tuple[Array, Array]:
    """Return radii (k + 1,) from 0 in half pixels, and the mass (..., k + 1) within."""
    radii, mass = cumulative_profile(values, extent_kpc, values.shape[-1], center)
    start = np.zeros((*mass.shape[:-1], 1))
    return np.concatenate([[0.0], radii]), np.concatenate([start, mass], axis=-1)


def _first_reach(area: Array, mass: Array, wanted: float) -> float:
    """Return where a curve that never falls first reaches `wanted`."""
    last = int(np.searchsorted(mass, wanted))
    near = slice(last - 1, last + 1)
    return float(np.interp(wanted, mass[near], area[near]))
