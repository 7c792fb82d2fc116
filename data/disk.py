"""The disk: where its gas, its young stars and its old stars lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arms import arm_fields, clump_field, draw_arms
from data.cosmology import KPC_KM_S_IN_GYR

Array = NDArray[np.float64]

_RADII, _ANGLES = 224, 640
_INNER, _OUTER = 0.02, 8.0
# d(angle)/d(ln R) beyond which a clump has dissolved: a trailing pitch of 18 degrees.
_MAX_WINDING = 3.0
# Share of the three-dimensional variance of ln density that is left in the column. Above 0.11 of
# Burkhart & Lazarian (2012), for a disk is but a few driving lengths thick; set by hand.
_COLUMN_SHARE = 0.35


@dataclass(frozen=True)
class DiskStyle:
    """What tells one kind of disk from another.

    Attributes
    ----------
    mach : Mach number of the turbulence; sets the width of the lognormal surface density.
    shear_gyr : time for which differential rotation has wound the turbulence.
    arms, arm_contrast, pitch_deg : number of main arms (0 for none), ln of the gas density of
        their ridge over that between them, pitch of trailing logarithmic spirals.
    flattening : scale height over scale length.
    lopsidedness : amplitude of an m = 1 mode.
    bar : share of the stars in a bar.
    spurs : ln of the gas density of a spur's root over that beside it.
    clumps : mean number of giant clumps.
    bubbles : mean number of holes in the gas.
    warp_deg : standard deviation of the tilt of the outskirts.
    stir : how much the outline departs from a circle, in wavelengths / 2 pi.
    """

    mach: float
    shear_gyr: float
    arms: int
    arm_contrast: float
    pitch_deg: float
    flattening: float
    lopsidedness: float
    bar: float
    spurs: float = 0.0
    clumps: float = 0.0
    bubbles: float = 0.0
    warp_deg: float = 0.0
    stir: float = 0.0


@dataclass(frozen=True)
class Pattern:
    """Relative surface densities on a grid of ln R (rows) and angle (columns), mean 1 at each R.

    Attributes
    ----------
    radii : (rows,) kpc.
    gas, stars : (rows, columns), of gas and of old stars. Young stars follow gas^1.4 (Kennicutt
        1998, eq. 4).
    bar_angle : radians, azimuth of the bar from whose ends the arms start.
    """

    radii: Array
    gas: Array
    stars: Array
    bar_angle: float


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


def _wind(field: Array, turn: Array) -> Array:
    """Return `field` (rows, columns) with each row turned by `turn` (rows,) radians."""
    k = np.fft.rfftfreq(_ANGLES, 1.0 / _ANGLES)
    turned = np.fft.rfft(field, axis=1) * np.exp(-1j * np.outer(turn, k))
    return np.fft.irfft(turned, n=_ANGLES, axis=1)


def draw_pattern(
    style: DiskStyle,
    scale_length: float,
    circular_velocity: Array,
    radii: Array,
    rng: np.random.Generator,
) -> Pattern:
    """Draw the disk's relative surface densities.

    A lognormal of variance A ln(1 + (M/3)^2), the form that column density has in supersonic
    turbulence (Burkhart & Lazarian 2012), is laid down isotropically in (ln R, angle) and each ring
    is then turned by Omega(R) times the shearing time, which draws it into trailing filaments
    (Goldreich & Lynden-Bell 1965). Arms, spurs and clumps multiply it.

    Old stars take part in arms and clumps alone: their arms are about twice as dense as what lies
    between, as in nearly half of the spirals of Rix & Zaritsky (1995).

    Parameters
    ----------
    scale_length : kpc, of the gas.
    circular_velocity, radii : (m,) km/s at (m,) kpc, increasing.
    """  # fmt: skip
    grid = np.geomspace(_INNER, _OUTER, _RADII) * scale_length
    angle = 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    log_radius = np.log(grid / scale_length)
    step = float(log_radius[1] - log_radius[0])
    omega = np.interp(grid, radii, circular_velocity) / grid / KPC_KM_S_IN_GYR
    wound = np.minimum(-np.gradient(omega, np.log(grid)) * style.shear_gyr, _MAX_WINDING)
    turbulence = _wind(_turbulence(rng, step, 2.7), -np.cumsum(wound) * step)
    gas = np.sqrt(_COLUMN_SHARE * np.log1p((style.mach / 3.0) ** 2)) * turbulence
    stars = np.zeros_like(gas)
    bar_angle = rng.uniform(0, 2 * np.pi)
    if style.arms:
        arms = draw_arms(log_radius, style.arms, style.pitch_deg, bar_angle, rng)
        ridge, spurs, wave = arm_fields(arms, log_radius, angle, turbulence)
        gas += style.arm_contrast * ridge + style.spurs * spurs
        stars += 0.4 * style.arm_contrast * wave
    clumps = clump_field(log_radius, angle, rng.poisson(style.clumps), rng)
    gas += 2.5 * clumps
    stars += 0.6 * clumps
    lopsided = style.lopsidedness * np.minimum(np.exp(log_radius) / 3.0, 1.5)
    lopsided = np.outer(lopsided, np.cos(angle - rng.uniform(0, 2 * np.pi)))
    gas, stars = np.exp(gas + lopsided), np.exp(stars + 0.5 * lopsided)
    gas /= gas.mean(axis=1, keepdims=True)
    return Pattern(grid, gas, stars / stars.mean(axis=1, keepdims=True), bar_angle)


def sample_disk(
    n: int,
    scale_length: float,
    flattening: float,
    rng: np.random.Generator,
    *,
    pattern: tuple[Array, Array] | None = None,
    flare: float = 0.0,
    hole: float = 0.0,
) -> Array:
    """Return (n, 3) kpc positions in an exponential disk, isothermal (sech^2) in height.

    The points are spread more evenly than a Poisson process would, as cells of a simulation are.

    Parameters
    ----------
    scale_length : kpc.
    flattening : scale height over scale length at the center.
    pattern : (rows,) radii in kpc and (rows, columns) relative surface density there; None for a
        smooth disk.
    flare : the height grows as exp(flare R / scale length).
    hole : radius in scale lengths of a central depression, as HI disks have.
    """  # fmt: skip
    if pattern is None:
        radii = np.geomspace(_INNER, _OUTER, _RADII) * scale_length
        contrast = np.ones((_RADII, 1))
    else:
        radii, contrast = pattern
    surface = np.exp(-radii / scale_length) * radii**2
    if hole > 0:
        surface *= 1.0 - 0.8 * np.exp(-((radii / (hole * scale_length)) ** 2))
    weights = surface[:, None] * contrast / contrast.mean(axis=1, keepdims=True)
    u = _even_points(n, rng)
    columns = weights.shape[1]
    row, in_row = _invert(weights.sum(axis=1), u[:, 0])
    ends = np.cumsum(weights)
    starts = np.concatenate([[0.0], ends[columns - 1 :: columns]])
    target = starts[row] + u[:, 1] * (starts[row + 1] - starts[row])
    cell = np.clip(np.searchsorted(ends, target), row * columns, (row + 1) * columns - 1)
    in_cell = np.clip(1.0 - (ends[cell] - target) / weights.ravel()[cell], 0.0, 1.0)
    r = radii[row] * np.exp(np.log(radii[1] / radii[0]) * (in_row - 0.5))
    phi = 2 * np.pi * (cell - row * columns + in_cell) / columns
    height = flattening * scale_length * np.exp(flare * r / scale_length)
    z = height * np.arctanh(np.clip(2.0 * u[:, 2] - 1.0, -0.9999, 0.9999))
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)


def _even_points(n: int, rng: np.random.Generator) -> Array:
    """Return (n, 3) in 0 to 1, the first two of which fill the square evenly.

    They step by 1/g and 1/g^2 modulo 1, g^3 = g + 1 (a Kronecker sequence), and each is then shaken
    by twice the distance to the next, lest the lattice show.
    """
    u = rng.uniform(size=(n, 3))
    steps = 1.324717957244746 ** -np.arange(1.0, 3.0)
    lattice = rng.uniform(size=2) + np.outer(np.arange(n), steps)
    u[:, :2] = (lattice + 2.0 * u[:, :2] / np.sqrt(max(n, 1))) % 1.0
    return u


def _invert(weights: Array, u: Array) -> tuple[NDArray[np.intp], Array]:
    """Return the bin and the place in it, 0 to 1, below which lies the share `u` of `weights`."""
    ends = np.cumsum(weights)
    target = u * ends[-1]
    found = np.minimum(np.searchsorted(ends, target), len(weights) - 1)
    return found, np.clip(1.0 - (ends[found] - target) / weights[found], 0.0, 1.0)


def sample_bar(n: int, scale_length: float, angle: float, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in a bar along azimuth `angle`.

    It reaches 1.5 scale lengths either way, where its density falls to zero as a parabola; across,
    it is Gaussian with 0.25 and 0.2 scale lengths.
    """
    along = 1.5 * (2.0 * rng.beta(2.0, 2.0, n) - 1.0)
    across, up = rng.standard_normal((2, n)) * np.array([[0.25], [0.2]])
    c, s = np.cos(angle), np.sin(angle)
    return scale_length * np.stack([c * along - s * across, s * along + c * across, up], axis=1)


def sample_hernquist(n: int, half_mass_radius: float, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in a Hernquist (1990) spheroid, cut at 20 half-mass radii."""
    a = half_mass_radius / 2.414
    limit = (20 * half_mass_radius / (20 * half_mass_radius + a)) ** 2
    q = np.sqrt(rng.uniform(0.0, limit, n))
    vectors = rng.standard_normal((n, 3))
    return vectors * (a * q / (1.0 - q) / np.linalg.norm(vectors, axis=1))[:, None]
