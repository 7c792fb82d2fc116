"""All that is around central galaxies, put together by particle type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.bubbles import BUBBLE_TEMPERATURE
from data.circumgalactic import BOX, Atmosphere
from data.disk import sample_disk, sample_hernquist
from data.galaxy import Particles
from data.halo import (
    NFW,
    Subhalo,
    directions,
    gather_to_filaments,
    random_rotation,
    sample_subhalo,
)
from data.outflows import draw_cavities, draw_wind_bubbles
from data.phases import Ambient, Phase, gas_state
from data.random_field import draw_field
from data.site import Body, Site
from data.streams import ColdGas, cold_mode_share, draw_clouds, draw_streams, draw_tail, join
from data.tides import disrupt

Array = NDArray[np.float64]

# Cold gas, in which the structure is, comes in particles of this share of the hot ones' mass.
REFINEMENT = 0.125
# Satellites with fewer particles than a kernel's neighbors would smear over other satellites.
_LEAST_PARTICLES = 40
# Streams of which less would reach the galaxy are taken to have dissolved.
_LEAST_SURVIVAL = 0.1
# Above this halo mass in Msun jets blow cavities.
_JET_MASS = 3e12


def join_dark_matter(site: Site, total: int, rng: np.random.Generator) -> Particles:
    """Return `total` particles: halos with their outskirts, subhalos, and some tidal streams."""
    halo = site.halo
    within = sum(s.mass for s in site.subhalos if np.linalg.norm(s.center) < halo.radius)
    masses = [float(h.halo.extended_mass(np.inf)) for h in site.hosts]
    masses[0] *= 1.0 - within / halo.mass
    smooth = len(masses)
    masses += [s.mass for s in site.subhalos]
    counts = _split(total, masses)
    parts = []
    for host, place, n in zip(site.hosts, site.places, counts[:smooth], strict=True):
        xyz = directions(n, rng) * host.halo.sample_extended_radii(n, rng)[:, None]
        if host is site.hosts[0]:
            xyz = gather_to_filaments(xyz @ site.shape.T, halo.radius, site.filaments, rng)
        parts.append(place + xyz)
    for sub, n in zip(site.subhalos, counts[smooth:], strict=True):
        lost = int(0.3 * n) if n > _LEAST_PARTICLES and site.strips(sub) else 0
        parts.append(sample_subhalo(sub, halo, n - lost, rng))
        if lost:
            size = 0.15 * sub.halo.radius
            parts.append(disrupt(halo, sub.center, sub.velocity, size, lost, rng))
    mass = sum(masses) * (1 - cosmo.BARYON_FRACTION)
    return Particles(np.concatenate(parts), np.full(total, mass / total))


def join_stars(site: Site, body: Body, total: int, rng: np.random.Generator) -> Particles:
    """Return `total` star particles: the galaxies', satellites', and torn dwarfs'.

    A subhalo had about twice its mass before infall, which sets its stars by the same relation. Of
    the galaxies' stars 0.014 (set by hand) are debris, beside the smooth stellar halo; satellites
    end where a ninth of their stars would lie farther out.

    Parameters
    ----------
    body : the galaxies' own stars, to be drawn from.
    """
    own = sum(h.stellar for h in site.hosts)
    satellites = [(s, cosmo.stellar_mass(2.0 * s.mass, site.redshift)) for s in site.subhalos]
    satellites = [(s, m) for s, m in satellites if m * total > _LEAST_PARTICLES * own]
    masses = [0.986 * own, 0.014 * own, *(m for _, m in satellites)]
    counts = _split(total, masses)
    chosen = _choose(len(body.stars), counts[0], rng)
    parts = [body.stars[chosen]]
    parts += _debris(counts[1], site.halo, rng)
    for (sub, _), n in zip(satellites, counts[2:], strict=True):
        lost = int(0.3 * n) if site.strips(sub) else 0
        kept = sample_hernquist(9 * (n - lost) // 8 + 1, 0.02 * sub.halo.radius, rng)
        kept = kept[np.argsort(np.linalg.norm(kept, axis=1))[: n - lost]]
        parts.append(sub.center + kept)
        if lost:
            size = 0.03 * sub.halo.radius
            parts.append(disrupt(site.halo, sub.center, sub.velocity, size, lost, rng))
    age = np.concatenate([body.ages[chosen], rng.uniform(1.0, 12.0, total - counts[0])])
    # Drawn up to 12 Gyr; before z = 0 the old ones are as much younger as there was less time.
    oldest = min(12.0, float(cosmo.cosmic_time_gyr(1.0 / (1.0 + site.redshift))) - 0.5)
    age -= np.maximum(age - 1.0, 0.0) * (12.0 - oldest) / 11.0
    return Particles(np.concatenate(parts), np.full(total, sum(masses) / total), {"age": age})


def _debris(n: int, halo: NFW, rng: np.random.Generator) -> list[Array]:
    """Return positions in a stream and in shells of two dwarfs, on a round and a radial orbit."""
    parts = []
    for members, roundness in zip(np.array_split(np.arange(n), 2), (0.75, 0.15), strict=True):
        radial, side = directions(2, rng)
        side -= radial * (side @ radial)
        center = radial * halo.radius * rng.uniform(0.1, 0.4)
        r = float(np.linalg.norm(center))
        circular = np.sqrt(cosmo.GRAVITY * float(halo.enclosed_mass(r)) / r)
        velocity = circular * roundness * rng.uniform(0.8, 1.2) * side / np.linalg.norm(side)
        size = 0.018 * halo.radius
        parts.append(disrupt(halo, center, velocity, size, len(members), rng, duration_gyr=6.0))
    return parts


def join_gas(site: Site, body: Body, total: int, rng: np.random.Generator) -> Particles:
    """Return `total` gas particles: disks, satellites, streams, clouds, tails, and hot halos.

    Parameters
    ----------
    body : the galaxies' cold gas, to be drawn from, that in bubbles included.

    Returns
    -------
    Hot gas in particles of one mass, all else in particles of `REFINEMENT` times that mass.
    """
    air = _atmospheres(site, rng)
    survival = cold_mode_share(site.halo.mass, site.redshift)
    cold, hot = sum(h.cold for h in site.hosts), sum(h.hot for h in site.hosts)
    wet = _wet_satellites(site, (cold + REFINEMENT * hot) / total)
    streams = 0.08 * survival if survival > _LEAST_SURVIVAL else 0.0
    disks = [cold, *(m / 2 for _, m in wet)]
    mists = [streams * site.hosts[0].hot, 0.015 * site.hosts[0].hot, *(m / 2 for _, m in wet)]
    halos = [h.hot for h in site.hosts]
    counts = _split(total, [*disks, *mists, *(REFINEMENT * m for m in halos)])
    at = iter(counts)
    chosen = _choose(len(body.gas), next(at), rng)
    bodies = [body.gas[chosen]]
    for sub, _ in wet:
        satellite = sample_disk(next(at), 0.035 * sub.halo.radius, 0.3, rng)
        bodies.append(sub.center + satellite @ random_rotation(rng).T)
    mist = join([
        draw_streams(next(at), site.halo, site.filaments, survival, rng),
        draw_clouds(next(at), air[0], rng),
        *(draw_tail(next(at), sub, site.halo, rng) for sub, _ in wet),
    ])  # fmt: skip
    hots = [p + a.sample(next(at), rng) for a, p in zip(air, site.places, strict=True)]
    groups = [np.concatenate(bodies), mist.xyz, np.concatenate(hots)]
    phase = np.repeat([Phase.DISK, Phase.STREAM, Phase.HOT], [len(g) for g in groups])
    masses = np.where(phase == Phase.HOT, 1.0, REFINEMENT)
    masses *= (sum(disks) + sum(mists) + sum(halos)) / masses.sum()
    phase[: len(chosen)][body.blown[chosen]] = Phase.BUBBLE
    xyz = np.concatenate(groups)
    ambient = _ambient(site, air, xyz, phase, mist, rng)
    fields = gas_state(xyz, masses, phase, ambient, site.redshift, site.hosts[0].stellar, rng)
    return Particles(xyz, masses, fields)


def _wet_satellites(site: Site, particle_mass: float) -> list[tuple[Subhalo, float]]:
    """Return satellites that still hold gas and how much: those outside 0.25 R200 hold a third."""
    found = []
    for sub in site.subhalos:
        mass = 0.3 * cosmo.cold_gas_mass(cosmo.stellar_mass(2.0 * sub.mass, site.redshift))
        far = np.linalg.norm(sub.center) > 0.25 * site.halo.radius
        if far and sub.mass > 4e9 and mass > _LEAST_PARTICLES * particle_mass:
            found.append((sub, mass))
    return found


def _atmospheres(site: Site, rng: np.random.Generator) -> list[Atmosphere]:
    found = []
    for index, host in enumerate(site.hosts):
        radius = host.halo.radius
        bubbles = draw_wind_bubbles(radius, host.outflow, rng) if index == 0 else []
        if host.halo.mass > _JET_MASS:
            bubbles += draw_cavities(radius, rng)
        shape, filaments = (
            (np.eye(3), site.filaments[:0]) if index else (site.shape, site.filaments)
        )
        body = (host.stellar + host.cold, 2.0 * host.scale_length)
        found.append(Atmosphere.draw(host.halo, host.hot, body, shape, filaments, bubbles, rng))
    return found


def _ambient(
    site: Site, air: list[Atmosphere], xyz: Array, phase: NDArray[np.int_], mist: ColdGas,
    rng: np.random.Generator,
) -> Ambient:  # fmt: skip
    """Return what the hot halos say of gas outside of disks; those that meet heat each other."""
    outside = (phase == Phase.STREAM) | (phase == Phase.HOT)
    temperature, pressure = np.zeros(len(xyz)), np.zeros(len(xyz))
    temperature[outside], pressure[outside] = air[0].state(xyz[outside])
    for a, place in zip(air[1:], site.places[1:], strict=True):
        near = np.linalg.norm(xyz - place, axis=1) / a.halo.radius
        temperature = temperature * (1.0 + 0.8 * np.exp(-((near / 0.3) ** 2)))
    stream = phase == Phase.STREAM
    temperature[stream] = mist.temperature(temperature[stream])
    temperature[phase == Phase.BUBBLE] = BUBBLE_TEMPERATURE
    tangle = draw_field(BOX * site.halo.radius, rng, vector=True, outer_scale=0.3)
    return Ambient(temperature, pressure, tangle)


def _split(total: int, masses: list[float]) -> list[int]:
    """Share out `total` particles in proportion to `masses`; the largest part takes the rest."""
    shares = np.asarray(masses) / np.sum(masses)
    counts = np.floor(shares * total).astype(int)
    counts[np.argmax(shares)] += total - counts.sum()
    return [int(c) for c in counts]


def _choose(available: int, wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `wanted` indices into `available`, none twice where they suffice."""
    return rng.choice(available, wanted, replace=available < wanted)
