"""Galaxies to a map store, on all cores of a machine or on a Dask cluster, resumable."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from data.atomic import sweep
from data.domains import DOMAINS
from data.galaxy import Galaxy
from data.maps import FIELD_OF_VIEW_FACTOR, available_domains, field_of_view, prepare, render
from data.rotations import ROTATIONS_PER_GALAXY, random_rotations
from data.shards import Layout, Record, write_shard
from data.sources import Source
from data.store import DESCRIPTION, MapStore, StoreError

# A shard is made within a minute, and is what a killed build loses of each worker.
_GALAXIES_PER_SHARD, _BYTES_PER_SHARD, _SHARDS_PER_WORKER = 16, 64_000_000, 4
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class MapOptions:
    """How each galaxy is mapped."""

    grid_size: int = 64
    rotations: int = ROTATIONS_PER_GALAXY
    field_of_view_factor: float = FIELD_OF_VIEW_FACTOR

    def __post_init__(self) -> None:
        if self.grid_size < 1 or self.rotations < 1 or not self.field_of_view_factor > 0:
            raise ValueError(f"map options must be above zero, got {self}")

    def layout(self) -> Layout:
        """Return the layout of a store that is built with these options."""
        options = asdict(self)
        return Layout(tuple(DOMAINS), options.pop("grid_size"), options)


class Outcome(NamedTuple):
    """What came of some galaxies: records written, and a sentence for each one left out."""

    added: int
    failures: list[str]


def records_of(galaxy: Galaxy, options: MapOptions) -> list[Record]:
    """Return one record a rotation, with all the domains that the galaxy has."""
    galaxy = prepare(galaxy)
    extent = field_of_view(galaxy, options.field_of_view_factor)
    domains = available_domains(galaxy)
    masses = {name: float(p.masses.sum()) for name, p in galaxy.particles.items()}
    return [
        Record(
            galaxy.name, galaxy.kind, galaxy.redshift, extent, index, rotation,
            render(galaxy, domains, rotation=rotation, grid_size=options.grid_size,
                   extent_kpc=extent),
            masses, galaxy.lineage,
        )
        for index, rotation in enumerate(random_rotations(galaxy.name, options.rotations))
    ]  # fmt: skip


def make_shard(sources: Iterable[Source], folder: Path, options: MapOptions) -> Outcome:
    """Map galaxies and write them as one shard: the task that every worker runs.

    A galaxy that cannot be made does not stop the others.
    """
    records: list[Record] = []
    failures = []
    for source in sources:
        try:
            records += records_of(source.load(), options)
        except (ValueError, OSError) as error:
            failures.append(_left_out(source, error))
    if records:
        write_shard(folder, records, options.layout())
    return Outcome(len(records), failures)


def build(
    path: str | Path,
    sources: Iterable[Source],
    options: MapOptions,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Outcome:
    """Fill a store with the maps of galaxies.

    A store that exists is continued: galaxies in it are skipped.

    Parameters
    ----------
    path : folder of the store; on a cluster, one that all its machines see.
    workers : processes on this machine.
    scheduler : address of a Dask scheduler, as tcp://host:8786, whose workers are used instead;
        what a worker was at when it died is given to another.

    Raises
    ------
    StoreError : if the store at `path` was made with other options.
    """
    path = Path(path).resolve()
    store = _open(path, options.layout())
    todo, failures = _todo(sources, set(store.column("name")))
    added = 0
    task = partial(make_shard, folder=path, options=options)
    if todo:
        store.begin()
    with _executor(workers, scheduler) as (executor, count), store:
        size = _galaxies_per_shard(len(todo), count, options)
        blocks = [todo[i : i + size] for i in range(0, len(todo), size)]
        with tqdm(total=len(todo), unit="galaxy", file=sys.stderr,
                  disable=not sys.stderr.isatty()) as bar:  # fmt: skip
            for number, outcome in _run(task, blocks, executor):
                added += outcome.added
                failures += outcome.failures
                bar.update(len(blocks[number]))
        store.finish()
    return Outcome(added, failures)


def _galaxies_per_shard(galaxies: int, workers: int, options: MapOptions) -> int:
    """Return how many galaxies a task takes: few enough for its memory and to share them out."""
    one = 4 * options.rotations * len(DOMAINS) * options.grid_size**2
    share = galaxies // (_SHARDS_PER_WORKER * workers)
    return max(1, min(_GALAXIES_PER_SHARD, _BYTES_PER_SHARD // one, share))


def _open(path: Path, layout: Layout) -> MapStore:
    """Return the store at `path` to continue, or a new one."""
    if not (path / DESCRIPTION).exists():
        return MapStore.create(path, layout)
    sweep(path)
    store = MapStore.open(path)
    if store.layout != layout:
        raise StoreError(f"{path} was built with {store.layout}, got {layout}")
    return store


def _left_out(source: Source, error: Exception) -> str:
    """Return what is wrong with a source, which many an error names itself."""
    return str(error) if str(source) in str(error) else f"{source}: {error}"


def _todo(sources: Iterable[Source], known: set[str]) -> tuple[list[Source], list[str]]:
    """Return the sources whose galaxies are not known yet, and why others are left out."""
    todo, failures = [], []
    new: set[str] = set()
    for source in dict.fromkeys(sources):
        try:
            name = source.name
        except (ValueError, OSError) as error:
            failures.append(_left_out(source, error))
            continue
        if name in new:
            failures.append(f"{source}: {name} is there twice; the first one is taken")
        elif name not in known:
            todo.append(source)
            new.add(name)
    return todo, failures


def _run(
    task: Callable[[list[Source]], Outcome], blocks: list[list[Source]], executor: Executor | None
) -> Iterator[tuple[int, Outcome]]:
    """Yield the number of each block and its outcome, as they come to an end."""
    if executor is None:
        yield from enumerate(map(task, blocks))
        return
    futures = {executor.submit(task, block): number for number, block in enumerate(blocks)}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenExecutor:
        raise StoreError(
            "a worker was killed, perhaps for lack of memory; what is whole is kept, so the same "
            "command goes on with fewer workers"
        ) from None


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Yield what runs the tasks, and the number of its workers; None for this process itself."""
    if scheduler is not None:
        with _dask(scheduler) as client:
            yield client.get_executor(pure=False), max(1, sum(client.nthreads().values()))
        return
    if workers <= 1:
        yield None, 1
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_follow_parent
    )
    with _single_threaded():
        try:
            yield pool, workers
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Give one thread to the libraries of processes that start meanwhile: one process a core."""
    names = [n for n in _THREADS if n not in os.environ]
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]


@contextmanager
def _dask(address: str) -> Iterator[Any]:
    """Yield a client of a Dask scheduler, which gives the task of a dead worker to another one.

    StoreError where a task costs the lives of several workers, or the scheduler is lost.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise ValueError(
            "a scheduler needs Dask: install it with pip install 'galactic-alchemy[cluster]'"
        ) from None
    try:
        with Client(address, timeout=30) as client:
            yield client
    except KilledWorker as error:
        raise StoreError(
            f"{error.allowed_failures + 1} workers in turn died of one task, perhaps for lack of "
            "memory; what is whole is kept, so the same command goes on with larger ones"
        ) from None
    except CancelledError:
        raise StoreError(
            f"the scheduler {address} was lost; what is whole is kept, so the same command goes on"
        ) from None


def _follow_parent() -> None:
    """End a worker with the process that started it, also where that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
