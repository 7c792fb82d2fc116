"""The HDF5 store of maps: one record a galaxy and rotation, appended whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.splits import split_of

FORMAT = "galactic-alchemy-maps/1"
_LONGEST_NAME = 128
# Text of fixed length: HDF5 keeps text of variable length in heaps that a killed writer breaks.
_COLUMNS: dict[str, Any] = {
    "name": h5py.string_dtype("utf-8", _LONGEST_NAME),
    "kind": h5py.string_dtype("utf-8", 32),
    "split": h5py.string_dtype("utf-8", 16),
    "redshift": np.float64,
    "extent_kpc": np.float64,
    "rotation_index": np.int32,
}


class StoreError(ValueError):
    """A file is no map store, or a record does not fit it."""


@dataclass(frozen=True)
class Record:
    """Maps of one galaxy in one rotation.

    `maps` holds {domain: (grid_size, grid_size)} in physical units; a domain that the galaxy
    lacks is left out and is stored as NaN.
    """

    name: str
    kind: str
    redshift: float
    extent_kpc: float
    rotation_index: int
    rotation: NDArray[Any]
    maps: dict[str, NDArray[Any]]


class MapStore:
    """Maps (n, domain, row, column) float32 with their index; open it as a context manager.

    Records are appended behind `count`, which is moved last: what a killed writer left half-done
    lies beyond it, is never read, and is written over. HDF5's single-writer mode orders the writes
    so that what was there stays readable; the next writer then takes over a clean copy.
    """

    def __init__(self, file: h5py.File, lock: IO[bytes] | None = None) -> None:
        self._file, self._lock = file, lock
        self.domains: tuple[str, ...] = tuple(json.loads(file.attrs["domains"]))
        self.grid_size = int(file.attrs["grid_size"])
        self.attributes: dict[str, Any] = json.loads(file.attrs["attributes"])

    @classmethod
    def create(
        cls, path: str | Path, domains: tuple[str, ...], grid_size: int, attributes: dict[str, Any]
    ) -> MapStore:
        """Make an empty store for one writer; FileExistsError where there is a file already."""
        for name in domains:
            get_domain(name)
        lock = _lock(Path(path))
        try:
            file = h5py.File(path, "x", libver="latest")
        except OSError:
            _unlock(lock)
            raise
        shape = (len(domains), grid_size, grid_size)
        file.create_dataset(
            "maps", (0, *shape), np.float32, maxshape=(None, *shape), chunks=(1, *shape),
            compression="lzf", shuffle=True,
        )  # fmt: skip
        file.create_dataset("rotation", (0, 3, 3), np.float64, maxshape=(None, 3, 3))
        file.create_dataset("count", data=np.zeros(1, np.int64), maxshape=(None,))
        for column, dtype in _COLUMNS.items():
            file.create_dataset(f"index/{column}", (0,), dtype, maxshape=(None,), chunks=(512,))
        file.attrs["domains"] = json.dumps(domains)
        file.attrs["grid_size"] = grid_size
        file.attrs["attributes"] = json.dumps(attributes)
        file.attrs["format"] = FORMAT
        file.swmr_mode = True
        return cls(file, lock)

    @classmethod
    def open(cls, path: str | Path, *, writable: bool = False) -> MapStore:
        """Open a store; StoreError says in one sentence why a path is none.

        Many may read while one writes; a second writer is refused.
        """
        path = Path(path)
        if not path.is_file():
            raise StoreError(f"no such map store: {path}")
        if not writable:
            return cls(_readable(path))
        lock = _lock(path)
        try:
            return cls(_writable(path), lock)
        except BaseException:
            _unlock(lock)
            raise

    def append(self, records: list[Record]) -> None:
        """Add the records of one galaxy together and flush them to disk."""
        if not records:
            return
        stack = self._stack(records)
        start = len(self)
        stop = start + len(records)
        self._write("maps", start, stop, stack)
        self._write("rotation", start, stop, np.stack([r.rotation for r in records]))
        for column in _COLUMNS:
            values = [
                split_of(r.name) if column == "split" else getattr(r, column) for r in records
            ]
            self._write(f"index/{column}", start, stop, values)
        self._file.flush()
        self._file["count"][0] = stop
        self._file.flush()

    def _stack(self, records: list[Record]) -> NDArray[np.float32]:
        """Return the maps of records as one array; StoreError where one does not fit."""
        shape = (len(self.domains), self.grid_size, self.grid_size)
        stack = np.full((len(records), *shape), np.nan, np.float32)
        for i, record in enumerate(records):
            if len(record.name.encode()) > _LONGEST_NAME or np.shape(record.rotation) != (3, 3):
                raise StoreError(
                    f"record {record.name} must have a name of at most {_LONGEST_NAME} bytes and a "
                    f"(3, 3) rotation, got {np.shape(record.rotation)}"
                )
            for name, values in record.maps.items():
                if name not in self.domains or values.shape != shape[1:]:
                    raise StoreError(
                        f"a map of {name} with shape {values.shape} does not fit a store of "
                        f"{', '.join(self.domains)} with shape {shape[1:]}"
                    )
                stack[i, self.domains.index(name)] = values
        return stack

    def _write(self, name: str, start: int, stop: int, values: Any) -> None:
        dataset = self._file[name]
        dataset.resize(stop, axis=0)
        dataset[start:stop] = values

    def __len__(self) -> int:
        """Return the number of whole records."""
        return _count(self._file)

    def column(self, name: str) -> NDArray[Any]:
        """Return one column of the index (n,): name, kind, split, redshift, extent_kpc, ..."""
        dataset = self._file[f"index/{name}"]
        if h5py.check_string_dtype(dataset.dtype):
            dataset = dataset.asstr()
        return np.asarray(dataset[: len(self)])

    def rotation(self, index: int) -> NDArray[np.float64]:
        """Return the (3, 3) rotation of a record."""
        return self._file["rotation"][index]

    def read(self, rows: Any = slice(None)) -> NDArray[np.float32]:
        """Return maps (k, domain, row, column) in physical units for increasing row numbers."""
        if isinstance(rows, slice):
            rows = slice(*rows.indices(len(self)))
        return self._file["maps"][rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        _unlock(self._lock)

    def __enter__(self) -> MapStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()


def _count(file: h5py.File) -> int:
    return int(file["count"][0] if "count" in file else file.attrs["count"])


def _readable(path: Path) -> h5py.File:
    """Return the open file of a store, also while another process writes or has died writing."""
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        try:
            file = h5py.File(path, "r", swmr=True)
        except OSError:
            raise StoreError(f"{path} is not a readable HDF5 file ({error})") from None
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise StoreError(f"{path} is an HDF5 file but not a map store of format {FORMAT}")
    return file


def _writable(path: Path) -> h5py.File:
    """Return the open file of a store to append to; the caller holds its lock."""
    _readable(path).close()
    try:
        file = h5py.File(path, "r+", libver="latest")
        clean = "count" in file
    except OSError:  # its last writer was killed
        clean = False
    if not clean:
        _rewrite(path)
        file = h5py.File(path, "r+", libver="latest")
    file.swmr_mode = True
    return file


def _rewrite(path: Path) -> None:
    """Put a clean copy of a store's whole records in its place."""
    aside = path.with_name(f".{path.name}.copy")
    aside.unlink(missing_ok=True)
    try:
        with (
            MapStore.open(path) as old,
            MapStore.create(aside, old.domains, old.grid_size, old.attributes) as new,
        ):
            for start in range(0, len(old), 256):
                stop = min(start + 256, len(old))
                for name in ("maps", "rotation", *(f"index/{c}" for c in _COLUMNS)):
                    new._write(name, start, stop, old._file[name][start:stop])
            new._file["count"][0] = len(old)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _lock(path: Path) -> IO[bytes]:
    """Take the right to write to a store, which ends with the process at the latest."""
    lock = open(path.with_name(f".{path.name}.lock"), "wb")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(f"{path} is being written by another process") from None
    return lock


def _unlock(lock: IO[bytes] | None) -> None:
    if lock is not None and not lock.closed:
        os.unlink(lock.name)
        lock.close()
