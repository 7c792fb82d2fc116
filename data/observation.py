"""An HI map as SKA-Mid would see it: beam of the array, noise of the dishes, CLEAN.

    surface density -> flux a pixel -> visibilities, with noise -> dirty map -> CLEAN
    -> restored map -> surface density, on the pixels that went in

The map that comes out is in the unit of the domain `hi`, so that it can be compared with the truth
pixel by pixel and given to a translator. Noise may take it below zero.

What is left out: the primary beam (maps must be small against it), absorption of the line by
itself, continuum, calibration and interference. Velocities are summed over from the start, so that
the noise is that of the whole velocity range; masks of a cube's channels would do better.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import ska_mid
from data.clean import clean, restore
from data.cosmology import SPEED_OF_LIGHT_KM_S, angular_distance_mpc, redshift_at
from data.imaging import ARCSEC, WEIGHTINGS, Beam, Imager, fit_beam
from data.interferometer import SPEED_OF_LIGHT_M_S, Track, cover, elevation_deg
from data.line21cm import REST_FREQUENCY_HZ, mass_per_flux, surface_density_per_flux

Array = NDArray[np.float64]

PIXELS_PER_BEAM = 4
MAX_PIXELS = 2048
# CLEAN stops at so many times the noise, or, where that is less, at this share of the peak.
THRESHOLD_SIGMA, THRESHOLD_PEAK = 1.5, 1e-3
# Of the primary beam's width; at its edge such a map would be dimmed by 6 %.
LARGEST_MAP = 0.3


@dataclass(frozen=True)
class RadioObservation:
    """What SKA-Mid is asked to do. ValueError says in one sentence what cannot be.

    Attributes
    ----------
    redshift, distance_mpc : where the galaxy is put: one of them, the other is None. The distance
        is the luminosity distance.
    hours : on the source in all; what is beyond `track_hours` is done on further days.
    declination_deg : of the galaxy. SKA-Mid sees what rises 15 deg above its horizon.
    resolution_arcsec : width of the beam, the geometric mean of its axes, to a percent.
    weighting, robust : "natural", "uniform" or "briggs" with its parameter, before the taper that
        makes the beam as wide as asked for.
    velocity_range_km_s : over which the line is summed, in the frame of the galaxy.
    track_hours : longest track of a day, centered on the meridian.
    has_noise : whether there is thermal noise.
    seed : of the noise.
    """

    redshift: float | None = None
    distance_mpc: float | None = None
    hours: float = 8.0
    declination_deg: float = -30.0
    resolution_arcsec: float = 10.0
    weighting: str = "briggs"
    robust: float = -0.5
    velocity_range_km_s: float = 300.0
    track_hours: float = 8.0
    has_noise: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.redshift is None) == (self.distance_mpc is None):
            raise ValueError(
                "one of redshift and distance_mpc must be given, got "
                + ("neither" if self.redshift is None else "both")
            )
        for name in ("hours", "resolution_arcsec", "velocity_range_km_s", "track_hours"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above zero, got {getattr(self, name)}")
        if self.weighting not in WEIGHTINGS:
            known = ", ".join(WEIGHTINGS)
            raise ValueError(f"weighting must be one of {known}, got {self.weighting!r}")
        if not -2 <= self.robust <= 2:
            raise ValueError(f"robust must be from -2 to 2, got {self.robust}")
        if not (isinstance(self.seed, int) and self.seed >= 0):
            raise ValueError(f"seed must be a whole number from 0, got {self.seed!r}")
        if self.distance_mpc is None:
            highest = REST_FREQUENCY_HZ / 1e9 / ska_mid.FREQUENCY_RANGE_GHZ[0] - 1.0
            if not 0 < self.z <= highest:
                raise ValueError(f"redshift must be above 0 up to {highest:.2f}, got {self.z}")
        ska_mid.system_temperature(self.frequency_hz / 1e9)
        edge = 7.5 * self.track.hours / self.track.days
        lowest = elevation_deg(edge, self.declination_deg, ska_mid.LATITUDE_DEG)
        if not (lowest >= ska_mid.MIN_ELEVATION_DEG and edge <= 180.0):
            raise ValueError(
                f"a track of {edge / 7.5:g} h at a declination of {self.declination_deg:g} deg "
                f"must stay above {ska_mid.MIN_ELEVATION_DEG:g} deg, it ends at {lowest:.0f} deg"
            )

    @cached_property
    def z(self) -> float:
        """Redshift."""
        if self.redshift is not None:
            return self.redshift
        return redshift_at(self.distance_mpc or 0.0)

    @property
    def frequency_hz(self) -> float:
        """Frequency at which the line arrives."""
        return REST_FREQUENCY_HZ / (1.0 + self.z)

    @property
    def bandwidth_hz(self) -> float:
        """Width of the velocity range as it arrives."""
        return self.frequency_hz * self.velocity_range_km_s / SPEED_OF_LIGHT_KM_S

    @property
    def track(self) -> Track:
        """How long the galaxy is followed."""
        return Track(self.hours, self.declination_deg, self.track_hours)

    def arcsec_per_kpc(self) -> float:
        """Return how large a kpc looks."""
        return 1e-3 / angular_distance_mpc(self.z) / ARCSEC


def nearest_mpc(extent_kpc: float) -> float:
    """Return a luminosity distance in Mpc from which the dishes see a map of a galaxy evenly.

    Parameters
    ----------
    extent_kpc : side of the map.
    """
    widest = LARGEST_MAP * ska_mid.primary_beam_arcsec(REST_FREQUENCY_HZ / 1e9)
    # An angular diameter distance; the luminosity distance that is asked for is larger.
    return float(1.15 * 1e-3 * extent_kpc / np.radians(widest / 3600.0))


@dataclass(frozen=True)
class Grid:
    """Pixels of the images: whole fractions of the map's, with a margin around it.

    Attributes
    ----------
    pixel_arcsec : side of an image's pixel. factor : how many of them a map's pixel is wide.
    size : pixels of an image. inside : rows and columns of the map in the images.
    """

    pixel_arcsec: float
    factor: int
    size: int
    inside: slice

    @classmethod
    def of(cls, observation: RadioObservation, map_size: int, extent_kpc: float) -> Grid:
        """Return the grid that a map of so many pixels and kpc needs; ValueError if too large."""
        side = extent_kpc * observation.arcsec_per_kpc()
        widest = LARGEST_MAP * ska_mid.primary_beam_arcsec(observation.frequency_hz / 1e9)
        if side > widest:
            raise ValueError(
                f"a map of {extent_kpc:.3g} kpc must be farther away: it is {side:.0f} arcsec "
                f"wide, and the dishes see {widest:.0f} evenly"
            )
        resolution = observation.resolution_arcsec
        factor = max(1, math.ceil(PIXELS_PER_BEAM * side / map_size / resolution - 1e-9))
        pixel = side / map_size / factor
        margin = max(map_size * factor // 8, math.ceil(4.0 * resolution / pixel))
        size = map_size * factor + 2 * margin
        size += size % 2
        if size > MAX_PIXELS:
            raise ValueError(
                f"resolution_arcsec must be larger for a map of {side:.0f} arcsec: an image would "
                f"have {size} pixels a side, of {MAX_PIXELS} at most, got {resolution:g}"
            )
        start = (size - map_size * factor) // 2
        return cls(pixel, factor, size, slice(start, start + map_size * factor))

    def of_map(self, image: Array) -> Array:
        """Return the means over the map's pixels."""
        inner = image[self.inside, self.inside]
        number = len(inner) // self.factor
        return inner.reshape(number, self.factor, number, self.factor).mean(axis=(1, 3))


@dataclass(frozen=True)
class Observed:
    """What came of an observation. Images are (row, column), row = y, x to the west.

    Attributes
    ----------
    surface_density : (H, W) Msun/kpc^2, the restored map on the pixels of the map that went in.
    noise_surface_density : standard deviation of the noise of one beam in the same unit.
    dirty, restored, residual : (size, size) Jy km/s a beam.
    dirty_beam : (size, size), the inner part of it, one at size // 2.
    beam : the Gaussian of the restored map.
    noise_jy_km_s : of the dirty map, a beam, as predicted by the radiometer equation.
    grid : of the images.
    observation : what was asked for.
    """

    surface_density: NDArray[np.float32]
    noise_surface_density: float
    dirty: Array
    restored: Array
    residual: Array
    dirty_beam: Array
    beam: Beam
    noise_jy_km_s: float
    grid: Grid
    observation: RadioObservation

    def provenance(self) -> dict[str, Any]:
        """Return what the result depends on and what was found, as plain numbers and words."""
        asked = {k: v for k, v in asdict(self.observation).items() if v is not None}
        z = self.observation.z
        return {
            "telescope": f"SKA-Mid AA4, {len(ska_mid.dish_positions())} dishes",
            **asked, "redshift": z, "frequency_hz": self.observation.frequency_hz,
            "bandwidth_hz": self.observation.bandwidth_hz,
            "beam_major_arcsec": self.beam.major_arcsec,
            "beam_minor_arcsec": self.beam.minor_arcsec,
            "beam_position_angle_deg": self.beam.position_angle_deg,
            "pixel_arcsec": self.grid.pixel_arcsec, "noise_jy_km_s": self.noise_jy_km_s,
            "mass_per_flux": mass_per_flux(z),
        }  # fmt: skip


class Instrument:
    """An observation of maps of one size: all that does not depend on what is seen.

    Make one and `observe` many maps with it.
    """

    def __init__(self, observation: RadioObservation, map_size: int, extent_kpc: float) -> None:
        self.observation = observation
        self.grid = grid = Grid.of(observation, map_size, extent_kpc)
        frequency = observation.frequency_hz
        flux_densities = ska_mid.system_equivalent_flux_densities(frequency / 1e9)
        coverage = cover(
            observation.track, ska_mid.dish_positions(), flux_densities,
            latitude_deg=ska_mid.LATITUDE_DEG, bandwidth_hz=observation.bandwidth_hz,
        )  # fmt: skip
        pixel = grid.pixel_arcsec
        longest = 0.5 / (pixel * ARCSEC) * SPEED_OF_LIGHT_M_S / frequency
        self.imager = Imager(coverage.within(longest), frequency)
        weights = self.imager.weights(observation.weighting, grid.size * pixel, observation.robust)
        self.weights = self.imager.tapered(weights, observation.resolution_arcsec, grid.size, pixel)
        self.dirty_beam = self.imager.beam(self.weights, 2 * grid.size, pixel)
        self.beam = fit_beam(self.dirty_beam, pixel)
        self.noise_jy_km_s = self.imager.noise(self.weights) * observation.velocity_range_km_s

    def dirty(self, surface_density: NDArray[Any], seed: int) -> Array:
        """Return the dirty map (size, size) in Jy km/s a beam of an HI map in Msun/kpc^2."""
        observation = self.observation
        pixel = self.grid.pixel_arcsec * self.grid.factor
        flux = np.asarray(surface_density, np.float64) * pixel**2
        flux /= surface_density_per_flux(observation.z)
        seen = self.imager.visibilities(flux, pixel)
        if observation.has_noise:
            rng = np.random.default_rng(seed)
            sigma = self.imager.coverage.noise_jy * observation.velocity_range_km_s
            seen = seen + sigma * (rng.standard_normal((2, len(sigma))).T @ [1.0, 1j])
        return self.imager.image(seen, self.weights, self.grid.size, self.grid.pixel_arcsec)

    def observe(self, surface_density: NDArray[Any], *, seed: int | None = None) -> Observed:
        """Return what is seen of an HI map (map_size, map_size) in Msun/kpc^2.

        Parameters
        ----------
        seed : of the noise; the observation's where None.
        """
        grid = self.grid
        expected = ((grid.inside.stop - grid.inside.start) // grid.factor,) * 2
        if np.shape(surface_density) != expected or not np.isfinite(surface_density).all():
            raise ValueError(
                f"surface_density must be finite, of shape {expected}, got "
                f"{np.shape(surface_density)}"
            )
        dirty = self.dirty(surface_density, self.observation.seed if seed is None else seed)
        floor = THRESHOLD_PEAK * float(np.abs(dirty).max())
        if self.observation.has_noise:
            floor = max(floor, THRESHOLD_SIGMA * self.noise_jy_km_s)
        components, residual = dirty * 0.0, dirty
        if floor > 0:
            components, residual = clean(dirty, self.dirty_beam, threshold=floor)
        restored = restore(components, residual, self._kernel())
        half = slice(grid.size // 2, grid.size // 2 + grid.size)
        per_beam = surface_density_per_flux(self.observation.z) / self.beam.area_arcsec2
        return Observed(
            (grid.of_map(restored) * per_beam).astype(np.float32), self.noise_jy_km_s * per_beam,
            dirty, restored, residual, self.dirty_beam[half, half], self.beam,
            self.noise_jy_km_s, grid, self.observation,
        )  # fmt: skip

    def _kernel(self) -> Array:
        reach = math.ceil(3.0 * self.beam.major_arcsec / self.grid.pixel_arcsec)
        return self.beam.image(2 * reach + 1, self.grid.pixel_arcsec)


def observe(
    surface_density: NDArray[Any], observation: RadioObservation, *, extent_kpc: float
) -> Observed:
    """Return what SKA-Mid would see of an HI map.

    Parameters
    ----------
    surface_density : (H, H) Msun/kpc^2, a map of the domain `hi`, row = y to the north, x to the
        west. Incline the galaxy before, with `data.rotations.viewing_rotation` and
        `data.orientation`.
    observation : what SKA-Mid is asked to do.
    extent_kpc : side of the map.

    Raises
    ------
    ValueError : where the map is too large on the sky for the dishes, the images would have too
        many pixels, the beam cannot be as narrow as asked for, or ducc0 is not installed.
    """
    if not extent_kpc > 0:
        raise ValueError(f"extent_kpc must be above zero, got {extent_kpc}")
    return Instrument(observation, len(surface_density), extent_kpc).observe(surface_density)
