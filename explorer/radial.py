"""Radial profiles of all that one view has: input, output, samples and truth, about one center."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import Domain, get_domain
from engine.metrics.profile import annuli, cumulative_profile, radial_profile, residual_dex
from engine.metrics.radii import center_of_mass, half_mass_radius
from explorer.ensemble import BAND
from explorer.library import Scene

Array = NDArray[np.float64]
Center = tuple[float, float]

CENTERS = ("middle", "mass", "peak")
_PIXELS_A_BIN = 2


@dataclass(frozen=True)
class Reading:
    """How profiles are read.

    Attributes
    ----------
    center : one of `CENTERS`: the map's middle, its center of mass, or its brightest pixel.
    is_cumulative : what circles hold rather than what annuli do.
    in_half_mass_radii : radii in half-mass radii rather than in kpc.
    """

    center: str = "middle"
    is_cumulative: bool = False
    in_half_mass_radii: bool = False

    def __post_init__(self) -> None:
        if self.center not in CENTERS:
            raise ValueError(f"center must be one of {', '.join(CENTERS)}, got {self.center!r}")


@dataclass(frozen=True)
class Profiles:
    """Profiles of one view; a curve is None where there is nothing that it could be of.

    Attributes
    ----------
    radii : (n,) in kpc or half-mass radii.
    source, output, truth : (n,) in the units of their domains, or Msun of cumulated masses; NaN
        where an annulus holds no pixel.
    band : (3, n) 16, 50 and 84 % of the samples.
    output_dex, band_dex : (n,) and (3, n), log10 of output and of samples over truth.
    center_kpc, half_mass_radius_kpc : that were taken, the radius NaN where there is none.
    center_of, radius_of : names of the domains whose maps these are taken from; "" where of none.
    """

    radii: Array
    source: Array | None
    output: Array | None
    truth: Array | None
    band: Array | None
    output_dex: Array | None
    band_dex: Array | None
    center_kpc: Center
    half_mass_radius_kpc: float
    center_of: str
    radius_of: str


def profiles_of(
    scene: Scene,
    source: str,
    target: str,
    reading: Reading,
    *,
    output: NDArray[Any] | None = None,
    samples: NDArray[Any] | None = None,
) -> Profiles:
    """Return the profiles of input, output, samples and truth.

    All are taken about one center, so that they differ by what maps hold and not by where each is
    thought to begin: that of the target's own map, or of the first map of a mass that there is.
    Annuli end where they would reach beyond the map. Radii are in half-mass radii of the stars
    where there are any, as in evaluations.

    Parameters
    ----------
    source, target : domains.
    output : (H, W) in the target's unit.
    samples : (M, H, W) likewise.

    Raises
    ------
    ValueError : where radii are wanted in half-mass radii and no map is of a mass.
    """
    extent = scene.extent_kpc
    center_of = _first_mass(scene, (target, source, "dark_matter", "gas", "stars"))
    center = (0.0, 0.0)
    if reading.center != "middle" and center_of:
        center = center_kpc(scene.maps[center_of], extent, reading.center)
    radius_of = _first_mass(scene, ("stars", target, source))
    size = np.nan
    if radius_of:
        size = float(half_mass_radius(scene.maps[radius_of], extent, center=center))
    if reading.in_half_mass_radii and not size > 0:
        raise ValueError("this galaxy has no map of a mass whose half-mass radius could be taken")

    def profile(values: NDArray[Any] | None, domain: str) -> Array | None:
        if values is None:
            return None
        return profile_of(values, extent, get_domain(domain), center, reading.is_cumulative)[1]

    given, truth = (scene.maps.get(name) for name in (source, target))
    target_domain = get_domain(target)
    radii = _radii(scene, reading.is_cumulative)
    own, of_output, of_samples = (profile(each, target) for each in (truth, output, samples))
    floor = 0.0 if reading.is_cumulative and target_domain.is_mass else target_domain.floor
    band = None if of_samples is None else np.quantile(of_samples, BAND, axis=0)

    def over(curve: Array | None) -> Array | None:
        return None if curve is None or own is None else residual_dex(curve, own, floor)

    off = over(of_samples)
    return Profiles(
        radii / size if reading.in_half_mass_radii else radii, profile(given, source), of_output,
        own, band,
        over(of_output), None if off is None else np.quantile(off, BAND, axis=0),
        center, size, center_of if reading.center != "middle" else "", radius_of,
    )  # fmt: skip


def profile_of(
    values: NDArray[Any], extent_kpc: float, domain: Domain, center: Center, is_cumulative: bool
) -> tuple[Array, Array]:
    """Return radii (n,) in kpc and profiles (..., n) of maps (..., H, W).

    Cumulated, a mass is what circles hold in Msun; any other quantity is its mean within them.
    NaN where the annulus or circle would reach beyond the map, or holds no pixel.
    """
    bins = values.shape[-1] // _PIXELS_A_BIN
    edge = 0.5 * extent_kpc - max(map(abs, center))
    if not is_cumulative:
        radii, found = radial_profile(values, extent_kpc, bins, center)
        outer = radii + 0.25 * extent_kpc / bins
    else:
        radii, found = cumulative_profile(values, extent_kpc, bins, center)
        outer = radii
        if not domain.is_mass:
            area = cumulative_profile(np.ones(values.shape[-2:]), extent_kpc, bins, center)[1]
            found = found / area
    return radii, np.where(outer <= edge * (1 + 1e-9), found, np.nan)


def center_kpc(values: NDArray[Any], extent_kpc: float, kind: str) -> Center:
    """Return x and y in kpc from the middle of a map (H, W): its center of "mass", or its "peak".

    The peak is the middle of the brightest pixel. A map of nothing has its middle.
    """
    values = np.where(np.isfinite(values), np.maximum(values, 0.0), 0.0)
    if not values.any():
        return 0.0, 0.0
    if kind == "mass":
        x, y = center_of_mass(values, extent_kpc)
        return float(x), float(y)
    height, width = values.shape
    row, column = np.unravel_index(np.argmax(values), values.shape)
    pixel = extent_kpc / width
    return (
        float((column - 0.5 * (width - 1)) * pixel),
        float((row - 0.5 * (height - 1)) * pixel),
    )


def _radii(scene: Scene, is_cumulative: bool) -> Array:
    """Return the radii (n,) in kpc that `profile_of` takes of a scene's maps."""
    bins = next(iter(scene.maps.values())).shape[-1] // _PIXELS_A_BIN
    edges = annuli(scene.extent_kpc, bins)
    return edges[1:] if is_cumulative else 0.5 * (edges[1:] + edges[:-1])


def _first_mass(scene: Scene, names: tuple[str, ...]) -> str:
    """Return the first of `names` of which there is a map of mass with something in it."""
    return next(
        (n for n in names if n in scene.maps and get_domain(n).is_mass and scene.maps[n].any()), ""
    )
