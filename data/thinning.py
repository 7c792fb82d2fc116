"""A galaxy of fewer particles, for maps that must come fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.galaxy import Galaxy, Particles

# Fields that add up over particles; all others are of the matter at a particle.
_EXTENSIVE = ("hi_masses", "star_formation_rate")


def thin(galaxy: Galaxy, max_particles: int) -> Galaxy:
    """Return the galaxy with at most `max_particles` of each type, drawn at random.

    Each type keeps its mass, and kernels become as much wider as the particles become fewer. The
    same ones are drawn every time; a type that is not too many stays as it is.

    Raises
    ------
    ValueError : where `max_particles` is below one.
    """
    if max_particles < 1:
        raise ValueError(f"max_particles must be at least 1, got {max_particles}")
    thinned = {name: _thin(part, max_particles) for name, part in galaxy.particles.items()}
    return replace(galaxy, particles=thinned)


def _thin(particles: Particles, max_particles: int) -> Particles:
    count = len(particles)
    if count <= max_particles:
        return particles
    kept = np.random.default_rng(0).choice(count, max_particles, replace=False)
    fields = {name: values[kept] for name, values in particles.fields.items()}
    for name in _EXTENSIVE:
        if name in fields and (left := fields[name].sum()) > 0:
            fields[name] = fields[name] * (particles[name].sum() / left)
    if "smoothing_lengths" in fields:
        wider = np.cbrt(count / max_particles)
        fields["smoothing_lengths"] = wider * fields["smoothing_lengths"]
    masses = particles.masses[kept]
    masses = masses * (particles.masses.sum() / masses.sum())
    return Particles(particles.coordinates[kept], masses, fields)
