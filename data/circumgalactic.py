"""The hot halo: near-hydrostatic gas, stirred, blown into, and shocked where it falls in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.cosmology import GRAVITY, HYDROGEN_FRACTION, PROTON_MASS_OVER_BOLTZMANN
from data.cosmology import MSUN_KPC3_IN_PROTONS_CM3 as PER_CM3
from data.halo import EDGE, NFW, gather_to_filaments, taper
from data.outflows import Bubble, bubble_factors
from data.random_field import RandomField, draw_field
from data.smoothing import morton_order

Array = NDArray[np.float64]

# Isothermal gas in an NFW potential is close to a beta model (Makino, Sasaki & Suto 1998). Slope
# and core radius are set by hand: theirs give cores several times smaller than those observed.
_BETA = 0.55
_CORE = 0.1
_MEAN_WEIGHT_IONIZED = 0.59
# Gas that has not yet fallen through the accretion shock, K.
_OUTER_TEMPERATURE = 3e4
BOX = 1.6  # of the random fields, in R200


def density_shape(x: Array) -> Array:
    """Return the hot gas density over its central value at radii x in R200.

    A beta model that bends down at 0.6 R200, to a slope of -4.05, and ends at 3 R200. The bend is
    set by hand, so that half of the gas lies within 0.61 R200, and 0.76 of it within R200.
    """
    inner = (1.0 + (x / _CORE) ** 2) ** (-1.5 * _BETA)
    return inner * (1.0 + (x / 0.6) ** 4) ** -0.6 * taper(x)


@dataclass(frozen=True)
class Atmosphere:
    """The hot gas of one halo.

    Attributes
    ----------
    halo : its potential and size.
    mass : Msun of hot gas in all.
    galaxy_mass, galaxy_radius : Msun of stars and cold gas and kpc of the galaxy in its middle,
        within r of which lies the share (r / (r + galaxy_radius))^2.
    shape : (3, 3) map from a sphere to the halo's ellipsoid.
    filaments : (k, 3) directions of infall.
    bubbles : what was blown into it.
    entropy, sound, eddies : random fields of isobaric and of adiabatic fluctuations, and of
        solenoidal displacements.
    contrast : (2,) standard deviations of ln(density) in isobaric fluctuations and of ln(pressure)
        in adiabatic ones.
    """

    halo: NFW
    mass: float
    galaxy_mass: float
    galaxy_radius: float
    shape: Array
    filaments: Array
    bubbles: list[Bubble]
    entropy: RandomField
    sound: RandomField
    eddies: RandomField
    contrast: tuple[float, float]

    @classmethod
    def draw(
        cls, halo: NFW, mass: float, galaxy: tuple[float, float], shape: Array, filaments: Array,
        bubbles: list[Bubble], rng: np.random.Generator,
    ) -> Atmosphere:  # fmt: skip
        """Draw the fluctuations of an atmosphere; `galaxy` is its mass in Msun and radius in kpc.

        Their strengths, 0.45 and 0.25 below 1e12 Msun and falling by a third a decade above, are
        set by hand.
        """
        side = BOX * halo.radius
        calm = max(halo.mass / 1e12, 1.0) ** -0.17
        entropy, sound = (draw_field(side, rng, outer_scale=0.3) for _ in range(2))
        eddies = draw_field(side, rng, vector=True, outer_scale=0.3, grid=32)
        contrast = (0.45 * calm, 0.25 * calm)
        return cls(halo, mass, *galaxy, shape, filaments, bubbles, entropy, sound, eddies, contrast)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Return (n, 3) kpc positions that follow the density.

        The gas follows the square root of the halo's ellipticity, for equipotentials are rounder
        than the mass. Of three candidates a particle the fluctuations and bubbles choose one.
        Candidates are spread evenly and every so much weight along a curve through space chooses
        the next, so that shot noise, which no fluid has, stays below that of independent draws.
        """
        radius = self.halo.radius
        grid = np.geomspace(1e-3, EDGE, 600)
        mass = np.cumsum(density_shape(grid) * grid**3)
        u = _even_points(3 * n + 64, rng)
        r = np.interp(mass[0] + u[:, 0] * (mass[-1] - mass[0]), mass, grid) * radius
        height, turn = 2.0 * u[:, 1] - 1.0, 2 * np.pi * u[:, 2]
        flat = np.sqrt(1.0 - height**2)
        xyz = r[:, None] * np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)
        values, vectors = np.linalg.eigh(self.shape)
        xyz = xyz @ (vectors @ np.diag(np.sqrt(values)) @ vectors.T).T
        xyz = gather_to_filaments(xyz, radius, self.filaments, rng)
        distance = np.linalg.norm(xyz, axis=1, keepdims=True)
        xyz = xyz + self.eddies(xyz) * np.minimum(0.035 * radius, 0.2 * distance)
        xyz = xyz[morton_order(xyz)]
        weight = np.cumsum(self._fluctuations(xyz)[0])
        return xyz[np.searchsorted(weight, weight[-1] * (np.arange(n) + rng.uniform()) / n)]

    def density(self, r: Array) -> Array:
        """Return the mean hot gas density in Msun/kpc^3 at radii (n,) kpc."""
        grid = np.geomspace(1e-4, EDGE, 600)
        whole = 4 * np.pi * np.trapezoid(density_shape(grid) * grid**3, np.log(grid))
        x = np.minimum(r / self.halo.radius, 0.98 * EDGE)
        return self.mass / (whole * self.halo.radius**3) * density_shape(x)

    def mean_temperature(self, r: Array) -> Array:
        """Return the hydrostatic temperature in K at radii (n,) kpc."""
        return hydrostatic_temperature(r, self.halo, self.galaxy_mass, self.galaxy_radius)

    def state(self, xyz: Array) -> tuple[Array, Array]:
        """Return temperature (n,) in K and density times temperature (n,) in Msun/kpc^3 K.

        The temperature is that of hydrostatic balance with fluctuations and bubbles, up to an
        accretion shock at 1.5 R200, wrinkled, closer in along filaments, all set by hand; gas that
        has not come through it is photoheated to 3e4 K.
        """
        r = np.maximum(np.linalg.norm(xyz, axis=1), 1e-9)
        compression, heating = self._fluctuations(xyz)
        inner = self.mean_temperature(r) * heating
        spread = np.max(xyz @ self.filaments.T / r[:, None], axis=1, initial=-1.0)
        front = 1.5 * self.halo.radius * (1.0 - 0.3 * np.exp((spread - 1.0) / 0.03))
        front = front * (1.0 + 0.15 * self.sound(0.4 * xyz)[:, 0])
        outside = 1.0 / (1.0 + (front / r) ** 25)
        temperature = inner ** (1.0 - outside) * np.minimum(_OUTER_TEMPERATURE, inner) ** outside
        return temperature, self.density(r) * compression * temperature

    def cooling_over_free_fall(self, xyz: Array) -> Array:
        """Return (n,) t_cool / t_ff of the hot gas at points (n, 3) kpc.

        t_cool = 3/2 n k T / (n_e n_i Lambda) with the cooling function of `cooling_function`, and
        t_ff = sqrt(2 r / g).
        """
        r = np.maximum(np.linalg.norm(xyz, axis=1), 1e-3 * self.halo.radius)
        kelvin, pressure = self.state(xyz)
        n_h = HYDROGEN_FRACTION * PER_CM3 * pressure / kelvin
        # n = 2.3 n_H, n_e = 1.17 n_H, n_i = 1.08 n_H, to 3 %, in ionized gas of this composition.
        cooling = 1.5 * 2.3 * 1.381e-16 * kelvin / (1.17 * 1.08 * n_h * cooling_function(kelvin))
        mass = _enclosed_mass(r, self.halo, self.galaxy_mass, self.galaxy_radius)
        return cooling / (np.sqrt(2.0 * r**3 / (GRAVITY * mass)) * 3.0857e16)

    def _fluctuations(self, xyz: Array) -> tuple[Array, Array]:
        """Return factors (n,) on density and temperature.

        Isobaric ones leave the pressure alone; in adiabatic ones rho ~ P^(3/5) and T ~ P^(2/5).
        """
        isobaric = self.contrast[0] * self.entropy(xyz)[:, 0]
        adiabatic = self.contrast[1] * self.sound(xyz)[:, 0]
        density, temperature = bubble_factors(xyz, self.bubbles, self.sound(2.0 * xyz)[:, 0])
        return (density * np.exp(isobaric + 0.6 * adiabatic),
                temperature * np.exp(0.4 * adiabatic - isobaric))  # fmt: skip


def _even_points(n: int, rng: np.random.Generator) -> Array:
    """Return (n, 3) points in the unit cube: a Kronecker sequence, shifted and jittered at random.

    Its steps are 1/g, 1/g^2, 1/g^3 with g^4 = g + 1, the golden ratio's kin in three dimensions.
    """
    steps = 1.2207440846057596 ** -np.arange(1.0, 4.0)
    jitter = n ** (-1.0 / 3.0) * rng.uniform(size=(n, 3))
    return np.mod(np.arange(n)[:, None] * steps + rng.uniform(size=3) + jitter, 1.0)


def cooling_function(kelvin: Array) -> Array:
    """Return Lambda in erg cm^3/s at 0.3 solar, of n_e n_i (Tozzi & Norman 2001).

    Made for groups and clusters: it goes on rising below 1e5 K, where gas really cools slower.
    """
    kev = kelvin / 1.1605e7
    return 1e-22 * (8.6e-3 * kev**-1.7 + 5.8e-2 * np.sqrt(kev) + 6.3e-2)


def _enclosed_mass(r: Array, halo: NFW, galaxy_mass: float, galaxy_radius: float) -> Array:
    """Return Msun within radii (n,) kpc: of the halo, and of a galaxy as in `Atmosphere`."""
    return halo.enclosed_mass(r) + galaxy_mass * (r / (r + galaxy_radius)) ** 2


def hydrostatic_temperature(r: Array, halo: NFW, galaxy_mass: float, galaxy_radius: float) -> Array:
    """Return T in K at radii (n,) kpc of gas in hydrostatic balance.

    dP/dr = -rho G M(<r)/r^2 integrated inward from 0.98 times the edge, where the pressure is that
    of gas at half the virial temperature; M holds the halo and a galaxy of `galaxy_mass` Msun with
    the profile of Hernquist (1990), of scale `galaxy_radius` kpc.
    """
    x = np.geomspace(1e-3, 0.98 * EDGE, 400)
    grid = x * halo.radius
    rho = density_shape(x)
    mass = _enclosed_mass(grid, halo, galaxy_mass, galaxy_radius)
    weight = rho * GRAVITY * mass / grid**2
    steps = 0.5 * (weight[1:] + weight[:-1]) * np.diff(grid)
    edge = 0.25 * rho[-1] * GRAVITY * halo.mass / halo.radius
    pressure = edge + np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
    temperature = _MEAN_WEIGHT_IONIZED * PROTON_MASS_OVER_BOLTZMANN * pressure / rho
    return np.interp(r, grid, temperature)
