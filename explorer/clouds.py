"""A galaxy as clouds of points in space: its own, and what a translator of points draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from data.clouds import TARGETS, Cloud, to_cloud
from data.smoothing import neighbor_smoothing_lengths
from engine.metrics import cloud
from engine.points.checkpoint import SHIPPED
from engine.points.translator import CloudTranslator
from explorer import library

COUNTS = (2048, 8192, 32768)
SOURCE = "gas"
_NEIGHBORS = 16
Points = NDArray[np.float32]


@dataclass(frozen=True)
class CloudRun:
    """What a translator of points drew of a galaxy's gas.

    Attributes
    ----------
    galaxy, target, seed : that were asked for.
    steps : (n, 4) float32 kpc after each step, as `spots` gives them, the last being the result.
    times : of the process, after each step; 0 at the end.
    mass : Msun of all points together.
    seconds : it took.
    """

    galaxy: str
    target: str
    seed: int
    steps: tuple[Points, ...]
    times: tuple[float, ...]
    mass: float
    seconds: float


def spots(points: NDArray[np.floating]) -> Points:
    """Return points (n, 3) kpc with a radius each, to its 16th neighbor, as (n, 4)."""
    radii = neighbor_smoothing_lengths(points, _NEIGHBORS)
    return np.column_stack([points, radii]).astype(np.float32)


@cache
def translators() -> tuple[str, ...]:
    """Return the names of the translators of points that are there."""
    return tuple(sorted(card.parent.name for card in SHIPPED.glob("*/card.json")))


@lru_cache(maxsize=2)
def load_translator(name: str) -> CloudTranslator:
    """Return a translator of points."""
    return CloudTranslator.load(SHIPPED / name)


@lru_cache(maxsize=8)
def cloud_of(galaxy: str, count: int) -> Cloud:
    """Return a galaxy on offer as `count` points of each type; ValueError where it has no gas."""
    return to_cloud(library.load_galaxy(galaxy), count)


def draw(
    galaxy: str, target: str, count: int, seed: int, translator: str,
    on_step: Callable[[int, int], None] = lambda step, num_steps: None,
) -> CloudRun:  # fmt: skip
    """Draw `count` points of `target` from the galaxy's gas.

    `on_step` is called with the step from 1 and their number after each; what it raises ends it.
    """
    start = time.perf_counter()
    given, steps, times, mass = cloud_of(galaxy, count), [], [], 0.0
    model = load_translator(translator)
    for step in model.trajectory(given, target, num_points=count, seed=seed):
        on_step(step.index, step.num_steps)
        steps.append(spots(step.x))
        times.append(step.time)
        mass = step.mass
    seconds = time.perf_counter() - start
    return CloudRun(galaxy, target, seed, tuple(steps), tuple(times), mass, seconds)


def density_profile(
    points: NDArray[np.floating], mass: float, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean density (k,) in Msun/kpc^3 in shells around the center; NaN without points.

    Parameters
    ----------
    points : (n, 3 or more) kpc from the center, of equal mass.
    mass : of all of them, Msun.
    edges : (k + 1,) radii in kpc.
    """
    density = cloud.density_profile(points[:, :3], mass, edges)
    return np.where(density > 0, density, np.nan)


def surface_density(
    points: NDArray[np.floating], mass: float, extent_kpc: float, cells: int = 32
) -> NDArray[np.float64]:
    """Return Msun/kpc^2 in square cells (cells, cells) of points (n, 3) kpc, seen along z."""
    edges = np.linspace(-0.5 * extent_kpc, 0.5 * extent_kpc, cells + 1)
    counts = np.histogram2d(points[:, 1], points[:, 0], (edges, edges))[0]
    return counts * (mass / len(points)) / (extent_kpc / cells) ** 2


def shells(clouds: Sequence[NDArray[np.floating]], number: int = 24) -> NDArray[np.float64]:
    """Return edges (number + 1,) in kpc of logarithmic shells that hold nearly all points."""
    radii = np.concatenate([np.linalg.norm(each[:, :3], axis=1) for each in clouds])
    low, high = np.quantile(radii, [0.002, 0.999])
    return np.geomspace(max(low, 1e-2), max(high, 2e-2), number + 1)


def is_target(domain: str) -> bool:
    """Tell whether clouds of a domain can be shown beside the gas."""
    return domain in TARGETS
