"""Mass in maps, as a whole and in satellites: which are found, missed and made up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from engine.metrics.profile import integral, residual_dex
from engine.metrics.radii import surface_density

Array = NDArray[np.float64]


def mass_residual_dex(estimate: NDArray[Any], truth: NDArray[Any], extent_kpc: float) -> Array:
    """Return log10 of the estimate's integrated mass over the truth's.

    Parameters
    ----------
    estimate, truth : (..., H, W) surface densities in one unit (Msun/kpc^2).
    extent_kpc : full width in kpc.

    Returns
    -------
    (...) dex; NaN where a mass is not above zero. The masses in Msun are `profile.integral`'s.

    Raises
    ------
    ValueError : on shapes that do not match, or a bad extent.
    """
    return residual_dex(integral(estimate, extent_kpc), integral(truth, extent_kpc))


@dataclass(frozen=True)
class Matches:
    """How many satellites of the truth are found and missed, and how many others made up."""

    found: int
    missed: int
    made_up: int

    @property
    def completeness(self) -> float:
        """Found, of those that the truth has; NaN where it has none."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def purity(self) -> float:
        """Found, of those that the estimate has; NaN where it has none."""
        return _ratio(self.found, self.found + self.made_up)

    @property
    def hallucination_rate(self) -> float:
        """Made up, of those that the estimate has: 1 - purity."""
        return _ratio(self.made_up, self.found + self.made_up)

    @classmethod
    def total(cls, parts: Iterable[Matches]) -> Matches:
        """Return the sums over maps: rates of a whole set count satellites, not maps, alike."""
        rows = [(p.found, p.missed, p.made_up) for p in parts]
        return cls(*(sum(column) for column in zip(*rows, strict=True))) if rows else cls(0, 0, 0)


def find_satellites(
    image: NDArray[Any],
    extent_kpc: float,
    *,
    floor: float,
    contrast_dex: float = 0.3,
    smoothing_kpc: float = 1.0,
    exclude_kpc: float = 5.0,
) -> Array:
    """Return where a map has peaks besides the galaxy itself.

    Parameters
    ----------
    image : (H, W) surface density; row = y upwards, column = x.
    extent_kpc : full width in kpc.
    floor : added before the logarithm, in the map's unit.
    contrast_dex : least prominence of a peak, in dex.
    smoothing_kpc : standard deviation of the Gaussian that smooths log10(image + floor).
    exclude_kpc : peaks nearer to the map's middle are the galaxy's own.

    Returns
    -------
    (n, 2) x and y in kpc from the map's middle, the most prominent first.

    Raises
    ------
    ValueError : on a map that is not one surface density, or options out of range.

    Notes
    -----
    The definition is ours. A peak is a local maximum of the smoothed logarithm; its prominence is
    its height above the highest pass over which a higher peak can be reached, pixels touching at
    corners included; that of the highest is its height above the map's lowest value. In logarithm
    a satellite counts the same far out and near the center, and prominence asks for its contrast
    with what surrounds it without a window to be chosen. Clumps of a disk are peaks as well.
    """
    values = surface_density(image, extent_kpc)
    if values.ndim != 2:
        raise ValueError(f"image must be one map of shape (H, W), got {values.shape}")
    if not (floor > 0 and contrast_dex > 0 and smoothing_kpc >= 0 and exclude_kpc >= 0):
        raise ValueError(
            "floor and contrast_dex must be above zero, smoothing_kpc and exclude_kpc not below it"
        )
    height, width = values.shape
    pixel = extent_kpc / width
    smooth = gaussian_filter(np.log10(values + floor), smoothing_kpc / pixel, mode="reflect")
    peaks = sorted(_prominences(smooth).items(), key=lambda item: -item[1])
    places = [
        ((column - 0.5 * (width - 1)) * pixel, (row - 0.5 * (height - 1)) * pixel)
        for (row, column), prominence in peaks
        if prominence >= contrast_dex
    ]
    return np.array([p for p in places if np.hypot(*p) >= exclude_kpc]).reshape(-1, 2)


def match_satellites(estimate: NDArray[Any], truth: NDArray[Any], within_kpc: float) -> Matches:
    """Pair the satellites of two maps, as many as possible, then at the least squared distances.

    Parameters
    ----------
    estimate, truth : (n, 2) and (m, 2) places in kpc, of `find_satellites`.
    within_kpc : largest distance of a pair.

    Raises
    ------
    ValueError : on other shapes, or a distance that is not above zero.
    """
    a, b = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != 2 or b.shape[1] != 2:
        raise ValueError(
            f"places must have shapes (n, 2) and (m, 2) in kpc, got {a.shape} and {b.shape}"
        )
    if not within_kpc > 0:
        raise ValueError(f"within_kpc must be above zero, got {within_kpc}")
    cost = np.square(cdist(a, b) / within_kpc)
    near = cost <= 1
    # One pair out of reach costs more than all that could be saved within it.
    rows, columns = linear_sum_assignment(np.where(near, cost, 1.0 + min(cost.shape)))
    found = int(near[rows, columns].sum())
    return Matches(found, len(b) - found, len(a) - found)


def _prominences(smooth: Array) -> dict[tuple[int, int], float]:
    """Return the prominence of each local maximum, by (row, column)."""
    order = np.argsort(-smooth, axis=None, kind="stable")
    rises = _rises(np.ascontiguousarray(smooth), order)
    return {divmod(int(p), smooth.shape[1]): float(rises[p]) for p in np.flatnonzero(rises >= 0)}


@njit(cache=True)
def _rises(level: Array, order: NDArray[np.intp]) -> Array:
    """Return the prominences (pixels,) of local maxima, -1 of other pixels.

    Pixels are let in from the highest down. One without a neighbor inside founds an island; where
    islands meet, all but the highest end, with what they rise above the meeting point.
    """
    height, width = level.shape
    heights = level.ravel()
    rises = np.full(len(heights), -1.0)
    island = np.full(len(heights), -1)  # of each pixel that is in; -1 is sea
    peak, parent = np.empty_like(island), np.empty_like(island)  # by island, the highest first
    count = 0
    for pixel in order:
        row, column = divmod(pixel, width)
        here = -1
        for r in range(max(row - 1, 0), min(row + 2, height)):
            for c in range(max(column - 1, 0), min(column + 2, width)):
                near = island[r * width + c]
                if near < 0:
                    continue
                while parent[near] != near:
                    parent[near] = parent[parent[near]]
                    near = parent[near]
                if here >= 0 and near != here:
                    lower = max(near, here)
                    rises[peak[lower]] = heights[peak[lower]] - heights[pixel]
                    parent[lower] = near = min(near, here)
                here = near
        if here < 0:
            here, peak[count], parent[count] = count, pixel, count
            count += 1
        island[pixel] = here
    rises[peak[0]] = heights.max() - heights.min()
    return rises


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
