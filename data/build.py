"""Galaxies to a map store, in parallel, resumable galaxy by galaxy."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from data.cutouts import cutout_name, read_cutout
from data.domains import DOMAINS
from data.galaxy import Galaxy
from data.maps import FIELD_OF_VIEW_FACTOR, available_domains, field_of_view, prepare, render
from data.rotations import ROTATIONS_PER_GALAXY, random_rotations
from data.store import MapStore, Record, StoreError
from data.synthetic import synthesize


@dataclass(frozen=True)
class MapOptions:
    """How each galaxy is mapped."""

    grid_size: int = 64
    rotations: int = ROTATIONS_PER_GALAXY
    field_of_view_factor: float = FIELD_OF_VIEW_FACTOR

    def __post_init__(self) -> None:
        if self.grid_size < 1 or self.rotations < 1 or not self.field_of_view_factor > 0:
            raise ValueError(f"map options must be above zero, got {self}")


def records_of(galaxy: Galaxy, options: MapOptions) -> list[Record]:
    """Return one record a rotation, with all the domains that the galaxy has."""
    galaxy = prepare(galaxy)
    extent = field_of_view(galaxy, options.field_of_view_factor)
    domains = available_domains(galaxy)
    return [
        Record(
            galaxy.name, galaxy.kind, galaxy.redshift, extent, index, rotation,
            render(galaxy, domains, rotation=rotation, grid_size=options.grid_size,
                   extent_kpc=extent),
        )
        for index, rotation in enumerate(random_rotations(galaxy.name, options.rotations))
    ]  # fmt: skip


def _name(source: int | str) -> str | None:
    """Return the name of the galaxy that a source makes, without making it; None if it cannot."""
    if isinstance(source, int):
        return f"synthetic-{source:06d}"
    try:
        return cutout_name(source)
    except ValueError:
        return None


def _make(source: int | str, options: MapOptions) -> list[Record] | str:
    """Return the records of a seed or a cutout, or the sentence that says why there are none."""
    try:
        galaxy = synthesize(source) if isinstance(source, int) else read_cutout(source)
        return records_of(galaxy, options)
    except (ValueError, OSError) as error:
        return f"{source}: {error}"


def build(
    path: str | Path, sources: Iterable[int | str], options: MapOptions, *, workers: int = 1
) -> tuple[int, list[str]]:
    """Fill a store with the maps of seeds and cutout files.

    A store that exists is continued: galaxies in it are skipped. One galaxy that cannot be read
    does not stop the others.

    Parameters
    ----------
    sources : seeds of synthetic galaxies (int) and paths of cutouts (str).
    workers : processes.

    Returns
    -------
    The number of records added, and one sentence a galaxy that was left out.

    Raises
    ------
    StoreError : if the store at `path` was made with other options.
    """
    store = _open(path, options)
    added, failures = 0, []
    with store:
        known = set(store.column("name"))
        todo = [source for source in dict.fromkeys(sources) if _name(source) not in known]
        with _mapper(workers) as mapper:
            results = mapper(partial(_make, options=options), todo)
            for result in tqdm(results, total=len(todo), unit="galaxy", file=sys.stderr,
                               disable=not sys.stderr.isatty()):  # fmt: skip
                if isinstance(result, str):
                    failures.append(result)
                elif result[0].name in known:
                    failures.append(f"{result[0].name} is there twice; the first one was kept")
                else:
                    store.append(result)
                    known.add(result[0].name)
                    added += len(result)
    return added, failures


def _open(path: str | Path, options: MapOptions) -> MapStore:
    """Return the store at `path` to continue, or a new one."""
    attributes = {
        "field_of_view_factor": options.field_of_view_factor, "rotations": options.rotations,
    }  # fmt: skip
    if not Path(path).exists():
        if not Path(path).parent.is_dir():
            raise StoreError(f"the store must lie in a folder that exists, got {path}")
        return MapStore.create(path, tuple(DOMAINS), options.grid_size, attributes)
    store = MapStore.open(path, writable=True)
    if store.grid_size != options.grid_size or store.attributes != attributes:
        store.close()
        raise StoreError(
            f"{path} was built with grid_size {store.grid_size} and {store.attributes}, "
            f"got {options.grid_size} and {attributes}"
        )
    return store


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterator[list[Record] | str]]]:
    """Yield a map over `workers` processes, in order; with one worker, in this process."""
    if workers <= 1:
        yield map
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield partial(pool.imap, chunksize=2)
