"""Shards of a map store: HDF5 files that one task writes whole, with a checksum of their bytes.

A shard opens with a block of 512 bytes that HDF5 leaves alone: one line with the SHA-256 of all
that follows, so that `tail -c +513 shard | sha256sum` tells whether a shard is what was written.
Its name is made from the galaxies in it: whoever makes the same galaxies again writes the same
file, and no two tasks ever need to agree on a number.

Maps are rounded to `MANTISSA_BITS` bits behind the leading one before they are compressed. The
relative error is at most 2^-11, or 2e-4 dex. tests/benchmarks/compression.py chose the codec.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # Registers the codec with HDF5.
import numpy as np
from numpy.typing import NDArray

from data.atomic import replacing
from data.domains import get_domain
from data.hdf5 import check_claim, read_array, reading, writing_hdf5
from data.splits import split_of

FORMAT = "galactic-alchemy-maps/2"
MANTISSA_BITS = 10
_FLOAT32_MANTISSA = 23
_USER_BLOCK = 512
_LONGEST_NAME = 128
_LARGEST_GRID = 16384
MASSES = {"gas": "gas_mass", "dark_matter": "dark_matter_mass", "stars": "stellar_mass"}


class StoreError(ValueError):
    """A path is no map store, a store is damaged, or a record does not fit it."""


@dataclass(frozen=True)
class Layout:
    """What all shards of a store share.

    Attributes
    ----------
    domains : names of the channels, in order.
    grid_size : pixels a side.
    options : how the maps were made, for people and to tell stores apart.
    """

    domains: tuple[str, ...]
    grid_size: int
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.domains:
            get_domain(name)
        if not 1 <= self.grid_size <= _LARGEST_GRID or len(set(self.domains)) < len(self.domains):
            raise StoreError(
                f"a store has different domains and a grid_size from 1 to {_LARGEST_GRID}, "
                f"got {', '.join(self.domains)} and {self.grid_size}"
            )

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return f"grid_size {self.grid_size}" + (f", {options}" if options else "")

    def to_json(self) -> str:
        """Return the text of store.json."""
        rounding = f"relative error at most 2^-{MANTISSA_BITS + 1}"
        return json.dumps({"format": FORMAT, **asdict(self), "maps": rounding}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: Path) -> Layout:
        """Return the layout that `to_json` wrote; StoreError where `text` is something else."""
        try:
            values = json.loads(text)
            names, side, options = (values[n] for n in ("domains", "grid_size", "options"))
            if values["format"] == FORMAT and type(side) is int and isinstance(options, dict):
                return cls(tuple(names), side, options)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise StoreError(f"{where} does not describe a map store of format {FORMAT}")


@dataclass(frozen=True)
class Record:
    """Maps of one galaxy in one rotation.

    `maps` holds {domain: (grid_size, grid_size)} in physical units; a domain that the galaxy
    lacks is left out and is stored as NaN. `masses` holds Msun by particle type, all in the
    cutout together, NaN in the index where left out. `lineage` is the name that the galaxy has in
    the end, see `data.splits`; "" where that is unknown.
    """

    name: str
    kind: str
    redshift: float
    extent_kpc: float
    rotation_index: int
    rotation: NDArray[Any]
    maps: Mapping[str, NDArray[Any]]
    masses: Mapping[str, float] = field(default_factory=dict)
    lineage: str = ""

    def __post_init__(self) -> None:
        longest = max(len(name.encode("utf-8", "replace")) for name in (self.name, self.lineage))
        if longest > _LONGEST_NAME or np.shape(self.rotation) != (3, 3):
            raise StoreError(
                f"record {self.name} must have name and lineage of at most {_LONGEST_NAME} bytes "
                f"and a (3, 3) rotation, got {longest} bytes and {np.shape(self.rotation)}"
            )


def index_dtype(num_domains: int) -> np.dtype[Any]:
    """Return the type of a row of the index: what is known of a map stack besides its maps."""
    return np.dtype([
        ("name", h5py.string_dtype("utf-8", _LONGEST_NAME)),
        ("lineage", h5py.string_dtype("utf-8", _LONGEST_NAME)),
        ("kind", h5py.string_dtype("utf-8", 32)), ("split", h5py.string_dtype("utf-8", 16)),
        ("redshift", np.float64), ("extent_kpc", np.float64),
        *((column, np.float64) for column in MASSES.values()),
        ("rotation_index", np.int32), ("rotation", np.float64, (3, 3)),
        ("available", np.bool_, (num_domains,)),
    ])  # fmt: skip


def write_shard(folder: Path, records: Sequence[Record], layout: Layout) -> Path:
    """Write records as one shard into `folder` and return its path.

    Raises
    ------
    StoreError : where a record does not fit the layout.
    """
    index, maps = _index(records, layout), _stack(records, layout)
    key = "\n".join(f"{record.name}@{record.rotation_index}" for record in records)
    path = folder / f"shard-{hashlib.sha256(key.encode()).hexdigest()[:16]}.hdf5"
    with replacing(path) as aside:
        with writing_hdf5(aside, userblock_size=_USER_BLOCK, libver=("v110", "v110")) as file:
            file.attrs["layout"] = layout.to_json()
            file.create_dataset("index", data=index)
            file.create_dataset("maps", data=maps, chunks=(1, 1, *maps.shape[2:]), **compression())
        digest = _digest(aside)
        with aside.open("r+b") as raw:
            raw.write(f"{FORMAT} sha256 {digest}\n".encode())
    return path


def compression() -> Mapping[str, Any]:
    """Return the filter of a dataset of maps.

    Instead of LZ4, zstd would save another tenth and read at half the speed.
    """
    return hdf5plugin.Bitshuffle(nelems=16384, cname="lz4")


def open_file(path: Path) -> h5py.File:
    """Return an open HDF5 file; StoreError where it is none."""
    try:
        # Without a cache of chunks: each is read once in a while, and copied once less.
        return h5py.File(path, "r", rdcc_nbytes=0)
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{path} is not a readable HDF5 file ({error})") from None


def open_shard(path: Path) -> h5py.File:
    """Return the open file of a shard; StoreError where it is none."""
    file = open_file(path)
    try:
        with reading(path, StoreError):
            if str(file.attrs.get("format")).startswith("galactic-alchemy-maps/"):
                raise StoreError(
                    f"{path} is a map store of an old format in one file: build it again, as a "
                    "folder"
                )
            if not all(isinstance(file.get(name), h5py.Dataset) for name in ("index", "maps")):
                raise StoreError(f"{path} is an HDF5 file but not a shard of a map store")
    except StoreError:
        file.close()
        raise
    return file


def layout_of(file: h5py.File, path: Path) -> Layout:
    """Return the layout of an open shard."""
    with reading(path, StoreError):
        return Layout.from_json(file.attrs.get("layout", ""), path)


def maps_of(file: h5py.File, layout: Layout, path: Path) -> h5py.Dataset:
    """Return the maps (n, domain, row, column) of an open shard; StoreError where they misfit."""
    with reading(path, StoreError):
        maps = file["maps"]
        expected = (len(layout.domains), layout.grid_size, layout.grid_size)
        if len(maps.shape or ()) != 4 or maps.shape[1:] != expected or maps.dtype.kind != "f":
            raise StoreError(
                f"{path} is damaged: its maps must be numbers of shape (n, "
                f"{', '.join(map(str, expected))}), got {maps.dtype} of shape {maps.shape}"
            )
        check_claim(maps)
        return maps


def rows_of(file: h5py.File, layout: Layout) -> NDArray[Any]:
    """Return the rows (n,) of the index that an open shard holds, of type `index_dtype`.

    The column `lineage` is empty where a shard is older than that column.
    """
    path = Path(file.filename)
    count = len(maps_of(file, layout, path))
    with reading(path, StoreError):
        stored = read_array(file["index"])
        rows = np.zeros(count, index_dtype(len(layout.domains)))
        lacking = set(rows.dtype.names or ()).difference(stored.dtype.names or (), ("lineage",))
        if stored.shape != rows.shape or lacking:
            raise StoreError(
                f"{path} is damaged: its index must be a table of {count} rows, got shape "
                f"{stored.shape} without {', '.join(sorted(lacking)) or 'any column missing'}"
            )
        for name in stored.dtype.names or ():
            rows[name] = stored[name]
            if rows[name].dtype.kind == "S":
                np.char.decode(rows[name], "utf-8")
    return rows


def verify_shard(path: Path) -> None:
    """Raise StoreError unless the bytes of a shard are those that were written."""
    with path.open("rb") as raw:
        words = raw.read(_USER_BLOCK).rstrip(b"\0").split()
    if words[:2] != [FORMAT.encode(), b"sha256"]:
        raise StoreError(f"{path} has no checksum of format {FORMAT}")
    if words[2:] != [_digest(path).encode()]:
        raise StoreError(f"{path} is damaged: its bytes do not match its checksum")


def _digest(path: Path) -> str:
    with path.open("rb") as raw:
        raw.seek(_USER_BLOCK)
        return hashlib.file_digest(raw, "sha256").hexdigest()


def round_mantissa(values: NDArray[Any], bits: int = MANTISSA_BITS) -> NDArray[np.float32]:
    """Return float32 `values` of any shape, rounded to nearest-even at `bits` of the mantissa.

    The bits behind are zero, which is what makes maps compress. The relative error is at most
    2^-(bits + 1). Zeros, infinities and NaN stay what they are.
    """
    drop = _FLOAT32_MANTISSA - bits
    whole = np.array(values, np.float32, order="C")
    raw = whole.view(np.uint32)
    finite = np.isfinite(whole)
    rounded = raw + (np.uint32((1 << (drop - 1)) - 1) + ((raw >> np.uint32(drop)) & np.uint32(1)))
    rounded &= np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    np.copyto(raw, rounded, where=finite)
    return whole


def _index(records: Sequence[Record], layout: Layout) -> NDArray[Any]:
    rows = []
    for record in records:
        masses = [record.masses.get(particle_type, np.nan) for particle_type in MASSES]
        available = [name in record.maps for name in layout.domains]
        rows.append((
            record.name.encode(), record.lineage.encode(), record.kind.encode(),
            split_of(record.name, record.lineage).encode(),
            record.redshift, record.extent_kpc, *masses,
            record.rotation_index, record.rotation, available,
        ))  # fmt: skip
    return np.array(rows, index_dtype(len(layout.domains)))


def _stack(records: Sequence[Record], layout: Layout) -> NDArray[np.float32]:
    """Return the rounded maps of records as one array (n, domain, row, column)."""
    shape = (layout.grid_size, layout.grid_size)
    stack = np.full((len(records), len(layout.domains), *shape), np.nan, np.float32)
    for i, record in enumerate(records):
        for name, values in record.maps.items():
            if name not in layout.domains or values.shape != shape:
                raise StoreError(
                    f"a map of {name} with shape {values.shape} does not fit a store of "
                    f"{', '.join(layout.domains)} with shape {shape}"
                )
            stack[i, layout.domains.index(name)] = values
    return round_mantissa(stack)
