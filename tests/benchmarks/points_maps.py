"""Dark matter from gas as points, judged as maps beside the translators of maps.

    python tests/benchmarks/points_maps.py --checkpoint FOLDER [--galaxies 12] [--points 16384]

Hold-out synthetic galaxies; the points are projected as particles are, on the same 64x64 pixels as
the translators of maps work on. Points are told more than those: where the gas is in depth, its
temperature and how neutral it is. Beside them two clouds that need no network: the gas itself, and
a smooth, round cloud that has the mean profile of the training galaxies in units of the gas's
half-mass radius. Writes points_maps.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from data.clouds import Cloud, CloudStore, to_cloud
from data.galaxy import Galaxy, Particles
from data.maps import field_of_view, prepare, render
from data.splits import split_of
from data.synthetic import synthesize
from engine.metrics.cloud import chamfer_distance, density_profile, earth_movers_distance
from engine.points.scale import radius_of
from engine.points.translator import CloudTranslator
from engine.translator import Translator
from train.measures import measure_samples, measure_truth

HERE = Path(__file__).with_suffix(".md")
GRID, TARGET, SET = 64, "dark_matter", 2048
EDGES = np.geomspace(0.03, 5.0, 13)


def galaxies(count: int) -> Iterator[Galaxy]:
    """Yield the first galaxies that are held out, with what their maps are made from."""
    seeds = (s for s in range(100_000) if split_of(f"synthetic-{s:06d}") == "test")
    for _, seed in zip(range(count), seeds, strict=False):
        yield prepare(synthesize(seed))


def map_of(galaxy: Galaxy, points: NDArray[Any], mass: float) -> NDArray[np.float32]:
    """Return the dark matter map (64, 64) of points of equal mass in a galaxy's field of view."""
    part = Particles(points.astype(np.float64), np.full(len(points), mass / len(points)))
    made = replace(galaxy, particles={**galaxy.particles, TARGET: part})
    return render(made, [TARGET], grid_size=GRID, extent_kpc=field_of_view(galaxy))[TARGET]


def radii_of_training(path: Path, count: int) -> NDArray[np.float64]:
    """Return (count,) radii of dark matter in half-mass radii of the gas, of training galaxies."""
    store = CloudStore(path)
    found = [
        np.linalg.norm(cloud.points[TARGET][:512], axis=1) / radius_of(cloud)
        for i, name in enumerate(store.names) if split_of(name) == "train"
        for cloud in [store[i]]
    ]  # fmt: skip
    return np.random.default_rng(0).choice(np.concatenate(found), count)


def clouds_of(
    cloud: Cloud, translator: CloudTranslator | None, radii: NDArray[np.float64], seed: int
) -> dict[str, NDArray[Any]]:
    """Return dark matter points (n, 3) in kpc by method."""
    directions = np.random.default_rng(seed).normal(size=(len(radii), 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = {
        "the gas itself": cloud.gas,
        "round cloud of the mean profile": directions * (radii * radius_of(cloud))[:, None],
    }
    if translator:
        found["points"] = translator.translate(cloud, TARGET, num_points=len(radii), seed=seed)
    return found


def scores(points: NDArray[Any], cloud: Cloud) -> tuple[float, float, float]:
    """Return Chamfer and earth mover's distance in radii R, and the profile's error in dex."""
    radius = radius_of(cloud)
    mine, true = points[:SET] / radius, cloud.points[TARGET][:SET] / radius
    profiles = [density_profile(p / radius, 1.0, EDGES) for p in (points, cloud.points[TARGET])]
    both = (profiles[0] > 0) & (profiles[1] > 0)
    error = np.abs(np.log10(profiles[0][both] / profiles[1][both])).mean()
    return chamfer_distance(mine, true), earth_movers_distance(mine, true), float(error)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="folder of a network of points; none but baselines")
    parser.add_argument("--clouds", type=Path, default=Path("runs/clouds.h5"))
    parser.add_argument("--maps", nargs="+", default=["dim", "flow", "edm", "l1"])
    parser.add_argument("--galaxies", type=int, default=12)
    parser.add_argument("--points", type=int, default=16384)
    options = parser.parse_args()
    torch.set_num_threads(1)
    translator = CloudTranslator.load(options.checkpoint) if options.checkpoint else None
    flat = {name: Translator.load(name) for name in options.maps}
    radii = radii_of_training(options.clouds, options.points)
    drawn: dict[str, list[NDArray[Any]]] = {}
    distances: dict[str, list[tuple[float, float, float]]] = {}
    truths, extents = [], []
    for number, galaxy in enumerate(galaxies(options.galaxies)):
        cloud = to_cloud(galaxy, options.points)
        found = clouds_of(cloud, translator, radii, number)
        extent = field_of_view(galaxy)
        maps = render(galaxy, ["gas", TARGET], grid_size=GRID, extent_kpc=extent)
        truths.append(maps[TARGET])
        extents.append(extent)
        # All clouds have the true mass but that of the network, which is told none.
        for name, points in found.items():
            mass = cloud.masses[TARGET]
            if name == "points" and translator:
                mass = translator.scale.mass(cloud, TARGET)
            drawn.setdefault(name, []).append(map_of(galaxy, points, mass))
            distances.setdefault(name, []).append(scores(points, cloud))
        again = to_cloud(galaxy, options.points, seed=1).points[TARGET]
        distances.setdefault("the truth, drawn again", []).append(scores(again, cloud))
        drawn.setdefault("the truth, drawn again", []).append(
            map_of(galaxy, again, cloud.masses[TARGET])
        )
        for name, one in flat.items():
            made = one.translate(maps["gas"], "gas", TARGET, seed=number)[0]
            drawn.setdefault(f"maps: {name}", []).append(made)
        print(galaxy.name, flush=True)
    truth = measure_truth(np.stack(truths), TARGET, np.arange(len(truths)), np.array(extents))
    write(drawn, distances, truth, options)


def write(drawn: Any, distances: Any, truth: Any, options: argparse.Namespace) -> None:
    """Write the table beside this file."""
    lines = [
        "# Points beside maps",
        "",
        f"{len(truth.rows)} hold-out synthetic galaxies, dark matter from gas, {options.points:,} "
        f"points, {GRID}x{GRID} pixels, one sample each. Distances of {SET:,} points (earth "
        "mover's: 1,024) in half-mass radii of the gas; errors in dex: of the density in shells "
        "from 0.03 to 5 of these radii (each normalized to its mass), of pixels, of the azimuthal "
        "profile of the map, and of its mass. All clouds have the true mass but the network's.",
        "",
        "| method | Chamfer | earth mover's | density | pixels | map profile | map mass |",
        "|---|---|---|---|---|---|---|",
    ]
    true_profile, true_mass = (truth.measures[f"truth/{k}"] for k in ("profile", "total"))
    for name, maps in drawn.items():
        found = measure_samples(np.stack(maps)[:, None], truth, np.random.default_rng(0))
        profile = _error(found["samples/profile"][:, 0], true_profile)
        mass = _error(found["samples/total"][:, 0], true_mass)
        values = (found["samples/mae_dex"].mean(), profile, mass)
        near = distances.get(name)
        cells = [f"{v:.3f}" for v in np.mean(near, axis=0)] if near else ["–"] * 3
        lines.append(f"| {name} | {' | '.join([*cells, *(f'{v:.3f}' for v in values)])} |")
    HERE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _error(values: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the mean of |log10(value / truth)| where both are above zero."""
    both = (values > 0) & (truth > 0)
    return float(np.abs(np.log10(values[both] / truth[both])).mean())


if __name__ == "__main__":
    main()
