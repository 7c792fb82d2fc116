"""Two galaxies that merge: their disks as test particles on the way through each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.central import Central, draw_body
from data.halo import random_rotation
from data.site import Body
from data.tides import draw_encounter, evolve, softening

Array = NDArray[np.float64]


def merge(
    first: Central, second: Central, num_gas: int, num_stars: int, rng: np.random.Generator
) -> tuple[Body, Array]:
    """Return gas and stars of two disks after their passage, and where the second one is (kpc).

    Disk particles start on circular orbits of their own halo, with a dispersion of 0.05 of the
    circular speed for gas and 0.1 for stars (set by hand), without which tides fold the disks
    along lines that no real galaxy shows.
    """
    encounter = draw_encounter(first.halo, second.halo, rng)
    stars, gas = (
        a / (a + b) for a, b in ((first.stellar, second.stellar), (first.cold, second.cold))
    )
    soft = softening(encounter)
    places, speeds, is_gas, ages = [], [], [], []
    for galaxy, parts, turn, start in (
        (first, (gas, stars), np.eye(3), np.zeros(3)),
        (second, (1 - gas, 1 - stars), random_rotation(rng), encounter.offset),
    ):
        body = draw_body(galaxy, int(num_gas * parts[0]), int(num_stars * parts[1]), rng)
        xyz = np.concatenate([body.gas, body.stars])
        gaseous = np.arange(len(xyz)) < len(body.gas)
        radius = np.linalg.norm(xyz[:, :2], axis=1) + 1e-6
        pull = -galaxy.halo.acceleration(radius[:, None] * [[1.0, 0.0, 0.0]], soft)[:, 0]
        turning = np.sqrt(pull / radius)
        velocity = np.stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))], axis=1) * turning[:, None]
        dispersion = np.where(gaseous, 0.05, 0.1) * turning * radius
        velocity += dispersion[:, None] * rng.standard_normal(velocity.shape)
        places.append(xyz @ turn.T + start)
        speeds.append(velocity @ turn.T + (encounter.velocity if galaxy is second else 0.0))
        is_gas.append(gaseous)
        ages.append(body.ages)
    xyz, _, offset = evolve(encounter, np.concatenate(places), np.concatenate(speeds))
    mask = np.concatenate(is_gas)
    blown = np.zeros(int(mask.sum()), bool)
    return Body(xyz[mask], xyz[~mask], np.concatenate(ages), blown), offset
