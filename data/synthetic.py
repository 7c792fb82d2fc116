"""Seeded synthetic galaxies as particles: the same seed gives the same particles.

No simulation stands behind them. Mean relations from the literature fix how much of each component
there is and how large it is; the components share one potential, one disk pattern and one set of
subhalos, so that every map carries information on every other. Sources stand at each relation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.bubbles import BUBBLE_TEMPERATURE, blow, draw_bubbles
from data.circumgalactic import hydrostatic_temperature, sample_hot_halo, sample_streams
from data.disk import (
    DiskStyle,
    Pattern,
    draw_pattern,
    sample_bar,
    sample_disk,
    sample_hernquist,
)
from data.galaxy import Galaxy, Particles
from data.halo import NFW, Subhalo, draw_shape, draw_subhalos, random_rotation, sample_subhalo
from data.phases import Phase, gas_state
from data.tides import draw_encounter, evolve, softening
from data.warp import Stir, Warp

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KindStyle:
    """Ranges that tell one kind of galaxy from another.

    `log_halo_mass` in Msun; `cold_gas` and `hot_gas` multiply the mean relations; `bulge` is the
    share of the central galaxy's stars in the spheroid; `streams` the number of cold streams.
    """

    log_halo_mass: tuple[float, float]
    cold_gas: float
    hot_gas: float
    bulge: tuple[float, float]
    streams: int
    outflow: float
    disk: DiskStyle


_STYLES = {
    "spiral": KindStyle(
        (11.6, 12.4), 1.2, 1.0, (0.1, 0.3), 2, 0.4,
        DiskStyle(4.0, 0.25, 2, 1.8, 16.0, 0.07, 0.12, 0.15, spurs=2.2, bubbles=60, warp_deg=7),
    ),
    "massive_halo": KindStyle(
        (12.5, 13.0), 0.12, 1.3, (0.85, 0.95), 3, 0.7,
        DiskStyle(4.0, 0.30, 0, 0.0, 20.0, 0.12, 0.2, 0.0, bubbles=5, warp_deg=15),
    ),
    "merger": KindStyle(
        (11.5, 12.4), 1.4, 1.0, (0.15, 0.35), 1, 0.3,
        DiskStyle(5.0, 0.20, 2, 1.4, 20.0, 0.10, 0.2, 0.0, spurs=0.6, bubbles=25),
    ),
    "irregular": KindStyle(
        (11.0, 11.4), 1.4, 1.1, (0.0, 0.05), 1, 0.3,
        DiskStyle(7.0, 0.01, 0, 0.0, 20.0, 0.20, 0.9, 0.15, clumps=3, bubbles=30, warp_deg=10,
                  stir=0.3),
    ),
    "turbulent": KindStyle(
        (11.3, 12.2), 2.2, 0.9, (0.05, 0.2), 3, 1.0,
        DiskStyle(9.0, 0.05, 0, 0.0, 20.0, 0.22, 0.3, 0.0, clumps=8, bubbles=15, warp_deg=8,
                  stir=0.1),
    ),
}  # fmt: skip

KINDS = tuple(_STYLES)

# Share of the gas particles that make up the cold gas, which has a tenth of the gas mass and most
# of the structure.
_COLD_SHARE = 0.6
# The HI layer thickens by e over 17 kpc in the Milky Way (0.3 kpc at 9 kpc, 1 kpc at 30: Dedes et
# al. 2005); here over 2.7 scale lengths of the gas, which is as much for a disk of its size.
_FLARE = 1.0 / 2.7


@dataclass(frozen=True)
class _Central:
    """One galaxy before its surroundings: masses in Msun, lengths in kpc."""

    halo: NFW
    stellar: float
    cold: float
    scale_length: float
    style: KindStyle
    pattern: Pattern
    bulge: float
    warp: Warp
    stir: Stir


@dataclass(frozen=True)
class _Body:
    """A galaxy's own disk and spheroid.

    (n, 3) kpc of gas and of stars, (n,) Gyr of the stars' ages, (n,) whether gas is in a bubble.
    """

    gas: Array
    stars: Array
    ages: Array
    blown: NDArray[np.bool_]


def synthesize(
    seed: int,
    *,
    redshift: float = 0.0,
    kind: str | None = None,
    halo_mass: float | None = None,
    num_gas: int = 40_000,
    num_dark_matter: int = 40_000,
    num_stars: int = 20_000,
) -> Galaxy:
    """Make the galaxy of a seed.

    Parameters
    ----------
    seed : whole number from 0.
    redshift : 0 to 2; sets the halo's size, the relations and the ultraviolet background.
    kind : one of `KINDS`; drawn from the seed where None.
    halo_mass : M200c in Msun, 1e11 to 1e13; drawn from the kind's range where None.
    num_gas, num_dark_matter, num_stars : particles of each type; at least 1,000 each.

    Returns
    -------
    Galaxy called "synthetic-<seed>", centered on the main halo, the disk turned at random.

    Raises
    ------
    ValueError : on an unknown kind or a number out of its range.
    """  # fmt: skip
    _check(seed, redshift, kind, halo_mass, (num_gas, num_dark_matter, num_stars))
    rng = np.random.default_rng([20251, seed])
    drawn = KINDS[rng.integers(len(KINDS))]
    kind = kind or drawn
    style = _STYLES[kind]
    log_mass = rng.uniform(*style.log_halo_mass)
    central = _draw_central(style, halo_mass or 10.0**log_mass, redshift, rng)
    shape = draw_shape(central.halo.mass, rng)
    subhalos = draw_subhalos(central.halo, shape, redshift, rng)
    companion, offset, body = None, None, _body(central, num_gas, num_stars, rng)
    if kind == "merger":
        mass = central.halo.mass * rng.uniform(0.25, 0.9)
        companion = _draw_central(style, max(mass, 2e10), redshift, rng)
        body, offset = _merge(central, companion, num_gas, num_stars, rng)
    body = _blow_bubbles(body, style.disk, rng)
    dark = _dark_matter(central, companion, offset, shape, subhalos, num_dark_matter, rng)
    stars = _stars(central, companion, body, subhalos, redshift, num_stars, rng)
    gas = _gas(central, companion, body, offset, shape, subhalos, redshift, num_gas, rng)
    turn = random_rotation(rng)
    particles = {
        name: replace(part, coordinates=part.coordinates @ turn.T)
        for name, part in (("gas", gas), ("dark_matter", dark), ("stars", stars))
    }
    gas = particles["gas"]
    gas.fields["magnetic_field"] = gas["magnetic_field"] @ turn.T
    total = central.halo.mass + (companion.halo.mass if companion else 0.0)
    properties = {"halo_mass": total, "stellar_mass": float(stars.masses.sum())}
    return Galaxy(f"synthetic-{seed:06d}", redshift, particles, kind, properties)


def _check(
    seed: int, redshift: float, kind: str | None, halo_mass: float | None, counts: tuple[int, ...]
) -> None:
    if int(seed) != seed or seed < 0:
        raise ValueError(f"seed must be a whole number from 0, got {seed}")
    if not 0.0 <= redshift <= 2.0:
        raise ValueError(f"redshift must lie in 0 to 2, got {redshift}")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if halo_mass is not None and not 1e11 <= halo_mass <= 1e13:
        raise ValueError(f"halo_mass must lie in 1e11 to 1e13 Msun, got {halo_mass:g}")
    if min(counts) < 1000:
        raise ValueError(f"each particle type needs at least 1,000 particles, got {min(counts)}")


def _draw_central(
    style: KindStyle, halo_mass: float, redshift: float, rng: np.random.Generator
) -> _Central:
    """Draw the galaxy of a halo.

    Scatter: 0.15 dex in stellar mass (Moster et al. 2013), 0.2 dex in cold gas. Size: half-mass
    radius 0.015 R200 (Kravtsov 2013, abstract, with 0.2 dex) and here 0.15 dex, r_half = 1.678
    scale lengths.
    """
    halo = NFW.from_mass(halo_mass, redshift, rng)
    stellar = cosmo.stellar_mass(halo_mass, redshift) * 10 ** (0.15 * rng.standard_normal())
    cold = style.cold_gas * cosmo.cold_gas_mass(stellar) * 10 ** (0.2 * rng.standard_normal())
    # What the halo can still hold; satellites take about a tenth.
    room = 0.9 * cosmo.BARYON_FRACTION * halo_mass - stellar - 1.06 * _hot_mass(style, halo)
    cold = min(cold, max(room, 0.1 * cold))
    scale = 0.015 * halo.radius / 1.678 * 10 ** (0.15 * rng.standard_normal())
    radii = np.geomspace(0.01, 20.0, 200) * scale
    x = radii / scale
    disk = (stellar + cold) * (1.0 - (1.0 + x) * np.exp(-x))
    speed = np.sqrt(cosmo.GRAVITY * (halo.enclosed_mass(radii) + disk) / radii)
    disk_style = replace(
        style.disk,
        arms=int(rng.choice([2, 2, 3, 4])) if style.disk.arms else 0,
        pitch_deg=style.disk.pitch_deg * rng.uniform(0.8, 1.6),
        mach=style.disk.mach * rng.uniform(0.8, 1.25),
        bar=style.disk.bar * rng.uniform(0.0, 2.0),
    )
    style = replace(style, disk=disk_style)
    pattern = draw_pattern(disk_style, 2.2 * scale, speed, radii, rng)
    tilt = float(np.radians(disk_style.warp_deg) * rng.standard_normal())
    warp = Warp(scale, tilt, rng.uniform(0, 2 * np.pi))
    stir = Stir.draw(disk_style.stir, 2.2 * scale, rng)
    bulge = rng.uniform(*style.bulge)
    return _Central(halo, stellar, cold, scale, style, pattern, bulge, warp, stir)


def _hot_mass(style: KindStyle, halo: NFW) -> float:
    """Return the hot halo's mass: a share of the baryons that grows with halo mass.

    0.35 (M / 1e12)^0.2 of the cosmic share, set by hand: simulations disagree on it, and TNG halos
    of low mass hold far more than those of EAGLE (Davies et al. 2020).
    """
    share = 0.35 * (halo.mass / 1e12) ** 0.2 * style.hot_gas
    return min(share, 0.8) * cosmo.BARYON_FRACTION * halo.mass


def _body(central: _Central, num_gas: int, num_stars: int, rng: np.random.Generator) -> _Body:
    """Draw the disk's gas and the central galaxy's stars.

    Young stars, up to 1 Gyr old, lie where the gas does; old stars take part in the arms alone.
    Their share of the disk, set by hand, is that of about as constant a star formation.
    """
    style, r_d, pattern = central.style.disk, central.scale_length, central.pattern
    gas = sample_disk(
        int(_COLD_SHARE * num_gas), 2.2 * r_d, 0.5 * style.flattening, rng,
        pattern=(pattern.radii, pattern.gas), flare=_FLARE, hole=0.35 if style.arms else 0.0,
    )  # fmt: skip
    shares = np.array([central.bulge, (1 - central.bulge) * style.bar, 0.03, 0.0, 0.0])
    young = 0.05 if central.bulge > 0.5 else 0.2 if style.arms else 0.3
    shares[3] = (1 - shares[:3].sum()) * young
    shares[4] = 1 - shares.sum()
    bulge, bar, halo, new, old = (shares * num_stars).astype(int)
    bulge_radius = (0.5 if central.bulge < 0.5 else 1.678) * r_d
    stars = [
        sample_hernquist(bulge, bulge_radius, rng),
        sample_bar(bar, r_d, pattern.bar_angle, rng),
        sample_hernquist(halo, 8.0 * r_d, rng),
        sample_disk(
            new, 1.2 * r_d, 0.6 * style.flattening, rng, pattern=(pattern.radii, pattern.gas**1.4)
        ),
        sample_disk(
            old, r_d, 1.8 * style.flattening, rng, pattern=(pattern.radii, pattern.stars)
        ),
    ]  # fmt: skip
    is_new = np.repeat([False, False, False, True, False], [len(part) for part in stars])
    ages = np.where(is_new, rng.uniform(0.0, 1.0, len(is_new)), rng.uniform(1.0, 12.0, len(is_new)))
    gas, body = (central.warp.bend(central.stir.move(x)) for x in (gas, np.concatenate(stars)))
    return _Body(gas, body, ages, np.zeros(len(gas), bool))


def _blow_bubbles(body: _Body, style: DiskStyle, rng: np.random.Generator) -> _Body:
    """Sweep the gas out of bubbles: last, for they do not live as long as a merger takes."""
    bubbles = draw_bubbles(body.gas, style.bubbles, style.arms > 0, rng)
    gas, blown = blow(body.gas, bubbles, rng)
    return replace(body, gas=gas, blown=blown)


def _merge(
    first: _Central, second: _Central, num_gas: int, num_stars: int, rng: np.random.Generator
) -> tuple[_Body, Array]:
    """Return gas and stars of two disks after their passage, and where the second one is.

    Cold disk particles start on circular orbits of their own halo.
    """
    encounter = draw_encounter(first.halo, second.halo, rng)
    share = first.stellar / (first.stellar + second.stellar)
    soft = softening(encounter)
    places, speeds, is_gas, ages = [], [], [], []
    for galaxy, part, turn, start in (
        (first, share, np.eye(3), np.zeros(3)),
        (second, 1 - share, random_rotation(rng), encounter.offset),
    ):
        body = _body(galaxy, int(num_gas * part), int(num_stars * part), rng)
        xyz = np.concatenate([body.gas, body.stars])
        radius = np.linalg.norm(xyz[:, :2], axis=1) + 1e-6
        pull = -galaxy.halo.acceleration(radius[:, None] * [[1.0, 0.0, 0.0]], soft)[:, 0]
        turning = np.sqrt(pull / radius)
        velocity = np.stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))], axis=1) * turning[:, None]
        places.append(xyz @ turn.T + start)
        speeds.append(velocity @ turn.T + (encounter.velocity if galaxy is second else 0.0))
        is_gas.append(np.arange(len(xyz)) < len(body.gas))
        ages.append(body.ages)
    xyz, _, offset = evolve(encounter, np.concatenate(places), np.concatenate(speeds))
    mask = np.concatenate(is_gas)
    blown = np.zeros(int(mask.sum()), bool)
    return _Body(xyz[mask], xyz[~mask], np.concatenate(ages), blown), offset


def _split(total: int, masses: list[float]) -> list[int]:
    """Share out `total` equal-mass particles by mass; the largest part takes the rest."""
    shares = np.asarray(masses) / np.sum(masses)
    counts = np.floor(shares * total).astype(int)
    counts[np.argmax(shares)] += total - counts.sum()
    return [int(c) for c in counts]


def _choose(available: int, wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `wanted` indices into `available`, none twice where they suffice."""
    return rng.choice(available, wanted, replace=available < wanted)


def _dark_matter(
    central: _Central, companion: _Central | None, offset: Array | None, shape: Array,
    subhalos: list[Subhalo], total: int, rng: np.random.Generator,
) -> Particles:  # fmt: skip
    smooth = central.halo.mass - sum(s.mass for s in subhalos)
    second = companion.halo.mass if companion else 0.0
    counts = _split(total, [smooth, second, *(s.mass for s in subhalos)])
    main = rng.standard_normal((counts[0], 3))
    main *= (central.halo.sample_radii(counts[0], rng) / np.linalg.norm(main, axis=1))[:, None]
    parts = [main @ shape.T]
    if companion and offset is not None:
        other = rng.standard_normal((counts[1], 3))
        radii = companion.halo.sample_radii(counts[1], rng)
        parts.append(offset + other * (radii / np.linalg.norm(other, axis=1))[:, None])
    parts += [
        sample_subhalo(s, central.halo, n, rng) for s, n in zip(subhalos, counts[2:], strict=True)
    ]
    mass = (smooth + second + sum(s.mass for s in subhalos)) * (1 - cosmo.BARYON_FRACTION)
    return Particles(np.concatenate(parts), np.full(total, mass / total))


def _stars(
    central: _Central, companion: _Central | None, body: _Body, subhalos: list[Subhalo],
    redshift: float, total: int, rng: np.random.Generator,
) -> Particles:  # fmt: skip
    """Join the central's stars and the satellites'.

    A subhalo had about twice its mass before infall, which sets its stars by the same relation.
    """
    hosts = [s for s in subhalos if s.mass > 1e9]
    satellites = [cosmo.stellar_mass(2.0 * s.mass, redshift) for s in hosts]
    own = central.stellar + (companion.stellar if companion else 0.0)
    counts = _split(total, [own, *satellites])
    chosen = _choose(len(body.stars), counts[0], rng)
    parts = [body.stars[chosen]]
    for sub, n in zip(hosts, counts[1:], strict=True):
        parts.append(sub.center + sample_hernquist(n, 0.02 * sub.halo.radius, rng))
    mass = (own + sum(satellites)) / total
    age = np.concatenate([body.ages[chosen], rng.uniform(1.0, 12.0, total - counts[0])])
    return Particles(np.concatenate(parts), np.full(total, mass), {"age": age})


def _gas(
    central: _Central, companion: _Central | None, body: _Body, offset: Array | None, shape: Array,
    subhalos: list[Subhalo], redshift: float, total: int, rng: np.random.Generator,
) -> Particles:  # fmt: skip
    """Join disk, streams, the gas of satellites that still hold some, and the hot halo."""
    halo = central.halo
    hot_mass = _hot_mass(central.style, central.halo) + (
        _hot_mass(companion.style, companion.halo) if companion else 0.0
    )
    cold_mass = central.cold + (companion.cold if companion else 0.0)
    wet = [s for s in subhalos if s.mass > 4e9 and np.linalg.norm(s.center) > 0.3 * halo.radius]
    clumps = [0.3 * cosmo.cold_gas_mass(cosmo.stellar_mass(2.0 * s.mass, redshift)) for s in wet]
    stream_mass = 0.06 * hot_mass if central.style.streams else 0.0
    cold = int(_COLD_SHARE * total)
    counts = _split(cold, [cold_mass, *clumps])
    counts[1:1] = _split(total - cold, [stream_mass, hot_mass])
    chosen = _choose(len(body.gas), counts[0], rng)
    disk, blown = body.gas[chosen], body.blown[chosen]
    groups = [
        (Phase.DISK, disk),
        (Phase.STREAM, sample_streams(counts[1], halo, central.style.streams, rng)),
        (Phase.HOT, _hot_gas(central, companion, offset, shape, counts[2], rng)),
    ]
    for sub, n in zip(wet, counts[3:], strict=True):
        groups.append((Phase.DISK, sub.center + sample_hernquist(n, 0.06 * sub.halo.radius, rng)))
    phase = np.concatenate([np.full(len(xyz), p) for p, xyz in groups])
    xyz = np.concatenate([xyz for _, xyz in groups])
    masses = np.where(phase == Phase.DISK, (cold_mass + sum(clumps)) / cold,
                      (stream_mass + hot_mass) / (total - cold))  # fmt: skip
    phase[: len(disk)][blown] = Phase.BUBBLE
    radius = np.linalg.norm(xyz, axis=1)
    hot_temperature = hydrostatic_temperature(
        radius, halo, central.stellar + central.cold, 2.0 * central.scale_length
    )
    if companion and offset is not None:
        near = np.linalg.norm(xyz - offset, axis=1) / companion.halo.radius
        hot_temperature = hot_temperature * (1.0 + 0.8 * np.exp(-((near / 0.3) ** 2)))
    hot_temperature = _heat_cone(xyz, hot_temperature, central)
    hot_temperature[: len(disk)][blown] = BUBBLE_TEMPERATURE
    fields = gas_state(xyz, masses, phase, hot_temperature, redshift, central.stellar, rng)
    return Particles(xyz, masses, fields)


def _cone(xyz: Array, central: _Central) -> Array:
    """Return (n,) from 0 to 1: how deep a point lies in the wind blown along the disk's axis."""
    radius = np.linalg.norm(xyz, axis=1) + 1e-9
    polar = np.abs(xyz[:, 2]) / radius
    reach = 0.3 * central.style.outflow * central.halo.radius
    return np.exp(-((radius / reach) ** 2)) / (1.0 + np.exp(-(polar - 0.8) / 0.05))


def _heat_cone(xyz: Array, temperature: Array, central: _Central) -> Array:
    return temperature * (1.0 + 2.0 * central.style.outflow * _cone(xyz, central))


def _hot_gas(
    central: _Central, companion: _Central | None, offset: Array | None, shape: Array, n: int,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return (n, 3) kpc of hot gas, thinned out inside the wind cones."""
    share = 1.0
    if companion:
        share = _hot_mass(central.style, central.halo) / (
            _hot_mass(central.style, central.halo) + _hot_mass(companion.style, companion.halo)
        )
    count = round(n * share)
    xyz = sample_hot_halo(2 * count + 64, central.halo, shape, rng)
    keep = rng.uniform(size=len(xyz)) > 0.75 * _cone(xyz, central)
    parts = [xyz[keep][:count]]
    if companion and offset is not None:
        parts.append(offset + sample_hot_halo(n - count, companion.halo, np.eye(3), rng))
    return np.concatenate(parts)
