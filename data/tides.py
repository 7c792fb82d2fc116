"""Tidal tails: test particles in the two moving potentials of a merger (Toomre & Toomre 1972)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.cosmology import GRAVITY, KPC_KM_S_IN_GYR
from data.halo import NFW

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Encounter:
    """Where the second galaxy is, and how both move, at the start."""

    primary: NFW
    secondary: NFW
    offset: Array
    velocity: Array
    duration_gyr: float


def draw_encounter(primary: NFW, secondary: NFW, rng: np.random.Generator) -> Encounter:
    """Draw a prograde passage, bound or nearly parabolic, seen some time after its pericenter."""
    distance = 0.3 * primary.radius
    mass = float(primary.enclosed_mass(distance) + secondary.enclosed_mass(distance))
    speed = rng.uniform(0.75, 1.05) * np.sqrt(2.0 * GRAVITY * mass / distance)
    impact = rng.uniform(0.05, 0.16)
    tilt = np.radians(rng.uniform(0.0, 35.0))
    along, across = -np.sqrt(1 - impact**2), impact
    velocity = speed * np.array([along, across * np.cos(tilt), across * np.sin(tilt)])
    time_to_center = distance / speed * KPC_KM_S_IN_GYR
    duration = time_to_center * rng.uniform(1.4, 2.3)
    return Encounter(primary, secondary, np.array([distance, 0.0, 0.0]), velocity, float(duration))


def softening(encounter: Encounter) -> float:
    """Return the length in kpc below which both potentials are smooth."""
    return 0.02 * encounter.primary.radius


def evolve(
    encounter: Encounter, coordinates: Array, velocities: Array, num_steps: int = 80
) -> tuple[Array, Array, Array]:
    """Move test particles through an encounter by leapfrog.

    Parameters
    ----------
    coordinates, velocities : (n, 3) kpc and km/s relative to the primary at the start.
    num_steps : equal steps over the encounter's duration.

    Returns
    -------
    coordinates, velocities : as given, moved, relative to the primary's center at the end.
    offset : (3,) kpc of the secondary from the primary at the end.
    """
    first, second = encounter.primary, encounter.secondary
    soft = softening(encounter)
    dt = encounter.duration_gyr / KPC_KM_S_IN_GYR / num_steps
    x, v = coordinates.copy(), velocities.copy()
    centers = np.stack([np.zeros(3), encounter.offset])
    speeds = np.stack([np.zeros(3), encounter.velocity])

    def pull(points: Array) -> Array:
        return first.acceleration(points - centers[0], soft) + second.acceleration(
            points - centers[1], soft
        )

    def kick(step: float) -> None:
        nonlocal v, speeds
        v = v + step * pull(x)
        gap = centers[1:] - centers[:1]
        pulls = second.acceleration(-gap, soft), first.acceleration(gap, soft)
        speeds = speeds + step * np.concatenate(pulls)

    kick(0.5 * dt)
    for index in range(num_steps):
        x = x + dt * v
        centers = centers + dt * speeds
        kick(dt if index < num_steps - 1 else 0.5 * dt)
    return x - centers[0], v - speeds[0], centers[1] - centers[0]


def disrupt(
    host: NFW, center: Array, velocity: Array, size: float, n: int, rng: np.random.Generator,
    *, duration_gyr: float = 3.0, num_steps: int = 250,
) -> Array:  # fmt: skip
    """Return (n, 3) kpc of what tides have drawn out of a satellite: streams, or shells if radial.

    The satellite is followed back under the host's pull for `duration_gyr`, n particles are spread
    over its tidal surface there, at rest in it up to the shear across it, and fall on as test
    particles; it is back at `center` when they are seen.

    Parameters
    ----------
    center, velocity : (3,) kpc and km/s of the satellite now.
    size : kpc from which the particles left.
    """
    soft = 0.01 * host.radius
    dt = duration_gyr / KPC_KM_S_IN_GYR / num_steps
    x, v = _fall(host, center[None], velocity[None], -dt, num_steps, soft)
    distance = max(float(np.linalg.norm(x)), soft)
    spin = np.sqrt(GRAVITY * float(host.enclosed_mass(distance)) / distance**3)
    start = x + size * rng.standard_normal((n, 3))
    moving = v + 0.7 * spin * size * rng.standard_normal((n, 3))
    return _fall(host, start, moving, dt, num_steps, soft)[0]


def _fall(
    host: NFW, x: Array, v: Array, dt: float, num_steps: int, soft: float
) -> tuple[Array, Array]:
    """Leapfrog test particles (n, 3) through a host at rest."""
    v = v + 0.5 * dt * host.acceleration(x, soft)
    for index in range(num_steps):
        x = x + dt * v
        v = v + (dt if index < num_steps - 1 else 0.5 * dt) * host.acceleration(x, soft)
    return x, v
