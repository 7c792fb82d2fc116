"""What is measured of maps: of truths, and of samples beside them.

Extents differ from galaxy to galaxy. What depends on them by its unit alone is measured of all
maps at once, in units of their sides.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import Domain, get_domain
from data.normalize import to_log
from engine.metrics.calibration import rank_histogram
from engine.metrics.ensemble import fair_crps
from engine.metrics.image import psnr, ssim
from engine.metrics.mass import find_satellites, match_satellites
from engine.metrics.morphology import (
    aperture_radius,
    asymmetry,
    clumpiness,
    concentration,
    galaxy_pixels,
    gini,
    local_asymmetry,
    local_clumpiness,
    m20,
)
from engine.metrics.profile import integral, radial_profile
from engine.metrics.radii import center_of_mass, half_mass_radius
from engine.metrics.spectrum import power_spectrum

Array = NDArray[np.float64]
Measures = dict[str, NDArray[Any]]

# The range of PSNR and SSIM, in every map of a domain: from and to, in scales of `data.domains`.
_RANGE = (-3.0, 3.0)
_MOST_ANNULI = 32
# Satellites are the same where they are no further apart than this, or than two pixels.
_SAME_KPC, _SAME_PIXELS = 2.0, 2.0
_SMALLEST_FOR_SSIM = 12


@dataclass(frozen=True)
class Truth:
    """Maps of one domain, and what was measured of them.

    Attributes
    ----------
    domain : what the maps are of.
    rows : (k,) of the table of galaxies.
    maps : (k, H, W) physical.
    dex : (k, H, W) log10(value + floor).
    extents : (k,) full sides in kpc.
    apertures : (k,) of the measures of shape, in sides.
    satellites : places (m, 2) in kpc of each map; None of a domain that has none.
    measures : arrays (k, ...) by their name in the schema.
    """

    domain: Domain
    rows: NDArray[np.intp]
    maps: NDArray[np.float32]
    dex: Array
    extents: Array
    apertures: Array
    satellites: list[Array] | None
    measures: Measures

    def part(self, rows: NDArray[np.intp]) -> Truth:
        """Return the same of some of its rows of the table of galaxies."""
        at = np.searchsorted(self.rows, rows)
        places = None if self.satellites is None else [self.satellites[i] for i in at]
        return Truth(
            self.domain, self.rows[at], self.maps[at], self.dex[at], self.extents[at],
            self.apertures[at], places, {name: v[at] for name, v in self.measures.items()},
        )  # fmt: skip


def measure_truth(
    maps: NDArray[np.float32], domain: str, rows: NDArray[np.intp], extents: Array
) -> Truth:
    """Measure true maps (k, H, W) of a domain, of these rows of the table and full sides in kpc."""
    about = get_domain(domain)
    dex = to_log(maps.astype(np.float64), domain)
    apertures = aperture_radius(maps, 1.0)
    shapes = _shapes(maps[:, None], about, extents, apertures)
    measures = {f"truth/{name}": values[:, 0] for name, values in shapes.items()}
    measures["truth/profile"] = _profile(maps)
    measures["truth/power"] = _power(dex, extents)
    places = None
    if about.is_surface_density:
        places = [_satellites(m, about, e) for m, e in zip(maps, extents, strict=True)]
        measures["truth/satellites"] = np.array([len(p) for p in places], float)
    return Truth(about, rows, maps, dex, extents, apertures, places, measures)


def measure_samples(
    drawn: NDArray[np.float32], truth: Truth, generator: np.random.Generator
) -> Measures:
    """Measure samples (k, M, H, W), physical, beside the truth of the same k galaxies.

    Returns
    -------
    Arrays by their name in `engine.evaluation.schema`, (k, M, ...) and (k, ...), and "pixel_ranks"
    (M + 1,). What cannot be measured is not among them.
    """
    dex = to_log(drawn.astype(np.float64), truth.domain.name)
    mean = dex.mean(axis=1)
    found = {f"samples/{k}": v for k, v in _scores(dex, truth.dex[:, None], truth.domain).items()}
    found |= {f"mean/{k}": v for k, v in _scores(mean, truth.dex, truth.domain).items()}
    shapes = _shapes(drawn, truth.domain, truth.extents, truth.apertures)
    found |= {f"samples/{name}": values for name, values in shapes.items()}
    found["samples/profile"] = _profile(drawn)
    found |= _matches(drawn, truth) | _ensemble(dex, truth, generator)
    return found | _spectra(dex, mean, truth)


def error_maps(drawn: NDArray[np.float32], truth: Truth) -> Measures:
    """Return what samples (k, M, H, W) and truths differ by, means (H, W) over both, by name."""
    name, floor = truth.domain.name, truth.domain.floor
    error = to_log(drawn.astype(np.float64), name) - truth.dex[:, None]
    made: Measures = {"absolute_dex": np.abs(error), "signed_dex": error}
    for label, measure in (("asymmetry", local_asymmetry), ("clumpiness", local_clumpiness)):
        made[label] = measure(drawn, floor) - measure(truth.maps, floor)[:, None]
    return {f"errors/{label}": values.mean(axis=(0, 1)) for label, values in made.items()}


def lengths_of(grid_size: int) -> dict[str, int]:
    """Return the lengths of the axes radius and scale for maps of so many pixels a side."""
    return {"radius": min(grid_size // 2, _MOST_ANNULI), "scale": grid_size // 2}


def modes_of(grid_size: int) -> Array:
    """Return the waves a side (scale,) that the bins of power spectra stand for."""
    k, _ = power_spectrum(np.zeros((grid_size, grid_size)), 1.0)
    return k / (2.0 * np.pi)


def _scores(dex: Array, truth: Array, domain: Domain) -> Measures:
    """Return mae_dex, psnr_db and, where it can be had, ssim of maps in dex."""
    low, high = (domain.center_dex + share * domain.scale_dex for share in _RANGE)
    truth = np.broadcast_to(truth, dex.shape)
    scores: Measures = {
        "mae_dex": np.abs(dex - truth).mean(axis=(-2, -1)),
        "psnr_db": psnr(dex, truth, low=low, high=high),
    }
    if dex.shape[-1] >= _SMALLEST_FOR_SSIM:
        with suppress(ImportError):  # An extra; the notes of the evaluation say that it is missing.
            scores["ssim"] = ssim(dex, truth, low=low, high=high)
    return scores


def _shapes(
    maps: NDArray[np.float32], domain: Domain, extents: Array, apertures: Array
) -> Measures:
    """Return what describes single maps (k, M, H, W), (k, M, ...)."""
    side, radius = extents[:, None], apertures[:, None]
    mass = integral(maps, 1.0) * side**2 if domain.is_mass else maps.mean((-2, -1), np.float64)
    shapes: Measures = {
        "total": mass,
        "half_mass_radius_kpc": half_mass_radius(maps, 1.0) * side,
        "center_kpc": center_of_mass(maps, 1.0) * side[..., None],
        "concentration": concentration(maps, 1.0, radius_kpc=radius),
        **{name: np.full(maps.shape[:2], np.nan) for name in _SINGLE},
    }
    for index in np.ndindex(maps.shape[:2]):
        one, within = maps[index], float(apertures[index[0]])
        shapes["asymmetry"][index] = asymmetry(one, 1.0, radius_kpc=within).value
        shapes["clumpiness"][index] = clumpiness(one, 1.0, radius_kpc=within)
        galaxy = galaxy_pixels(one, 1.0)
        shapes["gini"][index], shapes["m20"][index] = gini(one, galaxy), m20(one, galaxy)
    return shapes


_SINGLE = ("asymmetry", "clumpiness", "gini", "m20")


def _profile(maps: NDArray[np.float32]) -> Array:
    """Return azimuthal means (..., radius) in the unit of the maps."""
    return radial_profile(maps, 1.0, lengths_of(maps.shape[-1])["radius"])[1]


def _power(image: Array, extents: Array, other: Array | None = None) -> Array:
    """Return (cross-)powers (k, ..., scale) in dex^2 kpc^2 of maps (k, ..., N, N)."""
    power = power_spectrum(image, 1.0, other)[1]
    return power * (extents**2).reshape(-1, *[1] * (power.ndim - 1))


def _spectra(dex: Array, mean: Array, truth: Truth) -> Measures:
    count, extents = dex.shape[1], truth.extents
    total, own = _power(dex, extents).sum(axis=1), _power(mean, extents)
    spectra = {
        "power/samples": total / count, "power/mean": own,
        "power/cross": _power(mean, extents, truth.dex),
        "power/error": _power(mean - truth.dex, extents),
    }  # fmt: skip
    if count > 1:
        # The transform is linear: sum |f_i - mean f|^2 = sum |f_i|^2 - M |mean f|^2.
        spectra["power/spread"] = np.maximum(total - count * own, 0.0) / (count - 1)
    return spectra


def _ensemble(dex: Array, truth: Truth, generator: np.random.Generator) -> Measures:
    mean = dex.mean(axis=1)
    found = {
        "ensemble/crps_dex": fair_crps(dex, truth.dex, axis=1).mean(axis=(-2, -1)),
        "ensemble/error_dex2": np.square(mean - truth.dex).mean(axis=(-2, -1)),
        "ensemble/pixel_ranks": rank_histogram(dex, truth.dex, generator, axis=1),
    }
    if dex.shape[1] > 1:
        found["ensemble/variance_dex2"] = dex.var(axis=1, ddof=1).mean(axis=(-2, -1))
    return found


def _satellites(image: NDArray[np.float32], domain: Domain, extent: float) -> Array:
    return find_satellites(image, float(extent), floor=domain.floor)


def _matches(drawn: NDArray[np.float32], truth: Truth) -> Measures:
    """Return how many satellites of each sample are found and made up; nothing without any."""
    if truth.satellites is None:
        return {}
    found, made_up = np.zeros(drawn.shape[:2]), np.zeros(drawn.shape[:2])
    for i, j in np.ndindex(drawn.shape[:2]):
        extent = float(truth.extents[i])
        within = max(_SAME_KPC, _SAME_PIXELS * extent / drawn.shape[-1])
        places = _satellites(drawn[i, j], truth.domain, extent)
        matches = match_satellites(places, truth.satellites[i], within)
        found[i, j], made_up[i, j] = matches.found, matches.made_up
    return {"samples/satellites_found": found, "samples/satellites_made_up": made_up}
