"""A galaxy as particles in physical units: what every reader returns and every map is made from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

PARTICLE_TYPES = ("gas", "dark_matter", "stars")


@dataclass(frozen=True)
class Particles:
    """Particles of one type.

    Attributes
    ----------
    coordinates : (n, 3) float64, kpc, physical, relative to the galaxy's center.
    masses : (n,) float64, Msun.
    fields : further arrays of first axis n, in physical units. Gas: "density" (Msun/kpc^3),
        "temperature" (K), "internal_energy" ((km/s)^2), "electron_abundance" (n_e/n_H),
        "magnetic_field" (n, 3) Gauss, "metallicity" (mass fraction), "star_formation_rate"
        (Msun/yr), "neutral_fraction" (of hydrogen, by mass, HI and H2), "velocities" (n, 3) km/s.
    """

    coordinates: NDArray[np.float64]
    masses: NDArray[np.float64]
    fields: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of particles."""
        return len(self.masses)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the field called `name`."""
        return self.fields[name]

    def __contains__(self, name: str) -> bool:
        """Tell whether the particles carry the field called `name`."""
        return name in self.fields


@dataclass(frozen=True)
class Galaxy:
    """Particles by type around one center.

    Attributes
    ----------
    name : unique among the galaxies of a store ("synthetic-000017", "TNG50-1/99/subhalo-12").
    redshift : dimensionless.
    particles : by type; an absent type has no entry.
    kind : "spiral", "massive_halo", "merger", "irregular", "turbulent", or "" where unknown.
    properties : scalars for catalogs, as "halo_mass" in Msun.
    lineage : the name that the galaxy has in the end, see `data.splits`; "" where unknown.
    """

    name: str
    redshift: float
    particles: dict[str, Particles]
    kind: str = ""
    properties: dict[str, float] = field(default_factory=dict)
    lineage: str = ""

    def baryonic_half_mass_radius(self) -> float:
        """Return the radius in kpc of the sphere that holds half of the gas and stars."""
        parts = [self.particles[t] for t in ("gas", "stars") if t in self.particles]
        if not parts:
            raise ValueError(f"{self.name} has neither gas nor stars: give extent_kpc yourself")
        radii = np.linalg.norm(np.concatenate([p.coordinates for p in parts]), axis=1)
        order = np.argsort(radii)
        enclosed = np.cumsum(np.concatenate([p.masses for p in parts])[order])
        return float(radii[order][np.searchsorted(enclosed, 0.5 * enclosed[-1])])

    def with_field(self, particle_type: str, name: str, values: NDArray[np.float64]) -> Galaxy:
        """Return a copy in which particles of one type carry one more field."""
        old = self.particles[particle_type]
        new = replace(old, fields={**old.fields, name: values})
        return replace(self, particles={**self.particles, particle_type: new})
