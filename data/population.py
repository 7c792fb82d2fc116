"""What a galaxy's particles say of it as a whole, for population statistics and catalogs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from data.cosmology import BARYON_FRACTION, virial_radius
from data.galaxy import Galaxy
from data.hydrogen import hydrogen_masses

Array = NDArray[np.float64]

# Stars within this share of R200 are the galaxy's own, those beyond satellites' and the halo's.
GALAXY_RADIUS = 0.15
_LEAST, _MOST = 0.5, 60.0


@dataclass(frozen=True)
class Census:
    """Integrated numbers of one galaxy.

    Attributes
    ----------
    halo_mass : M200c in Msun: mass of all particles within R200 where the mean density is 200
        times critical, as the galaxy's properties say it.
    stellar_mass, gas_mass, hi_mass, h2_mass : Msun, of all particles.
    concentration : c200c of the NFW profile that has the dark matter's half-mass radius.
    half_mass_radius : kpc, of the stars within 0.15 R200.
    virial_radius : R200c in kpc.
    star_formation_rate : Msun/yr.
    """

    halo_mass: float
    stellar_mass: float
    gas_mass: float
    hi_mass: float
    h2_mass: float
    concentration: float
    half_mass_radius: float
    virial_radius: float
    star_formation_rate: float

    @property
    def baryon_share(self) -> float:
        """Mass of stars and gas over the cosmic share of the halo's mass."""
        return (self.stellar_mass + self.gas_mass) / (BARYON_FRACTION * self.halo_mass)


def take_census(galaxy: Galaxy) -> Census:
    """Return the integrated numbers of `galaxy`.

    Raises
    ------
    ValueError : where it lacks gas, stars or dark matter, or its properties a halo mass.
    """
    lacking = [t for t in ("gas", "stars", "dark_matter") if t not in galaxy.particles]
    if lacking or "halo_mass" not in galaxy.properties:
        what = ", ".join(lacking) if lacking else "the property halo_mass"
        raise ValueError(f"{galaxy.name} must have gas, stars, dark matter and a halo mass to be "
                         f"counted, and lacks {what}")  # fmt: skip
    gas, stars = galaxy.particles["gas"], galaxy.particles["stars"]
    mass = galaxy.properties["halo_mass"]
    radius = virial_radius(mass, galaxy.redshift)
    stellar_radii = np.linalg.norm(stars.coordinates, axis=1)
    inner = stellar_radii < GALAXY_RADIUS * radius
    hydrogen = hydrogen_masses(galaxy)
    return Census(
        halo_mass=mass,
        stellar_mass=float(stars.masses.sum()),
        gas_mass=float(gas.masses.sum()),
        hi_mass=float(hydrogen["hi"].sum()),
        h2_mass=float(hydrogen["h2"].sum()),
        concentration=fitted_concentration(galaxy.particles["dark_matter"].coordinates, radius),
        half_mass_radius=_weighted_median(stellar_radii[inner], stars.masses[inner]),
        virial_radius=radius,
        star_formation_rate=float(gas["star_formation_rate"].sum()),
    )


def fitted_concentration(coordinates: Array, virial_radius: float) -> float:
    """Return the c200c for which an NFW profile has the half-mass radius of equal-mass particles.

    Parameters
    ----------
    coordinates : (n, 3) kpc from the halo's center.
    virial_radius : R200c in kpc; particles beyond do not count.

    Returns
    -------
    c from m(c x) = m(c)/2, x the half-mass radius over R200 and m(u) = ln(1+u) - u/(1+u) (Navarro,
    Frenk & White 1997, eq. 3 integrated); NaN where no c from 0.5 to 60 has it.
    """
    radii = np.linalg.norm(coordinates, axis=1) / virial_radius
    half = float(np.median(radii[radii < 1.0]))

    def excess(c: float) -> float:
        inner, whole = (np.log1p(u) - u / (1.0 + u) for u in (c * half, c))
        return float(inner / whole - 0.5)

    if excess(_LEAST) > 0 or excess(_MOST) < 0:
        return float("nan")
    return float(brentq(excess, _LEAST, _MOST))


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])
