"""Which way a galaxy's disk faces: from how it turns, or else from its shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.galaxy import Galaxy, Particles

# Below, nothing is called a disk: c/a of the stars, and how much of |r x v| adds up.
MAX_THICKNESS = 0.8
MIN_ORDER = 0.5
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Orientation:
    """Axes that a galaxy's inclination is counted from.

    Attributes
    ----------
    frame : (3, 3) rotation from the galaxy's coordinates to those whose z is the disk's axis.
    origin : what the axis was found from, as "shape of the stars"; "" where there is no disk, and
        the axes are those of the coordinates.
    """

    frame: Array = field(default_factory=lambda: np.eye(3))
    origin: str = ""

    @property
    def has_disk(self) -> bool:
        """Whether there is a disk to be seen face-on or edge-on."""
        return bool(self.origin)


def orient(galaxy: Galaxy) -> Orientation:
    """Return the orientation of a galaxy's disk within its baryonic half-mass radius.

    The axis is that of the angular momentum of stars, or else of gas (of its HI where that is
    known), if velocities are there and most of it adds up; otherwise the minor axis of the stars,
    or else of the gas, if c/a is at most `MAX_THICKNESS`. A minor axis has two ends: the one whose
    largest component is positive counts.

    Notes
    -----
    c/a and the axis are those of the reduced inertia tensor sum m x x^T / r^2 in a sphere (method
    S1 without iterations in Zemp et al. 2011, ApJS 197, 30), whose axis ratios a sphere biases
    towards 1, but whose axes it does not turn.
    """
    inner = {name: _inner(galaxy, name) for name in ("stars", "gas") if name in galaxy.particles}
    for name, (particles, masses, inside) in inner.items():
        if "velocities" in particles and inside.any():
            x, v, m = particles.coordinates[inside], particles["velocities"][inside], masses[inside]
            v = v - np.average(v, axis=0, weights=m)
            moments = m[:, None] * np.cross(x, v)
            total = moments.sum(axis=0)
            if np.linalg.norm(total) > MIN_ORDER * np.linalg.norm(moments, axis=1).sum():
                return Orientation(_frame(total), f"angular momentum of the {name}")
    for name, (particles, masses, inside) in inner.items():
        if inside.any():
            axis, thickness = _minor_axis(particles.coordinates[inside], masses[inside])
            if thickness <= MAX_THICKNESS:
                return Orientation(_frame(axis), f"shape of the {name}")
    return Orientation()


def _inner(galaxy: Galaxy, name: str) -> tuple[Particles, Array, NDArray[np.bool_]]:
    """Return particles, their masses, and which of them lie near and count."""
    particles = galaxy.particles[name]
    masses = particles.fields.get("hi_masses", particles.masses)
    radii = np.linalg.norm(particles.coordinates, axis=1)
    inside = (radii > 0) & (radii < galaxy.baryonic_half_mass_radius()) & (masses > 0)
    return particles, masses, inside


def _minor_axis(coordinates: Array, masses: Array) -> tuple[Array, float]:
    """Return the minor axis of the reduced inertia tensor, and c/a."""
    weights = masses / (coordinates**2).sum(axis=1)
    squares, axes = np.linalg.eigh((coordinates * weights[:, None]).T @ coordinates)
    axis = axes[:, 0]
    sign = np.sign(axis[np.argmax(np.abs(axis))])
    return sign * axis, float(np.sqrt(max(squares[0], 0.0) / squares[-1]))


def _frame(axis: Array) -> Array:
    """Return the rotation that takes `axis` to z, and to x what of the old axes is farthest."""
    z = axis / np.linalg.norm(axis)
    x = np.eye(3)[np.argmin(np.abs(z))]
    x = x - (x @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])
