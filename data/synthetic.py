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
from data.bubbles import blow, draw_bubbles
from data.disk import (
    DiskStyle,
    Pattern,
    draw_pattern,
    sample_bar,
    sample_disk,
    sample_hernquist,
)
from data.galaxy import Galaxy
from data.halo import NFW, draw_filaments, draw_shape, draw_subhalos, random_rotation
from data.surroundings import REFINEMENT, Body, Host, Site, join_dark_matter, join_gas, join_stars
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
    filaments = draw_filaments(style.streams + 1, shape, rng)
    subhalos = draw_subhalos(central.halo, shape, redshift, rng)
    companion, offset, body = None, None, _body(central, num_gas, num_stars, rng)
    if kind == "merger":
        mass = central.halo.mass * rng.uniform(0.25, 0.9)
        companion = _draw_central(style, max(mass, 2e10), redshift, rng)
        body, offset = _merge(central, companion, num_gas, num_stars, rng)
    body = _blow_bubbles(body, style.disk, rng)
    hosts = [_host(c) for c in (central, companion) if c]
    places = np.stack([np.zeros(3), *([offset] if offset is not None else [])])
    site = Site(hosts, places, shape, filaments, subhalos, redshift)
    dark = join_dark_matter(site, num_dark_matter, rng)
    stars = join_stars(site, body, num_stars, rng)
    gas = join_gas(site, body, num_gas, rng)
    turn = random_rotation(rng)
    particles = {
        name: replace(part, coordinates=part.coordinates @ turn.T)
        for name, part in (("gas", gas), ("dark_matter", dark), ("stars", stars))
    }
    gas = particles["gas"]
    gas.fields["magnetic_field"] = gas["magnetic_field"] @ turn.T
    total = central.halo.mass + (companion.halo.mass if companion else 0.0)
    properties = {"halo_mass": total, "stellar_mass": float(stars.masses.sum())}
    name = f"synthetic-{seed:06d}"
    return Galaxy(name, redshift, particles, kind, properties, lineage=name)


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

    0.35 (M / 1e12)^0.2 of the cosmic share out to 3 R200, set by hand: simulations disagree on it,
    and TNG halos of low mass hold far more than those of EAGLE (Davies et al. 2020).
    """
    share = 0.35 * (halo.mass / 1e12) ** 0.2 * style.hot_gas
    return min(share, 0.8) * cosmo.BARYON_FRACTION * halo.mass


def _host(central: _Central) -> Host:
    """Return what the surroundings need to know of a galaxy."""
    style = central.style
    return Host(
        central.halo, central.stellar, central.cold, _hot_mass(style, central.halo),
        central.scale_length, style.outflow if style.bulge[1] < 0.8 else 0.0,
    )  # fmt: skip


def _body(central: _Central, num_gas: int, num_stars: int, rng: np.random.Generator) -> Body:
    """Draw the disk's gas, out of `num_gas` in all, and the central galaxy's stars.

    Young stars, up to 1 Gyr old, lie where the gas does; old stars take part in the arms alone.
    Their share of the disk, set by hand, is that of about as constant a star formation.
    """
    style, r_d, pattern = central.style.disk, central.scale_length, central.pattern
    hot = _hot_mass(central.style, central.halo)
    share = central.cold / (central.cold + REFINEMENT * hot)
    gas = sample_disk(
        int(share * num_gas) + 1, 2.2 * r_d, 0.5 * style.flattening, rng,
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
    return Body(gas, body, ages, np.zeros(len(gas), bool))


def _blow_bubbles(body: Body, style: DiskStyle, rng: np.random.Generator) -> Body:
    """Sweep the gas out of bubbles: last, for they do not live as long as a merger takes."""
    bubbles = draw_bubbles(body.gas, style.bubbles, style.arms > 0, rng)
    gas, blown = blow(body.gas, bubbles, rng)
    return replace(body, gas=gas, blown=blown)


def _merge(
    first: _Central, second: _Central, num_gas: int, num_stars: int, rng: np.random.Generator
) -> tuple[Body, Array]:
    """Return gas and stars of two disks after their passage, and where the second one is.

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
        body = _body(galaxy, int(num_gas * parts[0]), int(num_stars * parts[1]), rng)
        xyz = np.concatenate([body.gas, body.stars])
        radius = np.linalg.norm(xyz[:, :2], axis=1) + 1e-6
        pull = -galaxy.halo.acceleration(radius[:, None] * [[1.0, 0.0, 0.0]], soft)[:, 0]
        turning = np.sqrt(pull / radius)
        velocity = np.stack([-xyz[:, 1], xyz[:, 0], np.zeros(len(xyz))], axis=1) * turning[:, None]
        dispersion = np.where(np.arange(len(xyz)) < len(body.gas), 0.05, 0.1) * turning * radius
        velocity += dispersion[:, None] * rng.standard_normal(velocity.shape)
        places.append(xyz @ turn.T + start)
        speeds.append(velocity @ turn.T + (encounter.velocity if galaxy is second else 0.0))
        is_gas.append(np.arange(len(xyz)) < len(body.gas))
        ages.append(body.ages)
    xyz, _, offset = evolve(encounter, np.concatenate(places), np.concatenate(speeds))
    mask = np.concatenate(is_gas)
    blown = np.zeros(int(mask.sum()), bool)
    return Body(xyz[mask], xyz[~mask], np.concatenate(ages), blown), offset
