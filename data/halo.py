"""Dark matter: an NFW halo, its rotation curve, its shape and its subhalos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cosmology import GRAVITY, OMEGA_MATTER, concentration, virial_radius

Array = NDArray[np.float64]

# Where matter ends, in R200.
EDGE = 3.0


@dataclass(frozen=True)
class NFW:
    """A spherical halo (Navarro, Frenk & White 1997) of `mass` Msun within `radius` kpc = R200c."""

    mass: float
    radius: float
    concentration: float

    @classmethod
    def from_mass(cls, mass: float, redshift: float, rng: np.random.Generator | None = None) -> NFW:
        """Return the halo of M200c `mass`, its concentration scattered by 0.11 dex where `rng`."""
        scatter = 0.0 if rng is None else 0.11 * rng.standard_normal()
        return cls(
            mass, virial_radius(mass, redshift), concentration(mass, redshift) * 10.0**scatter
        )

    @property
    def scale_radius(self) -> float:
        """Return r_s in kpc."""
        return self.radius / self.concentration

    def enclosed_mass(self, r: Any) -> Array:
        """Return M(<r) in Msun for r in kpc; it goes on beyond R200."""
        return self.mass * _m(np.asarray(r) / self.scale_radius) / _m(self.concentration)

    def acceleration(self, offsets: Array, softening: float) -> Array:
        """Return (n, 3) in (km/s)^2/kpc at (n, 3) kpc from the center."""
        r = np.sqrt(np.einsum("ij,ij->i", offsets, offsets) + softening**2)
        return offsets * (-GRAVITY * self.enclosed_mass(r) / r**3)[:, None]

    def sample_radii(self, n: int, rng: np.random.Generator, truncation: float = 1.0) -> Array:
        """Return (n,) radii in kpc within `truncation` R200, by inverting the mass profile."""
        grid = np.geomspace(1e-4, truncation, 512) * self.radius
        mass = self.enclosed_mass(grid)
        return np.interp(rng.uniform(0.0, mass[-1], n), mass, grid)

    def extended_mass(self, r: Any) -> Array:
        """Return M(<r) in Msun with the outskirts that `sample_extended_radii` draws from."""
        grid, mass = self._extended()
        return np.interp(r, grid, mass)

    def sample_extended_radii(self, n: int, rng: np.random.Generator) -> Array:
        """Return (n,) radii in kpc out to 3 R200, where the density runs out.

        NFW within R200. Beyond, in the form of Diemer & Kravtsov (2014) for halos selected by
        accretion rate, NFW times [1 + (r/r_t)^6]^(-2/3) with r_t = 1.55 R200c, about what they
        find for a growth of Gamma = 2, plus the mean density of matter times (r / 5 R200m)^-1.5 +
        1, with R200m = 1.6 R200c and the mean density of z = 0, which sets in from 1 to 2 R200. All
        is tapered to zero at 3 R200.
        """
        grid, mass = self._extended()
        return np.interp(rng.uniform(0.0, mass[-1], n), mass, grid)

    def _extended(self) -> tuple[Array, Array]:
        x = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 512), np.linspace(1.0, EDGE, 257)[1:]])
        middle = np.maximum(0.5 * (x[1:] + x[:-1]), 1.0)
        inner = np.diff(_m(x * self.concentration)) / _m(self.concentration)
        inner *= ((1.0 + (middle / 1.55) ** 6) / (1.0 + 1.55**-6)) ** (-2.0 / 3.0)
        outer = OMEGA_MATTER / 200.0 * ((middle / 8.0) ** -1.5 + 1.0) * np.diff(x**3)
        rise = np.clip(middle - 1.0, 0.0, 1.0)
        outer *= rise**2 * (3.0 - 2.0 * rise)
        mass = np.concatenate([[0.0], np.cumsum((inner + outer) * taper(middle))])
        return x * self.radius, self.mass * mass


def taper(x: Any) -> Array:
    """Return 1 up to R200 falling smoothly to 0 at `EDGE`, for radii x in R200."""
    beyond = np.clip((np.asarray(x) - 1.0) / (EDGE - 1.0), 0.0, 1.0)
    return (1.0 - beyond**2) ** 2


def _m(x: Any) -> Array:
    return np.log1p(x) - x / (1.0 + x)


def directions(n: int, rng: np.random.Generator) -> Array:
    """Return (n, 3) unit vectors, uniform on the sphere."""
    vectors = rng.standard_normal((n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_rotation(rng: np.random.Generator) -> Array:
    """Return a (3, 3) rotation uniform on SO(3) (QR of a Gaussian matrix, Stewart 1980)."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    return q


def draw_shape(halo_mass: float, rng: np.random.Generator) -> Array:
    """Return a (3, 3) map from a sphere to a randomly turned triaxial ellipsoid of equal volume.

    Minor to major axis 0.54 (M / M*)^-0.050 with scatter 0.1 (Allgood et al. 2006, abstract, at
    0.3 Rvir and above 1e12 Msun; M* = 1e13 Msun taken here), the middle axis uniform between them.
    """
    minor = np.clip(0.54 * (halo_mass / 1e13) ** -0.05 + 0.1 * rng.standard_normal(), 0.35, 0.95)
    axes = np.array([1.0, rng.uniform(minor, 1.0), minor])
    turn = random_rotation(rng)
    return turn @ np.diag(axes / np.cbrt(axes.prod())) @ turn.T


def draw_filaments(count: int, shape: Array, rng: np.random.Generator) -> Array:
    """Return (count, 3) directions from which matter falls in.

    The first two leave on either side near the halo's long axis, which points along the filament
    that it lies in (Hahn et al. 2007); the others anywhere.
    """
    _, axes = np.linalg.eigh(shape)
    found = directions(max(count, 2), rng)
    found[0] = axes[:, -1] + 0.3 * found[0]
    found[1] = -axes[:, -1] + 0.5 * found[1]
    return found[:count] / np.linalg.norm(found[:count], axis=1, keepdims=True)


def gather_to_filaments(
    xyz: Array, radius: float, filaments: Array, rng: np.random.Generator
) -> Array:
    """Turn points beyond R200 towards `filaments`, each at its own distance from the center.

    Parameters
    ----------
    xyz : (n, 3) kpc.
    radius : R200 in kpc. The share that is turned grows from none there to two thirds at 2.5 R200;
        filaments are Gaussian, 0.22 R200 wide (both set by hand).
    filaments : (k, 3) directions.

    Returns
    -------
    (n, 3) kpc; distances from the center are kept, and so is the profile.
    """
    moved = xyz.copy()
    if not len(filaments):
        return moved
    r = np.linalg.norm(xyz, axis=1)
    share = 0.67 * np.clip((r / radius - 1.0) / 1.5, 0.0, 1.0)
    turned = np.flatnonzero(rng.uniform(size=len(r)) < share)
    along = filaments[rng.integers(len(filaments), size=len(turned))] * r[turned, None]
    new = along + 0.22 * radius * rng.standard_normal((len(turned), 3))
    moved[turned] = new * (r[turned] / np.linalg.norm(new, axis=1))[:, None]
    return moved


@dataclass(frozen=True)
class Subhalo:
    """A bound clump of `mass` Msun at `center` (3,) kpc moving with `velocity` (3,) km/s."""

    mass: float
    center: Array
    velocity: Array
    halo: NFW


def draw_subhalos(
    halo: NFW, shape: Array, redshift: float, rng: np.random.Generator
) -> list[Subhalo]:
    """Draw subhalos of 3e-4 to 0.08 of the halo's mass.

    dN/dm ~ m^-1.9 (Springel et al. 2008), normalized to 10 % of the mass in that range, out to
    where matter ends; radii less concentrated than the mass, n ~ rho r^0.9, so that few survive
    near the center: the form of Han et al. (2016), whose exponent for one halo like the Milky Way's
    is 1.3. Their profile is an NFW cut at the tidal radius r (m / 3M)^(1/3).
    """
    low, high, slope = 3e-4, 0.08, 0.9
    fraction = 0.10 * rng.lognormal(0.0, 0.3) * halo.extended_mass(np.inf) / halo.mass
    mean_mass = (
        slope
        / (1 - slope)
        * (high ** (1 - slope) - low ** (1 - slope))
        / (low**-slope - high**-slope)
    )
    number = rng.poisson(fraction / mean_mass)
    u = rng.uniform(size=number)
    masses = halo.mass * (low**-slope - u * (low**-slope - high**-slope)) ** (-1 / slope)
    radii = halo.sample_extended_radii(4 * number + 1, rng)
    weight = radii**0.9
    radii = rng.choice(radii, number, p=weight / weight.sum())
    speed = np.sqrt(GRAVITY * halo.enclosed_mass(radii) / radii)
    centers = (directions(number, rng) * radii[:, None]) @ shape.T
    velocities = rng.standard_normal((number, 3)) * (speed / np.sqrt(2.0))[:, None]
    return [
        Subhalo(float(m), c, v, NFW.from_mass(float(m), redshift, rng))
        for m, c, v in zip(masses, centers, velocities, strict=True)
    ]


def sample_subhalo(sub: Subhalo, host: NFW, n: int, rng: np.random.Generator) -> Array:
    """Return (n, 3) kpc positions in a subhalo, truncated at its tidal radius."""
    r = float(np.linalg.norm(sub.center))
    tidal = r * np.cbrt(sub.mass / (3.0 * host.enclosed_mass(max(r, 1.0))))
    radii = sub.halo.sample_radii(n, rng, min(1.0, float(tidal) / sub.halo.radius))
    return sub.center + directions(n, rng) * radii[:, None]
