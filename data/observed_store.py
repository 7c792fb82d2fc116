"""A map store with one more domain: the HI of its galaxies as SKA-Mid would see it.

Every map stack is put at a distance and observed for a time of its own, so that whoever learns from
them meets all of them. Both follow from the galaxy's name and the number of its rotation.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from data.observation import Instrument, RadioObservation, nearest_mpc
from data.shards import MASSES, Layout, Record, StoreError, write_shard
from data.store import MapStore

OBSERVED_HI = "observed_hi"
_GALAXIES_PER_SHARD = 8


@dataclass(frozen=True)
class Survey:
    """How the galaxies of a store are observed.

    Attributes
    ----------
    distance_mpc, hours : lowest and highest of both, each drawn evenly in its logarithm. A galaxy
        that is too large for the dishes at its distance is put as near as they allow.
    resolution_arcsec, declination_deg, velocity_range_km_s : as `RadioObservation` has them.
    """

    distance_mpc: tuple[float, float] = (30.0, 300.0)
    hours: tuple[float, float] = (1.0, 300.0)
    resolution_arcsec: float = 10.0
    declination_deg: float = -30.0
    velocity_range_km_s: float = 300.0

    def __post_init__(self) -> None:
        for name in ("distance_mpc", "hours"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(
                    f"{name} must be two numbers above zero, rising, got {low}, {high}"
                )
        for distance in self.distance_mpc:
            self._observation(distance, self.hours[0], 0)

    def observation(self, name: str, rotation_index: int, extent_kpc: float) -> RadioObservation:
        """Return how one map is observed; the same for the same name and rotation."""
        seed = hashlib.sha256(f"{name} {rotation_index}".encode()).digest()[:8]
        rng = np.random.default_rng(int.from_bytes(seed, "big"))
        distance, hours = (
            float(np.exp(rng.uniform(*np.log(limits))))
            for limits in (self.distance_mpc, self.hours)
        )
        distance = max(distance, nearest_mpc(extent_kpc))
        return self._observation(distance, hours, int(rng.integers(2**31)))

    def _observation(self, distance_mpc: float, hours: float, seed: int) -> RadioObservation:
        return RadioObservation(
            distance_mpc=distance_mpc, hours=hours, seed=seed,
            resolution_arcsec=self.resolution_arcsec, declination_deg=self.declination_deg,
            velocity_range_km_s=self.velocity_range_km_s,
        )  # fmt: skip


def observe_store(
    source: str | Path, path: str | Path, survey: Survey, *, workers: int = 1,
    galaxies: int | None = None, rotations: int | None = None,
) -> int:  # fmt: skip
    """Make a store of the maps of another and `observed_hi`; return how many stacks were added.

    A store at `path` that was made in the same way is continued.

    Parameters
    ----------
    galaxies, rotations : take so many galaxies, and rotations of each; all where None.

    Raises
    ------
    StoreError : where `source` has no HI, or `path` was made otherwise.
    """
    with MapStore.open(source) as store:
        store.channels(["hi"])
        # As store.json will have it, in which tuples are lists.
        options = {**store.layout.options, "survey": json.loads(json.dumps(asdict(survey)))}
        layout = Layout((*store.domains, OBSERVED_HI), store.grid_size, options)
        names = store.column("name")
    names = np.array(list(dict.fromkeys(names.tolist()))[:galaxies])
    path = Path(path)
    with _open(path, layout) as made:
        todo = [name for name in names if name not in set(made.column("name"))]
        blocks = [
            todo[i : i + _GALAXIES_PER_SHARD] for i in range(0, len(todo), _GALAXIES_PER_SHARD)
        ]
        task = partial(
            _make_shard, source=Path(source), folder=path, survey=survey, layout=layout,
            rotations=rotations,
        )  # fmt: skip
        added = 0
        bar = tqdm(total=len(todo), unit="galaxy", file=sys.stderr, disable=not sys.stderr.isatty())
        with bar:
            for block, count in zip(blocks, _map(task, blocks, workers), strict=True):
                added += count
                bar.update(len(block))
        made.refresh()
    return added


def _map(task: Any, blocks: list[Any], workers: int) -> Any:
    if workers <= 1:
        yield from map(task, blocks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        yield from pool.map(task, blocks)


def _open(path: Path, layout: Layout) -> MapStore:
    if not path.exists():
        return MapStore.create(path, layout)
    store = MapStore.open(path)
    if layout != store.layout:
        raise StoreError(f"{path} was made with {store.layout}, asked for is {layout}")
    return store


def _make_shard(
    names: list[str], *, source: Path, folder: Path, survey: Survey, layout: Layout,
    rotations: int | None,
) -> int:  # fmt: skip
    """Observe all stacks of some galaxies, and write them as one shard."""
    records = []
    with MapStore.open(source) as store:
        for row in np.flatnonzero(np.isin(store.column("name"), names)):
            entry = store.index[row]
            if rotations is not None and entry["rotation_index"] >= rotations:
                continue
            stack = store.read([int(row)])[0]
            have = entry["available"]
            maps = {d: stack[i] for i, d in enumerate(store.domains) if have[i]}
            name, extent = store.column("name")[row], float(entry["extent_kpc"])
            if "hi" in maps:
                asked = survey.observation(name, int(entry["rotation_index"]), extent)
                seen = Instrument(asked, store.grid_size, extent).observe(maps["hi"])
                maps[OBSERVED_HI] = np.maximum(seen.surface_density, 0.0)
            records.append(
                Record(
                    name, entry["kind"].decode(), float(entry["redshift"]), extent,
                    int(entry["rotation_index"]), entry["rotation"], maps,
                    {kind: float(entry[column]) for kind, column in MASSES.items()},
                    entry["lineage"].decode(),
                )
            )  # fmt: skip
    if records:
        write_shard(folder, records, layout)
    return len(records)
