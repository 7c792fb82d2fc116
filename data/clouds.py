"""Galaxies as sets of points that stand for equal masses, and the file that holds many of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.galaxy import Galaxy, Particles
from data.hdf5 import reading
from data.sources import Source

Array = NDArray[np.float32]

# Of the gas, in log10: K, Msun/kpc^3, and the neutral share of hydrogen with a floor.
FEATURES = ("temperature", "density", "neutral_fraction")
_FLOOR = {"neutral_fraction": 1e-6}
TARGETS = ("dark_matter", "stars")


class CloudError(ValueError):
    """A file of clouds is missing, damaged, or lacks what is asked for."""


@dataclass(frozen=True)
class Cloud:
    """A galaxy as points in random order, those of one type of equal mass.

    Attributes
    ----------
    name, redshift, lineage : of the galaxy.
    gas : (m, 3) float32 kpc from the galaxy's center.
    features : (m, 3) float32, log10 of `FEATURES` at the gas points.
    gas_mass : Msun of all gas.
    points : (n, 3) float32 kpc by type, of `TARGETS`.
    masses : Msun in all, by type.
    """

    name: str
    redshift: float
    gas: Array
    features: Array
    gas_mass: float
    points: dict[str, Array] = field(default_factory=dict)
    masses: dict[str, float] = field(default_factory=dict)
    lineage: str = ""


def equal_mass(
    masses: NDArray[Any], count: int, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Return which particles `count` points of equal mass stand for, (count,), in random order.

    Systematic resampling: a particle comes as often as its share of the mass says, rounded up or
    down (Kitagawa 1996, appendix), so that one is repeated only where it outweighs a point.

    Raises
    ------
    ValueError : where there is nothing to draw from, or the count is below one.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if not len(masses) or not np.all(masses >= 0) or not masses.sum() > 0:
        raise ValueError("masses must be above zero in sum, and none below")
    order = generator.permutation(len(masses))
    enclosed = np.cumsum(masses[order])
    at = (np.arange(count) + generator.uniform()) / count * enclosed[-1]
    chosen = order[np.minimum(np.searchsorted(enclosed, at, side="right"), len(order) - 1)]
    return generator.permutation(chosen)


def to_cloud(
    galaxy: Galaxy, num_points: int, *, num_gas: int | None = None, seed: int = 0
) -> Cloud:
    """Return a galaxy as a cloud of `num_points` of each type that it has beside gas.

    Parameters
    ----------
    galaxy : with gas that carries `FEATURES`.
    num_points, num_gas : points of each target, and of the gas (as many, where None).
    seed : of what is drawn.

    Raises
    ------
    ValueError : where it has no gas, or the gas lacks a feature.
    """
    gas = galaxy.particles.get("gas")
    if gas is None or not len(gas):
        raise ValueError(f"{galaxy.name} has no gas particles to begin with")
    if lacking := [name for name in FEATURES if name not in gas]:
        raise ValueError(f"{galaxy.name} lacks the gas field {', '.join(lacking)}")
    generator = np.random.default_rng([seed, 3])
    drawn = equal_mass(gas.masses, num_gas or num_points, generator)
    values = [np.maximum(gas[name][drawn], _FLOOR.get(name, 1e-30)) for name in FEATURES]
    targets = {name: galaxy.particles[name] for name in TARGETS if galaxy.particles.get(name)}
    return Cloud(
        galaxy.name, galaxy.redshift, gas.coordinates[drawn].astype(np.float32),
        np.log10(np.stack(values, axis=1)).astype(np.float32), float(gas.masses.sum()),
        {name: _points(part, num_points, generator) for name, part in targets.items()},
        {name: float(part.masses.sum()) for name, part in targets.items()}, galaxy.lineage,
    )  # fmt: skip


def _points(particles: Particles, count: int, generator: np.random.Generator) -> Array:
    drawn = equal_mass(particles.masses, count, generator)
    return particles.coordinates[drawn].astype(np.float32)


def write_clouds(path: str | Path, sources: Iterable[Source], num_points: int) -> Iterator[str]:
    """Add the clouds of galaxies to a file, one at a time; yield the name of each once it is there.

    Galaxies that the file has are not made again, so that a run that was stopped goes on.

    Raises
    ------
    CloudError : where the file holds clouds of another number of points.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "a") as file:
        if int(file.attrs.setdefault("num_points", num_points)) != num_points:
            raise CloudError(
                f"{path} holds clouds of {file.attrs['num_points']} points, not of {num_points}"
            )
        for source in sources:
            key = source.name.replace("/", "|")
            if key in file and file[key].attrs.get("whole"):
                continue
            file.pop(key, None)
            cloud = to_cloud(source.load(), num_points)
            group = file.create_group(key)
            arrays = {"gas": cloud.gas, "features": cloud.features, **cloud.points}
            for name, values in arrays.items():
                group[name] = values
            group.attrs.update(
                redshift=cloud.redshift, gas_mass=cloud.gas_mass, lineage=cloud.lineage,
                **{f"mass/{name}": mass for name, mass in cloud.masses.items()},
            )  # fmt: skip
            group.attrs["whole"] = True
            file.flush()
            yield cloud.name


class CloudStore:
    """Clouds of a file, read one at a time.

    Attributes
    ----------
    path : of the file.
    num_points : of each type in each cloud.
    names, lineages : of the galaxies.

    Raises
    ------
    CloudError : at the start, where there is no such file or it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise CloudError(f"no file of clouds at {self.path}: python -m data clouds makes one")
        with reading(self.path, CloudError), _open(self.path) as file:
            self.num_points = int(file.attrs["num_points"])
            whole = [key for key in file if file[key].attrs.get("whole")]
            self.names = [key.replace("|", "/") for key in whole]
            self.lineages = [str(file[key].attrs["lineage"]) for key in whole]

    def __len__(self) -> int:
        """Return the number of clouds."""
        return len(self.names)

    def __getitem__(self, index: int) -> Cloud:
        """Read a cloud; CloudError where it is damaged."""
        name = self.names[index]
        with reading(self.path, CloudError), _open(self.path) as file:
            group = file[name.replace("/", "|")]
            about = group.attrs
            targets = [target for target in TARGETS if target in group]
            return Cloud(
                name, float(about["redshift"]), group["gas"][()], group["features"][()],
                float(about["gas_mass"]), {target: group[target][()] for target in targets},
                {target: float(about[f"mass/{target}"]) for target in targets},
                str(about["lineage"]),
            )  # fmt: skip


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except BlockingIOError:
        raise CloudError(f"{path} is being written: wait until all clouds are made") from None
