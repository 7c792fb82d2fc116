"""The disk: turbulent density sheared into arms by rotation, gas and young stars in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.cosmology import KPC_KM_S_IN_GYR

Array = NDArray[np.float64]

_RADII, _ANGLES = 128, 384
# d(angle)/d(ln R) beyond which a clump has dissolved: a trailing pitch of 18 degrees.
_MAX_WINDING = 3.0


@dataclass(frozen=True)
class DiskStyle:
    """What tells one kind of disk from another.

    Attributes
    ----------
    mach : Mach number of the turbulence; sets the width of the lognormal density.
    shear_gyr : time for which differential rotation has wound the pattern.
    arms, arm_contrast, pitch_deg : logarithmic spiral density wave on top (0 arms for none).
    flattening : scale height over scale length.
    lopsidedness : amplitude of an m = 1 mode.
    bar : share of the stars in a bar.
    """

    mach: float
    shear_gyr: float
    arms: int
    arm_contrast: float
    pitch_deg: float
    flattening: float
    lopsidedness: float
    bar: float


@dataclass(frozen=True)
class Pattern:
    """Relative surface density on a grid of ln R (rows) and angle (columns), mean 1 at each R."""

    radii: Array
    contrast: Array


def _turbulence(rng: np.random.Generator, log_step: float, slope: float) -> Array:
    """Return a Gaussian field of unit variance, P(k) ~ k^-slope above a driving scale."""
    shape = (2 * _RADII, _ANGLES)
    white = np.fft.rfft2(rng.standard_normal(shape))
    k_radial = 2 * np.pi * np.fft.fftfreq(shape[0], log_step)[:, None]
    k_angle = np.fft.rfftfreq(shape[1], 1.0 / shape[1])[None, :]
    k = np.hypot(k_radial, k_angle)
    amplitude = (k**2 + 5.0**2) ** (-0.25 * slope)
    amplitude[0, 0] = 0.0
    amplitude[:, 0] *= 0.3
    field = np.fft.irfft2(white * amplitude, s=shape)[:_RADII]
    return (field - field.mean()) / field.std()


def draw_pattern(
    style: DiskStyle,
    scale_length: float,
    circular_velocity: Array,
    radii: Array,
    rng: np.random.Generator,
) -> Pattern:
    """Draw the disk's relative surface density.

    A supersonic lognormal of variance ln(1 + b^2 M^2), b = 0.4 (Federrath et al. 2010, eq. 19), is
    laid down isotropically in (ln R, angle) and each ring is then turned by Omega(R) times the
    shearing time, which draws clumps into trailing arms (Goldreich & Lynden-Bell 1965).

    Parameters
    ----------
    scale_length : kpc.
    circular_velocity, radii : (m,) km/s at (m,) kpc, increasing.
    """  # fmt: skip
    grid = np.geomspace(0.02, 8.0, _RADII) * scale_length
    angle = 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    variance = np.log1p((0.4 * style.mach) ** 2)
    field = np.sqrt(variance) * _turbulence(rng, float(np.log(grid[1] / grid[0])), 2.7)
    omega = np.interp(grid, radii, circular_velocity) / grid / KPC_KM_S_IN_GYR
    wound = np.minimum(-np.gradient(omega, np.log(grid)) * style.shear_gyr, _MAX_WINDING)
    turn = -np.cumsum(wound) * np.log(grid[1] / grid[0])
    k = np.fft.rfftfreq(_ANGLES, 1.0 / _ANGLES)
    field = np.fft.irfft(
        np.fft.rfft(field, axis=1) * np.exp(-1j * np.outer(turn, k)), n=_ANGLES, axis=1
    )
    log_radius = np.log(grid / scale_length)[:, None]
    if style.arms:
        phase = style.arms * (angle - log_radius / np.tan(np.radians(style.pitch_deg)))
        phase = phase + rng.uniform(0, 2 * np.pi) + 0.5 * field
        ramp = 1.0 / (1.0 + np.exp(-4.0 * (log_radius + 0.5)))
        field = field + style.arm_contrast * ramp * np.cos(phase)
    lopsided = style.lopsidedness * np.minimum(grid[:, None] / (3.0 * scale_length), 1.5)
    field = field + lopsided * np.cos(angle - rng.uniform(0, 2 * np.pi))
    contrast = np.exp(field)
    return Pattern(grid, contrast / contrast.mean(axis=1, keepdims=True))


def sample_disk(
    n: int,
    scale_length: float,
    flattening: float,
    rng: np.random.Generator,
    pattern: Pattern | None = None,
    power: float = 1.0,
    flare: float = 0.0,
    hole: float = 0.0,
) -> Array:
    """Return (n, 3) kpc positions in an exponential disk, isothermal (sech^2) in height.

    Parameters
    ----------
    scale_length : kpc.
    flattening : scale height over scale length at the center.
    pattern : relative surface density; None for a smooth disk.
    power : the pattern enters to this power: 1.4 for young stars (Kennicutt 1998, eq. 4).
    flare : growth of the height with radius, as in a disk of constant velocity dispersion.
    hole : radius in scale lengths of a central depression, as HI disks have.
    """  # fmt: skip
    radii = np.geomspace(0.02, 8.0, _RADII) * scale_length
    contrast = np.ones((_RADII, 1)) if pattern is None else pattern.contrast**power
    if pattern is not None:
        rows = np.clip(np.searchsorted(pattern.radii, radii), 0, _RADII - 1)
        contrast = contrast[rows] / contrast[rows].mean(axis=1, keepdims=True)
    surface = np.exp(-radii / scale_length) * radii**2
    if hole > 0:
        surface *= 1.0 - 0.8 * np.exp(-((radii / (hole * scale_length)) ** 2))
    weights = np.broadcast_to(surface[:, None] * contrast, (_RADII, contrast.shape[1]))
    cumulative = np.cumsum(weights)
    cell = np.searchsorted(cumulative, rng.uniform(0, cumulative[-1], n))
    row, column = np.divmod(np.minimum(cell, cumulative.size - 1), weights.shape[1])
    step = np.log(radii[1] / radii[0])
    r = radii[row] * np.exp(step * (rng.uniform(size=n) - 0.5))
    phi = 2 * np.pi * (column + rng.uniform(size=n)) / weights.shape[1]
    height = flattening * scale_length * (1.0 + flare * (r / scale_length) ** 1.5)
    z = height * np.arctanh(np.clip(rng.uniform(-1, 1, n), -0.9999, 0.9999))
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)


def sample_bar(n: int, scale_length: float, angle: float, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in a Gaussian bar with axes 1.1 : 0.35 : 0.25 scale lengths."""
    xyz = rng.standard_normal((n, 3)) * (scale_length * np.array([1.1, 0.35, 0.25]))
    c, s = np.cos(angle), np.sin(angle)
    return xyz @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def sample_hernquist(n: int, half_mass_radius: float, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in a Hernquist (1990) spheroid, cut at 20 half-mass radii."""
    a = half_mass_radius / 2.414
    limit = (20 * half_mass_radius / (20 * half_mass_radius + a)) ** 2
    q = np.sqrt(rng.uniform(0.0, limit, n))
    vectors = rng.standard_normal((n, 3))
    return vectors * (a * q / (1.0 - q) / np.linalg.norm(vectors, axis=1))[:, None]
