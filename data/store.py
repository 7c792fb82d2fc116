"""A store of maps: a folder of shards, with an index that can be asked without opening them.

    store.json       what all shards share: format, domains, grid size, options
    shard-*.hdf5     the maps of a few galaxies each, with their rows of the index
    index.hdf5       the rows of all shards, a cache: made from them again where it is not there
    .unfinished      there from the begin of a build to its end

Any number of processes, on any number of machines, may add shards at the same time, for each
writes files of its own. A reader sees all shards that were whole when it opened the store.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.atomic import replacing
from data.hdf5 import read_array, reading, writing_hdf5
from data.shards import (
    Layout,
    Record,
    StoreError,
    index_dtype,
    layout_of,
    maps_of,
    open_shard,
    rows_of,
    verify_shard,
    write_shard,
)

__all__ = ["Layout", "MapStore", "Record", "StoreError"]

DESCRIPTION, INDEX, UNFINISHED = "store.json", "index.hdf5", ".unfinished"
_OPEN_SHARDS = 128


def require_place(path: Path) -> None:
    """Raise StoreError unless a store can be made at `path`."""
    if not path.parent.is_dir():
        raise StoreError(f"the store must lie in a folder that exists, got {path}")
    if path.exists() and not (path.is_dir() and all(p.name[0] == "." for p in path.iterdir())):
        raise StoreError(f"the store must be a new folder, but {path} is there already")


class MapStore:
    """Map stacks (n, domain, row, column) float32 with their index; a context manager.

    Rows are sorted by name and rotation, so that they depend on neither the number of workers nor
    the order in which they came to an end. A stack that two shards hold counts once. The store can
    be handed to other processes: each opens files of its own.

    Attributes
    ----------
    layout : domains, grid size and options.
    index : (n,) structured, see `data.shards.index_dtype`.
    """

    def __init__(self, path: Path, layout: Layout, folder: Path) -> None:
        self.path, self.layout, self._folder = path, layout, folder
        self.index: NDArray[Any]
        self._files: OrderedDict[int, h5py.Dataset] = OrderedDict()
        self._process = os.getpid()
        self._clear()

    @classmethod
    def create(cls, path: str | Path, layout: Layout) -> MapStore:
        """Make an empty store; StoreError where there is something else already."""
        path = Path(path)
        require_place(path)
        path.mkdir(exist_ok=True)
        with replacing(path / DESCRIPTION) as aside:
            aside.write_text(layout.to_json())
        return cls(path, layout, path)

    @classmethod
    def open(cls, path: str | Path) -> MapStore:
        """Open a store, or a single shard as a store; StoreError says why a path is none."""
        path = Path(path)
        if path.is_file():
            return cls._of_shard(path)
        try:
            text = (path / DESCRIPTION).read_bytes()
        except OSError:
            raise StoreError(f"no such map store: {path}") from None
        store = cls(path, Layout.from_json(text, path / DESCRIPTION), path)
        store.refresh()
        return store

    @classmethod
    def _of_shard(cls, path: Path) -> MapStore:
        with open_shard(path) as file:
            store = cls(path, layout_of(file, path), path.parent)
            rows = rows_of(file, store.layout)
        store._shards = [path.name]
        store._sort(rows, np.stack([np.zeros(len(rows), np.int64), np.arange(len(rows))], axis=1))
        return store

    def begin(self) -> None:
        """Note that shards will come, until `finish`; a store that is killed meanwhile tells."""
        with replacing(self._folder / UNFINISHED) as aside:
            aside.touch()

    def finish(self) -> None:
        """Write the index for readers to come: all that was to come has."""
        self.refresh()
        self.write_index()
        (self._folder / UNFINISHED).unlink(missing_ok=True)

    def require_finished(self) -> None:
        """Raise StoreError where a build has begun and none has come to its end since."""
        if self.path == self._folder and (self._folder / UNFINISHED).exists():
            raise StoreError(
                f"{self.path} is not finished: its build is at work or was stopped; run the same "
                "again, and it goes on"
            )

    def add(self, records: Sequence[Record]) -> Path:
        """Write records as one shard, and return its path."""
        if self.path != self._folder:
            raise StoreError(f"{self.path} is a single shard and takes no more records")
        path = write_shard(self._folder, records, self.layout)
        self.refresh()
        return path

    def refresh(self) -> None:
        """Take up the shards that came since, and let go of those that went."""
        there = {path.name for path in self._folder.glob("shard-*.hdf5")}
        if not self._shards:
            self._read_index()
        if not there.issuperset(self._shards):
            self.close()
            self._clear()
        new = sorted(there.difference(self._shards))
        rows, where = [self.index], [self._where]
        for name in new:
            with open_shard(self._folder / name) as file:
                layout = layout_of(file, self._folder / name)
                if layout != self.layout:
                    raise StoreError(f"{self._folder / name} is a shard of another store, {layout}")
                rows.append(rows_of(file, layout))
            number = np.full(len(rows[-1]), len(self._shards))
            where.append(np.stack([number, np.arange(len(number))], axis=1))
            self._shards.append(name)
        if new:
            self._sort(np.concatenate(rows), np.concatenate(where))

    def _sort(self, rows: NDArray[Any], where: NDArray[np.int64]) -> None:
        """Sort rows by name and rotation, and keep the first of those that are there twice."""
        order = np.lexsort((where[:, 0], rows["rotation_index"], rows["name"]))
        rows, where = rows[order], where[order]
        new = np.ones(len(rows), bool)
        new[1:] = (rows["name"][1:] != rows["name"][:-1]) | (
            rows["rotation_index"][1:] != rows["rotation_index"][:-1]
        )
        self.index, self._where = rows[new], where[new]

    def _clear(self) -> None:
        self._shards: list[str] = []
        self._where = np.zeros((0, 2), np.int64)  # Shard and row of each row of the index.
        self.index = np.zeros(0, index_dtype(len(self.domains)))

    def _read_index(self) -> None:
        """Take what index.hdf5 knows; nothing where it is not there or of another version."""
        try:
            with reading(self._folder / INDEX, StoreError):
                with h5py.File(self._folder / INDEX, "r") as file:
                    rows, where, names = (
                        read_array(file[name]) for name in ("rows", "where", "shards")
                    )
                shards = [name.decode() for name in names]
                for column in rows.dtype.names or ():
                    if rows[column].dtype.kind == "S":
                        np.char.decode(rows[column], "utf-8")
        except StoreError:
            return
        is_of_today = rows.dtype == self.index.dtype and rows.ndim == 1
        if is_of_today and where.shape == (len(rows), 2) and where.dtype.kind in "iu":
            # A damaged index may name shards or rows that are not there.
            if len(rows) and (where.min() < 0 or where[:, 0].max() >= len(shards)):
                return
            self.index, self._where, self._shards = rows, where.astype(np.int64), shards

    def write_index(self) -> None:
        """Write the index for readers to come, in place of the one that is there."""
        with replacing(self._folder / INDEX) as aside, writing_hdf5(aside) as file:
            file.create_dataset("rows", data=self.index, compression="gzip", shuffle=True)
            file.create_dataset("where", data=self._where, compression="gzip", shuffle=True)
            file.create_dataset("shards", data=np.array(self._shards, "S"))

    def __len__(self) -> int:
        """Return the number of map stacks: galaxies times rotations."""
        return len(self.index)

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, in the order of the channels."""
        return self.layout.domains

    @property
    def grid_size(self) -> int:
        """Pixels a side."""
        return self.layout.grid_size

    def column(self, name: str) -> NDArray[Any]:
        """Return one column of the index (n, ...): name, lineage, redshift, stellar_mass, ..."""
        try:
            values = self.index[name]
        except ValueError:
            known = ", ".join(self.index.dtype.names or ())
            raise StoreError(f"no column {name!r} in the index; there are {known}") from None
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values

    def select(self, **wanted: Any) -> NDArray[np.intp]:
        """Return the rows of the index that fit, in order.

        Parameters
        ----------
        wanted : by column, a value, or (lowest, highest) for a range that includes both ends, as
            in `select(split="train", redshift=(0.0, 0.2), stellar_mass=(1e10, np.inf))`.
        """
        fits = np.ones(len(self), bool)
        for name, value in wanted.items():
            column = self.column(name)
            if isinstance(value, tuple):
                fits &= (column >= value[0]) & (column <= value[1])
            else:
                fits &= column == value
        return np.flatnonzero(fits)

    def read(
        self, rows: slice | Iterable[int] = slice(None), domains: Sequence[str] | None = None
    ) -> NDArray[np.float32]:
        """Return maps (k, domain, row, column) in physical units, in the order of `rows`.

        Of `domains`, or of all of them where None; others are not read. A domain that a galaxy
        lacks is NaN.
        """
        chosen = np.arange(len(self))[rows if isinstance(rows, slice) else np.asarray(rows, int)]
        channels = range(len(self.domains)) if domains is None else self.channels(domains)
        out = np.empty((len(chosen), len(channels), self.grid_size, self.grid_size), np.float32)
        for place in np.lexsort(self._where[chosen].T[::-1]).tolist():
            shard, row = self._where[chosen[place]].tolist()
            maps = self._maps(shard)
            with reading(self._folder / self._shards[shard], StoreError):
                if domains is None:
                    out[place] = maps[row]
                else:
                    for i, channel in enumerate(channels):
                        out[place, i] = maps[row, channel]
        return out

    def channels(self, domains: Sequence[str]) -> Sequence[int]:
        """Return the channels of `domains`; StoreError where the store lacks one."""
        lacking = set(domains).difference(self.domains)
        if lacking:
            raise StoreError(f"{self.path} has no {', '.join(sorted(lacking))}")
        return [self.domains.index(name) for name in domains]

    def _maps(self, shard: int) -> h5py.Dataset:
        """Return the open maps of a shard; files of a parent process are not shared."""
        if self._process != os.getpid():
            self._files, self._process = OrderedDict(), os.getpid()
        if shard not in self._files:
            if len(self._files) >= _OPEN_SHARDS:
                self._files.popitem(last=False)[1].file.close()
            path = self._folder / self._shards[shard]
            self._files[shard] = maps_of(open_shard(path), self.layout, path)
        self._files.move_to_end(shard)
        return self._files[shard]

    def damaged(self) -> list[str]:
        """Read every byte of the store, and return one sentence for each damaged shard."""
        found = []
        for name in self._shards:
            try:
                verify_shard(self._folder / name)
            except (StoreError, OSError) as error:
                found.append(str(error))
        return found

    def num_bytes(self) -> int:
        """Return the size of all shards."""
        return sum((self._folder / name).stat().st_size for name in self._shards)

    def close(self) -> None:
        """Close the files of this process."""
        while self._files:
            self._files.popitem()[1].file.close()

    def __enter__(self) -> MapStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict(), "_process": -1}
