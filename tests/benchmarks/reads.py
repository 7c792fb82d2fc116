"""Map stacks a second that reach a training loop, by way of reading; writes reads.md.

    python tests/benchmarks/reads.py [--store STORE] [--workers 0 1 2]

Without a store one of 40 synthetic galaxies is built first.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler

from data.build import MapOptions, build
from data.dataset import MapDataset
from data.normalize import normalize
from data.sources import Synthetic
from data.store import MapStore

BATCH = 64


def rate(batches: Iterator[torch.Tensor], seconds: float) -> tuple[float, float]:
    """Return samples a second after the first batch, and seconds of CPU a sample, all processes."""
    cpu, count = sum(os.times()[:4]), len(next(batches))
    first, start = count, time.perf_counter()
    while time.perf_counter() - start < seconds:
        count += len(next(batches))
    wall = time.perf_counter() - start
    batches.close()  # type: ignore[attr-defined]
    return (count - first) / wall, (sum(os.times()[:4]) - cpu) / count


def h5py_loop(path: Path, normalized: bool) -> Iterator[torch.Tensor]:
    """Read single stacks at random from files that stay open, as one would without this package.

    HDF5 caches none of them, for it could not cache a store that is larger than memory.
    """
    files = [h5py.File(p, rdcc_nbytes=0) for p in sorted(path.glob("shard-*.hdf5"))]
    places = [(f["maps"], row) for f in files for row in range(len(f["maps"]))]
    domains = MapStore.open(path).domains
    rng = np.random.default_rng(0)
    while True:
        maps, row = places[rng.integers(len(places))]
        stack = maps[row]
        if normalized:
            stack = np.stack([normalize(m, d) for m, d in zip(stack, domains, strict=True)])
        yield torch.from_numpy(stack)[None]


def loader(dataset: MapDataset, workers: int) -> Iterator[torch.Tensor]:
    """Draw shuffled batches with a DataLoader."""
    endless = RandomSampler(dataset, replacement=True, num_samples=10**9)
    for maps, _ in DataLoader(dataset, BATCH, sampler=endless, num_workers=workers):
        yield maps


def indexed(dataset: MapDataset) -> Iterator[torch.Tensor]:
    """Draw batches by indexing the tensor, as the training loop does."""
    maps, _ = dataset.tensor()
    while True:
        yield maps[torch.randint(len(maps), (BATCH,))]


def report(path: Path, workers: list[int], seconds: float) -> list[str]:
    """Measure and return the lines of the report."""
    pair = MapDataset(path, "train", lazy=True, domains=("gas", "dark_matter"))
    lazy, whole = (MapDataset(path, "train", lazy=lazy) for lazy in (True, False))
    ways: dict[str, Callable[[], Iterator[torch.Tensor]]] = {
        "plain h5py loop, physical units": lambda: h5py_loop(path, False),
        "plain h5py loop, normalized": lambda: h5py_loop(path, True),
        **{f"MapDataset lazy, DataLoader, {n} workers": partial(loader, lazy, n) for n in workers},
        "MapDataset lazy, two domains, DataLoader, 0 workers": lambda: loader(pair, 0),
        "MapDataset in memory, DataLoader, 0 workers": lambda: loader(whole, 0),
        "MapDataset in memory, indexed": lambda: indexed(whole),
    }
    side = whole.grid_size
    lines = [
        "# Reading maps for training",
        "",
        f"`python tests/benchmarks/reads.py`: {len(whole)} stacks of {len(whole.domains)} maps, "
        f"{side} x {side}, batches of {BATCH}, one thread a process on a machine of "
        f"{os.cpu_count()} CPU cores (load {os.getloadavg()[0]:.1f} at the start); files are in "
        "the page cache.",
        "",
        "| way | stacks/s | maps/s | MB/s | ms of CPU a stack |",
        "|---|---|---|---|---|",
    ]
    for name, batches in ways.items():
        stacks, cpu = rate(batches(), seconds)
        maps = stacks * len(whole.domains)
        speeds = f"{stacks:.0f} | {maps:.0f} | {maps * 4e-6 * side**2:.0f}"
        lines.append(f"| {name} | {speeds} | {1e3 * cpu:.2f} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = options.store
        if path is None:
            path = Path(folder) / "maps"
            build(path, [Synthetic(seed) for seed in range(40)], MapOptions(grid_size=128))
        lines = report(path, options.workers, options.seconds)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
