"""What an array of dishes measures of the sky: baselines that the earth turns, and their noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPEED_OF_LIGHT_M_S = 299792458.0
NUM_POLARIZATIONS = 2
_HOUR_DEG = 15.0


@dataclass(frozen=True)
class Coverage:
    """Points of the uv plane that a track fills, one a baseline and time.

    Attributes
    ----------
    uvw_m : (n, 3) m: u to the east, v to the north, w to the source.
    noise_jy : (n,) standard deviation of the real and of the imaginary part, in Jy.
    """

    uvw_m: Array
    noise_jy: Array

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.uvw_m)

    def within(self, longest_m: float) -> Coverage:
        """Return the points whose |u| and |v| are below `longest_m`."""
        inside = (np.abs(self.uvw_m[:, :2]) < longest_m).all(axis=1)
        return Coverage(self.uvw_m[inside], self.noise_jy[inside])


def elevation_deg(hour_angle_deg: float, declination_deg: float, latitude_deg: float) -> float:
    """Return how high above the horizon a source stands, in degrees."""
    h, d, p = np.radians([hour_angle_deg, declination_deg, latitude_deg])
    return float(np.degrees(np.arcsin(np.sin(p) * np.sin(d) + np.cos(p) * np.cos(d) * np.cos(h))))


def hour_angles_deg(hours: float, interval_s: float) -> Array:
    """Return the middles of the intervals of a track of `hours`, centered on the meridian."""
    number = max(1, round(3600.0 * hours / interval_s))
    return _HOUR_DEG * hours * ((np.arange(number) + 0.5) / number - 0.5)


def baselines(
    positions_m: Array, hour_angles_deg: Array, declination_deg: float, latitude_deg: float
) -> Array:
    """Return the baselines (time, pair, 3) in m as a source sees them.

    Parameters
    ----------
    positions_m : (dishes, 3) east, north, up.
    hour_angles_deg : (time,), positive west of the meridian.

    Notes
    -----
    Thompson, Moran & Swenson (2017), chapter 4: from the horizon's axes to the equator's, then to
    those of the source.
    """
    first, second = np.triu_indices(len(positions_m), 1)
    east, north, up = (positions_m[second] - positions_m[first]).T
    latitude, declination = np.radians([latitude_deg, declination_deg])
    x = np.cos(latitude) * up - np.sin(latitude) * north
    z = np.sin(latitude) * up + np.cos(latitude) * north
    h = np.radians(np.asarray(hour_angles_deg, np.float64))[:, None]
    towards = np.cos(h) * x - np.sin(h) * east
    u = np.sin(h) * x + np.cos(h) * east
    v = np.cos(declination) * z - np.sin(declination) * towards
    w = np.sin(declination) * z + np.cos(declination) * towards
    return np.stack([u, v, w], axis=-1)


def visibility_noise(flux_densities_jy: Array, bandwidth_hz: float, time_s: float) -> Array:
    """Return the noise (pair,) in Jy of the total intensity's visibilities, real or imaginary part.

    Parameters
    ----------
    flux_densities_jy : (dishes,) system equivalent flux densities.
    time_s : integration time of each visibility.

    Notes
    -----
    The radiometer equation for two dishes, sqrt(S_i S_j / (2 bandwidth time)), and the mean of two
    polarizations (Wrobel & Walker 1999, ASP Conf. 180, 171). All pairs of N like dishes together
    give S / sqrt(2 N (N - 1) bandwidth time) in a naturally weighted image.
    """
    first, second = np.triu_indices(len(flux_densities_jy), 1)
    product = flux_densities_jy[first] * flux_densities_jy[second]
    return np.sqrt(product / (2.0 * NUM_POLARIZATIONS * bandwidth_hz * time_s))


@dataclass(frozen=True)
class Track:
    """How long a source is followed, and where it stands.

    Attributes
    ----------
    hours : on the source in all.
    longest_hours : of a day; longer observations are so many tracks alike.
    declination_deg : of the source.
    interval_s : time between two points of a baseline's track.
    """

    hours: float
    declination_deg: float
    longest_hours: float = 8.0
    interval_s: float = 600.0

    @property
    def days(self) -> int:
        """Number of tracks."""
        return int(np.ceil(self.hours / self.longest_hours - 1e-9))

    @property
    def hour_angles_deg(self) -> Array:
        """Hour angles (time,) of each track."""
        return hour_angles_deg(self.hours / self.days, self.interval_s)


def cover(
    track: Track, positions_m: Array, flux_densities_jy: Array, *, latitude_deg: float,
    bandwidth_hz: float,
) -> Coverage:  # fmt: skip
    """Return the points that a track fills; all days count as one, of so much less noise.

    Parameters
    ----------
    positions_m : (dishes, 3) east, north, up. flux_densities_jy : (dishes,) of the system.
    """
    angles = track.hour_angles_deg
    uvw = baselines(positions_m, angles, track.declination_deg, latitude_deg)
    noise = visibility_noise(flux_densities_jy, bandwidth_hz, 3600.0 * track.hours / len(angles))
    return Coverage(uvw.reshape(-1, 3), np.tile(noise, len(angles)))
