"""Cold gas in the hot halo: streams that fall in along filaments, clouds, and stripped tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.circumgalactic import Atmosphere
from data.cosmology import GRAVITY
from data.halo import NFW, Subhalo, directions

Array = NDArray[np.float64]

_COLD = 1.2e4  # K, of gas that photoheating balances.
_STRANDS = 4
_SHOCK_MASS = 1e12


@dataclass(frozen=True)
class ColdGas:
    """Gas at positions (n, 3) kpc that has mixed with the hot gas by (n,) from 0, cold, to 1."""

    xyz: Array
    mixing: Array

    def temperature(self, hot: Array) -> Array:
        """Return (n,) K between 1.2e4 K and the hot gas around it, `hot` (n,) K."""
        return _COLD ** (1.0 - self.mixing) * np.maximum(hot, _COLD) ** self.mixing


def join(parts: list[ColdGas]) -> ColdGas:
    """Return several as one."""
    return ColdGas(
        np.concatenate([p.xyz for p in parts]), np.concatenate([p.mixing for p in parts])
    )


def cold_mode_share(halo_mass: float, redshift: float) -> float:
    """Return the share of streams that reach the galaxy unheated: 1/2 at 1e12 Msun at z = 0.

    Halos above a few 1e11 to 1e12 Msun keep a stable virial shock and streams survive in them only
    at high redshift (Keres et al. 2005; Dekel & Birnboim 2006); the form is set by hand.
    """
    return 1.0 / (1.0 + (halo_mass / (_SHOCK_MASS * (1.0 + redshift) ** 1.5)) ** 2)


def draw_streams(
    n: int, halo: NFW, filaments: Array, survival: float, rng: np.random.Generator
) -> ColdGas:
    """Draw streams from 2 R200 to the disk, one from each of the `filaments` (k, 3).

    Each is a braid of strands on a path that winds into the center, as gas with angular momentum
    falls (Dekel et al. 2009). Strands wander, swell and thin out along it, and have gaps where they
    did not survive; around each lies a layer that mixes with the hot gas. The sizes are set by
    hand.
    """
    parts = []
    strands = np.repeat(np.arange(len(filaments)), _STRANDS)
    paths = [_stream_path(f, rng) for f in filaments]
    for which, members in zip(strands, np.array_split(np.arange(n), len(strands)), strict=True):
        s, path, sides = paths[which]
        width = (0.003 + 0.008 * s) * np.exp(0.45 * _wander(s, rng))
        braid = (0.012 + 0.045 * s) * np.stack([_wander(s, rng), _wander(s, rng)])
        line = path + np.einsum("aj,ajk->jk", braid, sides)
        lives = 1.0 / (1.0 + np.exp(-6.0 * (_wander(s, rng) + 2.2 * (survival + s - 0.8))))
        ends = np.clip(np.minimum(3.0 * s, 2.9 - 1.4 * s), 0.0, 1.0)
        weight = np.exp(0.9 * _wander(s, rng)) * lives * ends
        chosen = rng.choice(len(s), len(members), p=weight / weight.sum())
        distance = rng.gamma(2.0, 0.75, len(members))
        offset = directions(len(members), rng) * (distance * width[chosen])[:, None]
        jitter = (rng.uniform(-0.5, 0.5, len(members)) * np.gradient(s)[chosen])[:, None]
        xyz = line[chosen] + jitter * np.gradient(line, s, axis=0)[chosen] + offset
        mixing = np.clip((distance - 1.0) / 4.0, 0.0, 1.0) + 0.35 * (1.0 - survival)
        parts.append(ColdGas(halo.radius * xyz, np.clip(mixing, 0.0, 1.0)))
    return join(parts)


def _stream_path(filament: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return distances s (m,) in R200, the path (m, 3) there and two normals (2, m, 3)."""
    s = np.linspace(0.05, 2.1, 500)
    side = np.cross(filament, directions(1, rng)[0])
    side /= np.linalg.norm(side)
    normal = np.cross(filament, side)
    inward = np.clip(1.0 - s, 0.0, 1.0)
    angle = rng.uniform(0.7, 2.2) * inward**2
    tilt = rng.uniform(-0.5, 0.5) * inward + 0.12 * _wander(s, rng)
    radial = np.cos(angle)[:, None] * filament + np.sin(angle)[:, None] * side
    path = s[:, None] * (np.cos(tilt)[:, None] * radial + np.sin(tilt)[:, None] * normal)
    across = -np.sin(angle)[:, None] * filament + np.cos(angle)[:, None] * side
    return s, path, np.stack([across, np.broadcast_to(normal, across.shape)])


def _wander(s: Array, rng: np.random.Generator) -> Array:
    """Return a smooth random function of s, of unit variance, longer waves stronger."""
    waves = np.geomspace(0.12, 1.2, 7)
    amplitude = waves**0.6 * rng.standard_normal(7)
    amplitude *= np.sqrt(2.0 / np.sum(amplitude**2))
    return np.cos(2 * np.pi * s[:, None] / waves + rng.uniform(0, 2 * np.pi, 7)) @ amplitude


def draw_clouds(n: int, atmosphere: Atmosphere, rng: np.random.Generator) -> ColdGas:
    """Draw clouds that condensed out of the hot gas.

    Gas is thermally unstable where t_cool / t_ff < 10 (Sharma et al. 2012, abstract), and where it
    is overdense by much even beyond that (Nelson et al. 2020, abstract): clouds sit at places of
    the hot gas chosen by 1 / (1 + (t_cool / 10 t_ff)^4). They come in clusters (Ramesh et al.
    2023), each a string of cloudlets drawn out roughly along the way down. Sizes are set by hand.
    """
    radius = atmosphere.halo.radius
    places = atmosphere.sample(3000, rng)
    ratio = atmosphere.cooling_over_free_fall(places)
    distance = np.linalg.norm(places, axis=1)
    weight = np.where(distance < 0.7 * radius, 1.0 / (1.0 + (ratio / 10.0) ** 4), 1e-12)
    clusters = places[rng.choice(len(places), 24, replace=False, p=weight / weight.sum())]
    share = rng.pareto(1.1, 24) + 0.3
    which = rng.choice(24, 10 * 24, p=share / share.sum())
    down = directions(24, rng) - clusters / np.linalg.norm(clusters, axis=1, keepdims=True)
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    spread = radius * rng.uniform(0.012, 0.05, 24)[:, None]
    along = rng.normal(0.0, 1.1, (len(which), 1)) * spread[which]
    heads = clusters[which] + down[which] * along
    heads = heads + 0.5 * spread[which] * rng.standard_normal(heads.shape)
    size = radius * 0.007 * np.exp(0.4 * rng.standard_normal(len(heads)))
    mine = rng.integers(len(heads), size=n)
    distance = rng.gamma(1.5, 0.8, n)
    offset = directions(n, rng) * (distance * size[mine])[:, None]
    trail = -down[which[mine]] * (rng.exponential(1.0, n) * 2.0 * distance * size[mine])[:, None]
    return ColdGas(heads[mine] + offset + trail, np.clip((distance - 0.8) / 3.0, 0.0, 1.0))


def draw_tail(n: int, sub: Subhalo, host: NFW, rng: np.random.Generator) -> ColdGas:
    """Draw gas that ram pressure has stripped from a satellite.

    It lies on the way that the satellite came, which is traced back under the host's pull, ever
    wider and more mixed with the hot gas the longer ago it left; a tenth of R200 long, as set by
    hand.
    """
    speed = float(np.linalg.norm(sub.velocity))
    age = rng.exponential(0.1, n) * host.radius / speed  # kpc / (km/s)
    r = float(np.linalg.norm(sub.center))
    pull = -GRAVITY * float(host.enclosed_mass(r)) / r**3 * sub.center
    track = sub.center - age[:, None] * sub.velocity + 0.5 * age[:, None] ** 2 * pull
    length = age * speed
    width = 0.03 * sub.halo.radius + 0.11 * length
    wiggle = 0.12 * length * np.sin(length / (0.02 * host.radius) + rng.uniform(0, 2 * np.pi))
    side = np.cross(sub.velocity, directions(1, rng)[0])
    side /= np.linalg.norm(side)
    xyz = track + 0.5 * width[:, None] * rng.standard_normal((n, 3)) + wiggle[:, None] * side
    return ColdGas(xyz, 1.0 - np.exp(-length / (0.15 * host.radius)))
