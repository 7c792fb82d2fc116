"""What is known of galaxies and of the place where they lie before their particles are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.halo import NFW, Subhalo

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Host:
    """A central galaxy's budget: masses in Msun, `scale_length` in kpc, `outflow` its strength."""

    halo: NFW
    stellar: float
    cold: float
    hot: float
    scale_length: float
    outflow: float


@dataclass(frozen=True)
class Body:
    """A galaxy's own disk and spheroid.

    (n, 3) kpc of gas and of stars, (n,) Gyr of the stars' ages, (n,) whether gas is in a bubble.
    """

    gas: Array
    stars: Array
    ages: Array
    blown: NDArray[np.bool_]


@dataclass(frozen=True)
class Site:
    """Where galaxies lie: one host, or two that merge, and what is around them.

    Attributes
    ----------
    hosts, places : the galaxies and where they are, (1 or 2, 3) kpc; the first at the origin.
    shape : (3, 3) map from a sphere to the first halo's ellipsoid.
    filaments : (k, 3) directions of infall.
    subhalos : of the first halo.
    redshift : of the picture.
    """

    hosts: list[Host]
    places: Array
    shape: Array
    filaments: Array
    subhalos: list[Subhalo]
    redshift: float

    @property
    def halo(self) -> NFW:
        """Return the first halo."""
        return self.hosts[0].halo

    def strips(self, sub: Subhalo) -> bool:
        """Tell whether tides draw matter out of a satellite: inside 0.6 R200, set by hand."""
        return bool(np.linalg.norm(sub.center) < 0.6 * self.halo.radius)
