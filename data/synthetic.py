"""Seeded synthetic galaxies as particles: the same seed gives the same particles.

No simulation stands behind them. Mean relations from the literature fix how much of each component
there is and how large it is; the components share one potential, one disk pattern and one set of
subhalos, so that every map carries information on every other. Sources stand at each relation.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.bubbles import blow, draw_bubbles
from data.central import draw_body, draw_central, host_of
from data.disk import DiskStyle
from data.galaxy import Galaxy
from data.halo import draw_filaments, draw_shape, draw_subhalos, random_rotation
from data.kinds import KINDS, STYLES
from data.merger import merge
from data.site import Body, Site
from data.surroundings import join_dark_matter, join_gas, join_stars

__all__ = ["KINDS", "synthesize"]


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
    Galaxy called "synthetic-<seed>", centered on the main halo, the disk turned at random. The
    property halo_mass is the sum of both halos in a merger.

    Raises
    ------
    ValueError : on an unknown kind or a number out of its range.
    """  # fmt: skip
    _check(seed, redshift, kind, halo_mass, (num_gas, num_dark_matter, num_stars))
    rng = np.random.default_rng([20251, seed])
    drawn = KINDS[rng.integers(len(KINDS))]
    kind = kind or drawn
    style = STYLES[kind]
    log_mass = rng.uniform(*style.log_halo_mass)
    central = draw_central(style, halo_mass or 10.0**log_mass, redshift, rng)
    shape = draw_shape(central.halo.mass, rng)
    filaments = draw_filaments(style.filaments, shape, rng)
    subhalos = draw_subhalos(central.halo, shape, redshift, rng)
    body = draw_body(central, num_gas, num_stars, rng)
    centrals, places = [central], [np.zeros(3)]
    if kind == "merger":
        mass = central.halo.mass * rng.uniform(0.25, 0.9)
        companion = draw_central(style, max(mass, 2e10), redshift, rng)
        body, offset = merge(central, companion, num_gas, num_stars, rng)
        centrals, places = [central, companion], [np.zeros(3), offset]
    body = _blow_bubbles(body, style.disk, rng)
    hosts = [host_of(c) for c in centrals]
    site = Site(hosts, np.stack(places), shape, filaments, subhalos, redshift)
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
    total = sum(c.halo.mass for c in centrals)
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


def _blow_bubbles(body: Body, style: DiskStyle, rng: np.random.Generator) -> Body:
    """Sweep the gas out of bubbles: last, for they do not live as long as a merger takes."""
    bubbles = draw_bubbles(body.gas, style.bubbles, style.arms > 0, rng)
    gas, blown = blow(body.gas, bubbles, rng)
    return replace(body, gas=gas, blown=blown)
