"""Central galaxies: how much there is of each component, and where their gas and stars lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.disk import Pattern, draw_pattern, sample_bar, sample_disk, sample_hernquist
from data.halo import NFW
from data.kinds import KindStyle
from data.site import Body, Host
from data.surroundings import REFINEMENT
from data.warp import Stir, Warp

Array = NDArray[np.float64]

# The HI layer thickens by e over 17 kpc in the Milky Way (0.3 kpc at 9 kpc, 1 kpc at 30: Dedes et
# al. 2005); here over 2.7 scale lengths of the gas, which is as much for a disk of its size.
_FLARE = 1.0 / 2.7


@dataclass(frozen=True)
class Central:
    """One galaxy before its surroundings.

    Attributes
    ----------
    halo : its potential and size.
    stellar, cold : masses in Msun of its stars and of its cold gas.
    scale_length : kpc, of the old stars; the gas has 2.2 times as much.
    style : of its kind, with what is drawn for each galaxy in place.
    pattern : relative surface densities of its disk.
    bulge : share of the stars in the spheroid.
    warp, stir : how its disk departs from a plane and from a circle.
    """

    halo: NFW
    stellar: float
    cold: float
    scale_length: float
    style: KindStyle
    pattern: Pattern
    bulge: float
    warp: Warp
    stir: Stir


def draw_central(
    style: KindStyle, halo_mass: float, redshift: float, rng: np.random.Generator
) -> Central:
    """Draw the galaxy of a halo.

    Scatter: 0.15 dex in stellar mass (Moster et al. 2013), 0.2 dex in cold gas. Size: half-mass
    radius 0.015 R200 (Kravtsov 2013, abstract, with 0.2 dex) and here 0.15 dex, r_half = 1.678
    scale lengths.
    """
    halo = NFW.from_mass(halo_mass, redshift, rng)
    stellar = cosmo.stellar_mass(halo_mass, redshift) * 10 ** (0.15 * rng.standard_normal())
    cold = style.cold_gas * cosmo.cold_gas_mass(stellar) * 10 ** (0.2 * rng.standard_normal())
    # What the halo can still hold; satellites take about a tenth.
    room = 0.9 * cosmo.BARYON_FRACTION * halo_mass - stellar - 1.06 * hot_mass(style, halo)
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
    return Central(halo, stellar, cold, scale, style, pattern, bulge, warp, stir)


def hot_mass(style: KindStyle, halo: NFW) -> float:
    """Return the hot halo's mass: a share of the baryons that grows with halo mass.

    0.35 (M / 1e12)^0.2 of the cosmic share out to 3 R200, set by hand: simulations disagree on it,
    and TNG halos of low mass hold far more than those of EAGLE (Davies et al. 2020).
    """
    share = 0.35 * (halo.mass / 1e12) ** 0.2 * style.hot_gas
    return min(share, 0.8) * cosmo.BARYON_FRACTION * halo.mass


def host_of(central: Central) -> Host:
    """Return what the surroundings need to know of a galaxy."""
    style = central.style
    return Host(
        central.halo, central.stellar, central.cold, hot_mass(style, central.halo),
        central.scale_length, style.outflow,
    )  # fmt: skip


def draw_body(central: Central, num_gas: int, num_stars: int, rng: np.random.Generator) -> Body:
    """Draw the disk's gas, out of `num_gas` in all, and the central galaxy's stars.

    Young stars, up to 1 Gyr old, lie where the gas does; old stars take part in arms and clumps
    alone. The young ones' share of the disk, 0.05 to 0.3, is set by hand; 12 Gyr of constant star
    formation leave 0.08.

    Returns
    -------
    Body of one gas particle or more and up to `num_stars` stars, without bubbles.
    """
    style, r_d, pattern = central.style.disk, central.scale_length, central.pattern
    hot = hot_mass(central.style, central.halo)
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
