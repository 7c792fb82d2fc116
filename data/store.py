"""The HDF5 store of maps: one record a galaxy and rotation, appended whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.splits import split_of

FORMAT = "galactic-alchemy-maps/1"
_COLUMNS: dict[str, Any] = {
    "name": h5py.string_dtype(),
    "kind": h5py.string_dtype(),
    "split": h5py.string_dtype(),
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
    lies beyond it, is never read, and is written over.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self.domains: tuple[str, ...] = tuple(json.loads(file.attrs["domains"]))
        self.grid_size = int(file.attrs["grid_size"])
        self.attributes: dict[str, Any] = json.loads(file.attrs["attributes"])

    @classmethod
    def create(
        cls, path: str | Path, domains: tuple[str, ...], grid_size: int, attributes: dict[str, Any]
    ) -> MapStore:
        """Make an empty store; FileExistsError where there is a file already."""
        for name in domains:
            get_domain(name)
        file = h5py.File(path, "x")
        shape = (len(domains), grid_size, grid_size)
        file.create_dataset(
            "maps", (0, *shape), np.float32, maxshape=(None, *shape), chunks=(1, *shape),
            compression="lzf", shuffle=True,
        )  # fmt: skip
        file.create_dataset("rotation", (0, 3, 3), np.float64, maxshape=(None, 3, 3))
        for column, dtype in _COLUMNS.items():
            file.create_dataset(f"index/{column}", (0,), dtype, maxshape=(None,))
        file.attrs["domains"] = json.dumps(domains)
        file.attrs["grid_size"] = grid_size
        file.attrs["attributes"] = json.dumps(attributes)
        file.attrs["count"] = 0
        file.attrs["format"] = FORMAT
        file.flush()
        return cls(file)

    @classmethod
    def open(cls, path: str | Path, *, writable: bool = False) -> MapStore:
        """Open a store; StoreError says in one sentence why a path is none."""
        if not Path(path).is_file():
            raise StoreError(f"no such map store: {path}")
        try:
            file = h5py.File(path, "r+" if writable else "r")
        except OSError as error:
            raise StoreError(f"{path} is not a readable HDF5 file ({error})") from None
        if file.attrs.get("format") != FORMAT:
            file.close()
            raise StoreError(f"{path} is an HDF5 file but not a map store of format {FORMAT}")
        return cls(file)

    def append(self, records: list[Record]) -> None:
        """Add the records of one galaxy together and flush them to disk."""
        stack = np.full(
            (len(records), len(self.domains), self.grid_size, self.grid_size), np.nan, np.float32
        )
        for i, record in enumerate(records):
            for name, values in record.maps.items():
                if name not in self.domains or values.shape != stack.shape[2:]:
                    raise StoreError(f"a map of {name} with shape {values.shape} does not fit")
                stack[i, self.domains.index(name)] = values
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
        self._file.attrs["count"] = stop
        self._file.flush()

    def _write(self, name: str, start: int, stop: int, values: Any) -> None:
        dataset = self._file[name]
        dataset.resize(stop, axis=0)
        dataset[start:stop] = values

    def __len__(self) -> int:
        """Return the number of whole records."""
        return int(self._file.attrs["count"])

    def column(self, name: str) -> NDArray[Any]:
        """Return one column of the index (n,): name, kind, split, redshift, extent_kpc, ..."""
        dataset = self._file[f"index/{name}"]
        values = dataset.asstr()[: len(self)] if h5py.check_string_dtype(dataset.dtype) else None
        return np.asarray(dataset[: len(self)] if values is None else values)

    def rotation(self, index: int) -> NDArray[np.float64]:
        """Return the (3, 3) rotation of a record."""
        return self._file["rotation"][index]

    def read(self, rows: Any = slice(None)) -> NDArray[np.float32]:
        """Return maps (k, domain, row, column) in physical units for increasing row numbers."""
        whole = isinstance(rows, slice) and rows == slice(None)
        return self._file["maps"][slice(len(self)) if whole else rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> MapStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()
