"""What several samples of one map say together: mean, spread, profiles, and masses in a circle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.normalize import to_log
from engine.metrics.profile import radial_profile
from engine.metrics.radii import half_mass_radius
from explorer.library import Scene
from explorer.store import View

Array = NDArray[np.float64]

BAND = (0.16, 0.5, 0.84)
# Points a side into which a pixel is divided to say what part of it lies within a circle.
_POINTS = 8


@dataclass(frozen=True)
class Ensemble:
    """Samples of one translation.

    Attributes
    ----------
    view, scene : what was translated; the first sample is the output of a run with that seed.
    samples : (M, H, W) float32 in the target's unit; row = y upwards.
    seconds : time that drawing them took.
    """

    view: View
    scene: Scene
    samples: NDArray[np.float32]
    seconds: float

    @property
    def truth(self) -> NDArray[np.float32] | None:
        """The target's own map (H, W), None where the galaxy has none."""
        return self.scene.maps.get(self.view.target)

    @property
    def nbytes(self) -> int:
        """Memory that the samples take."""
        return self.samples.nbytes

    def first(self, count: int) -> Ensemble:
        """Return the first `count` samples, which are what drawing so many would have given."""
        return self if count == len(self.samples) else replace(self, samples=self.samples[:count])


@dataclass(frozen=True)
class Aperture:
    """A circle on the map; x and y of its center from the map's middle, y upwards."""

    x_kpc: float
    y_kpc: float
    radius_kpc: float

    def __post_init__(self) -> None:
        values = (self.x_kpc, self.y_kpc, self.radius_kpc)
        if not (np.isfinite(values).all() and self.radius_kpc > 0):
            raise ValueError(f"aperture must be finite with a radius above zero, got {values}")


def central_aperture(scene: Scene, domain: str) -> Aperture:
    """Return the circle about the map's middle that holds half of what the map's circle holds.

    That of the domain's own map, where it is one of mass; half the way to the edge otherwise.
    """
    values, radius = scene.maps.get(domain), np.nan
    if values is not None and get_domain(domain).is_mass:
        radius = float(half_mass_radius(values, scene.extent_kpc))
    return Aperture(0.0, 0.0, radius if radius > 0 else 0.25 * scene.extent_kpc)


def mean_map(samples: NDArray[Any], domain: str) -> Array:
    """Return the mean of samples (M, H, W) in log10(value + floor), as a map in their unit.

    In the logarithm, as networks see maps: a mean of the values would show the largest sample only.
    """
    mean = to_log(_samples(samples), domain).mean(axis=0)
    return np.maximum(10.0**mean - get_domain(domain).floor, 0.0)


def spread_dex(samples: NDArray[Any], domain: str) -> Array:
    """Return the standard deviation (H, W) of log10(value + floor) over samples (M, H, W), in dex.

    Of M - 1 degrees of freedom; NaN of a single sample.
    """
    values = to_log(_samples(samples), domain)
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return values.std(axis=0, ddof=1)


def profile_band(
    samples: NDArray[Any], extent_kpc: float, num_bins: int = 20
) -> tuple[Array, Array]:
    """Return the radial profiles of samples as quantiles.

    Parameters
    ----------
    samples : (M, H, W) in any unit.
    extent_kpc : side of the maps.
    num_bins : annuli, as in `engine.metrics.profile.radial_profile`.

    Returns
    -------
    radii_kpc : (num_bins,).
    band : (3, num_bins) 16, 50 and 84 % of the samples' means over each annulus; NaN where an
        annulus holds no pixel.
    """
    radii, profiles = radial_profile(_samples(samples), extent_kpc, num_bins)
    return radii, np.quantile(profiles, BAND, axis=0)


def aperture_shares(shape: tuple[int, int], extent_kpc: float, aperture: Aperture) -> Array:
    """Return which part of each pixel (H, W) lies within the circle, from 0 to 1."""
    height, width = shape
    pixel = extent_kpc / width
    offsets = (np.arange(_POINTS) + 0.5) / _POINTS - 0.5
    x = ((np.arange(width)[:, None] + offsets).ravel() - 0.5 * (width - 1)) * pixel
    y = ((np.arange(height)[:, None] + offsets).ravel() - 0.5 * (height - 1)) * pixel
    distance = np.hypot(x[None, :] - aperture.x_kpc, y[:, None] - aperture.y_kpc)
    inside = distance <= aperture.radius_kpc
    parts = inside.reshape(height, _POINTS, width, _POINTS).mean(axis=(1, 3))
    return np.asarray(parts, np.float64)


def aperture_values(
    maps: NDArray[Any], domain: str, extent_kpc: float, aperture: Aperture
) -> Array:
    """Return what maps hold within a circle.

    Parameters
    ----------
    maps : (..., H, W) in the unit of `domain`; row = y upwards, column = x, square pixels.
    domain : name; of a mass per area it is the integral, of others the mean.
    extent_kpc : side of the maps.
    aperture : the circle; what lies beyond the map does not count.

    Returns
    -------
    (...) Msun for domains of mass, else in the domain's unit; NaN where circle and map do not meet.
    """
    values = np.asarray(maps, np.float64)
    if values.ndim < 2:
        raise ValueError(f"maps must have shape (..., H, W), got {values.shape}")
    shares = aperture_shares(values.shape[-2:], extent_kpc, aperture)
    total = (values * shares).sum(axis=(-2, -1))
    pixels = shares.sum()
    if not pixels:
        return np.full(total.shape, np.nan)
    if get_domain(domain).is_mass:
        return np.asarray(total * (extent_kpc / values.shape[-1]) ** 2)
    return np.asarray(total / pixels)


def share_on_map(shape: tuple[int, int], extent_kpc: float, aperture: Aperture) -> float:
    """Return which part of the circle's area lies on the map, from 0 to 1."""
    pixels = aperture_shares(shape, extent_kpc, aperture).sum()
    area = np.pi * (aperture.radius_kpc * shape[1] / extent_kpc) ** 2
    return float(min(pixels / area, 1.0))


def rank_of(samples: NDArray[Any], truth: float) -> float:
    """Return how many of samples (M,) lie below the truth, equals counting half."""
    values = np.asarray(samples, np.float64)
    return float((values < truth).sum() + 0.5 * (values == truth).sum())


def percentile_of(samples: NDArray[Any], truth: float) -> float:
    """Return the truth's percentile among samples (M,), between 0 and 100.

    The truth has one of M + 1 ranks among M samples, each equally likely where it is one more draw
    of their distribution, as `engine.metrics.calibration` takes it; this is the middle of its rank.
    So it is never 0 or 100, which no finite number of samples could tell.
    """
    return 100.0 * (rank_of(samples, truth) + 0.5) / (len(samples) + 1)


def _samples(samples: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(samples, np.float64)
    if values.ndim != 3 or not values.size:
        raise ValueError(f"samples must have shape (M, H, W), got {values.shape}")
    return values
