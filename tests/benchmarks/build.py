"""Time of building a store and where it goes; writes build.md.

    python tests/benchmarks/build.py --galaxies 2000 --store runs/synthetic-128

Before the build itself come two small ones, with one worker and with all, for the efficiency, and
a few galaxies by stages in this process.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.build import MapOptions, _executor, build
from data.maps import available_domains, field_of_view, prepare, render
from data.rotations import random_rotations
from data.shards import Record, write_shard
from data.sources import Synthetic
from data.store import MapStore

IMAGES = 360_000
_FAR = 10_000_000  # Seeds of trials, that nothing else is made of.


class Clock(defaultdict[str, float]):
    """Seconds by stage."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block."""
        start = time.perf_counter()
        yield
        self[name] += time.perf_counter() - start


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all workers that have ended."""
    times = os.times()
    return sum(times[:4])


def by_stage(count: int, options: MapOptions, folder: Path) -> Clock:
    """Return seconds a galaxy of each stage, the first galaxy not counted."""
    clock = Clock(float)
    for number in range(count + 1):
        if number == 1:
            clock.clear()  # What is compiled or loaded once is done.
        with clock.stage("particles: synthesize"):
            galaxy = Synthetic(_FAR + number).load()
        with clock.stage("smoothing lengths, hydrogen: prepare"):
            galaxy = prepare(galaxy)
            extent = field_of_view(galaxy)
        domains = available_domains(galaxy)
        with clock.stage(f"{options.rotations} x {len(domains)} maps: render"):
            turns = random_rotations(galaxy.name, options.rotations)
            maps = [
                render(galaxy, domains, rotation=turn, grid_size=options.grid_size,
                       extent_kpc=extent)
                for turn in turns
            ]  # fmt: skip
        with clock.stage("round, compress, checksum, sync: write_shard"):
            records = [
                Record(galaxy.name, galaxy.kind, 0.0, extent, i, turn, stack)
                for i, (turn, stack) in enumerate(zip(turns, maps, strict=True))
            ]
            write_shard(folder, records, options.layout())
    return Clock(float, {name: seconds / count for name, seconds in clock.items()})


def start_up(workers: int) -> float:
    """Return the seconds until `workers` processes have imported the package and answered."""
    start = time.perf_counter()
    with _executor(workers, None) as (executor, _):
        assert executor is not None
        list(executor.map(MapOptions, range(1, workers + 1)))
        return time.perf_counter() - start


def trial(count: int, options: MapOptions, workers: int, folder: Path) -> float:
    """Return galaxies a second of a small build."""
    sources = [Synthetic(_FAR + 1000 + number) for number in range(count)]
    start = time.perf_counter()
    build(folder / f"trial-{workers}", sources, options, workers=workers)
    return count / (time.perf_counter() - start)


def report(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Measure, build, and return the lines of the report."""
    options = MapOptions(arguments.grid_size, arguments.rotations)
    workers, load = arguments.workers, os.getloadavg()[0]
    stages = by_stage(arguments.trial // 4, options, folder)
    rates = {n: trial(arguments.trial, options, n, folder) for n in sorted({1, workers})}
    efficiency = rates[workers] / (workers * rates[1])
    path = arguments.store or folder / "maps"
    start = start_up(workers)
    began, cpu = time.perf_counter(), cpu_seconds()
    sources = [Synthetic(seed) for seed in range(arguments.galaxies)]
    added, failures = build(path, sources, options, workers=workers)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    made = added // options.rotations
    with MapStore.open(path) as store:
        maps, size = int(store.column("available").sum()), store.num_bytes()
        whole = len(store) * len(store.domains) * 4 * options.grid_size**2
    galaxies = IMAGES / (options.rotations * len(options.layout().domains))
    return [
        "# Building a store", "",
        f"`python tests/benchmarks/build.py --galaxies {arguments.galaxies}` on "
        f"{os.cpu_count()} CPU cores (load {load:.1f} at the start): {made} synthetic galaxies x "
        f"{options.rotations} rotations x {len(options.layout().domains)} domains, "
        f"{options.grid_size} x {options.grid_size}, {workers} workers, {len(failures)} left out.",
        "", "| | |", "|---|---|",
        f"| galaxies a second | {made / seconds:.2f} |",
        f"| maps a second | {maps / seconds:.0f} |",
        f"| wall time times workers, a galaxy | {workers * seconds / made:.2f} s |",
        f"| CPU time, a galaxy | {cpu / made:.2f} s |",
        f"| bytes a map, all included | {size / maps:.0f} |",
        f"| smaller than float32 by | {whole / size:.2f} |",
        f"| efficiency from 1 to {workers} workers ({arguments.trial} galaxies each, start-up "
        f"included) | {efficiency:.0%} |",
        f"| start of {workers} workers | {start:.1f} s |",
        "", f"{IMAGES:,} images are {galaxies:.0f} galaxies. Projected from the CPU time and the "
        "start, with cores to themselves:", "",
        "| cores | time |", "|---|---|",
        *(f"| {n:,} | {_time(start + math.ceil(galaxies / n) * cpu / made)} |"
          for n in (2, 64, 1024)),
        "", f"Stages of one galaxy in one process, mean of {arguments.trial // 4}:", "",
        "| stage | ms | share |", "|---|---|---|",
        *(f"| {name} | {1e3 * s:.0f} | {s / sum(stages.values()):.0%} |"
          for name, s in stages.items()),
    ]  # fmt: skip


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galaxies", type=int, default=2000)
    parser.add_argument("--rotations", type=int, default=5)
    parser.add_argument("--grid-size", type=int, default=128)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trial", type=int, default=24, help="galaxies of the small builds")
    parser.add_argument("--store", type=Path, help="keep the store; must be new")
    arguments = parser.parse_args()
    if arguments.store and arguments.store.exists():
        parser.error(f"{arguments.store} is there already")
    with tempfile.TemporaryDirectory() as folder:
        lines = report(arguments, Path(folder))
    text = "\n".join(lines) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
