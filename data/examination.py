"""Look at an HDF5 file without following anything in it, then read it once: the limited process.

`data.untrusted.check_file` runs this module as a process of its own, which reads one request from
standard input, as JSON, and answers in one line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5l, h5o, h5t, h5z

from data.hdf5 import claims_too_much, reading

UNPACKED = 8  # Times its largest size that a file may unpack to.
_MEGABYTE = 2**20
_MEMORY = 1024 * _MEGABYTE  # Address space of Python and its libraries, with room.
_COPIES = 5  # Of the datasets that a reader holds at a time, at most.
_OBJECTS, _DEPTH, _ATTRIBUTES = 2000, 8, 512
_ATTRIBUTE_ITEMS, _ATTRIBUTE_BYTES, _STRING_BYTES = 4096, 4 * _MEGABYTE, 1024
_CHUNK_BYTES, _CHUNKS = 64 * _MEGABYTE, 1_000_000
_BITSHUFFLE, _LZ4 = 32008, 2
_KNOWN = "DEFLATE, LZF, shuffle and Fletcher's checksum"
_FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_LZF}
_NUMBERS = {h5t.INTEGER: (1, 2, 4, 8), h5t.FLOAT: (2, 4, 8)}
_IT = Path("it")  # What sentences call the file, whose path is nobody's business.
_GROUPS = tuple(f"PartType{i}" for i in range(6))


class Refusal(ValueError):
    """What is wrong with a file, in words that go on a sentence about it."""


def examine(path: Path, unpacked: int) -> str:
    """Return "cutout" or "store"; Refusal where anything in the file is out of order.

    Parameters
    ----------
    unpacked : the most bytes that all datasets may have together, counted in float64.
    """
    if not h5py.is_hdf5(path):
        raise Refusal("it is not an HDF5 file")
    with reading(_IT, Refusal), h5py.File(path, "r", rdcc_nbytes=0) as file:
        walk = _Walk(file, path.stat().st_size, unpacked)
        walk.group(file.id, "/", 0)
        kind = _kind(file)
        if kind == "cutout":
            _compare_counts(file)
        _limit_memory(_MEMORY + _COPIES * walk.unpacked)
        _check_blocks(file, walk.shuffled if kind == "store" else _none(walk.shuffled))
    _read(path, kind)
    return kind


class _Walk:
    """Every object of a file, each link looked at before it is followed."""

    def __init__(self, file: h5py.File, size: int, most: int) -> None:
        self.file, self.size, self.most = file, size, most
        self.seen: set[Any] = set()
        self.stored = self.unpacked = self.attribute_bytes = 0
        self.shuffled: list[str] = []

    def group(self, group: Any, where: str, depth: int) -> None:
        if depth > _DEPTH:
            raise Refusal(f"groups lie within groups {depth} deep")
        self._visit(group, where)
        for name in _names(group):
            path = f"{where.rstrip('/')}/{_shown(name)}"
            kind = group.links.get_info(name).type
            if kind != h5l.TYPE_HARD:
                raise Refusal(f"{path} is {_LINKS.get(kind, 'a link of an unknown kind')}")
            child = h5o.open(group, name)
            if isinstance(child, h5py.h5g.GroupID):
                self.group(child, path, depth + 1)
            elif isinstance(child, h5d.DatasetID):
                self._dataset(child, path)
            else:
                raise Refusal(f"{path} is neither a group nor a dataset")

    def _visit(self, item: Any, where: str) -> None:
        information = h5o.get_info(item)
        mark = (information.fileno, information.addr)
        if mark in self.seen:
            raise Refusal(f"{where} is in the file under two names")
        self.seen.add(mark)
        if len(self.seen) > _OBJECTS:
            raise Refusal(f"it holds more than {_OBJECTS} groups and datasets")
        self._attributes(item, where)

    def _attributes(self, item: Any, where: str) -> None:
        count = h5py.h5a.get_num_attrs(item)
        if count > _ATTRIBUTES:
            raise Refusal(f"{where} has {count} attributes")
        for index in range(count):
            attribute = h5py.h5a.open(item, index=index)
            name = f"attribute {_shown(attribute.name)} of {where}"
            items = attribute.get_space().get_simple_extent_npoints()
            kind = attribute.get_type()
            if items > _ATTRIBUTE_ITEMS:
                raise Refusal(f"{name} has {items} values")
            is_text = kind.get_class() == h5t.STRING
            if not (is_text and kind.is_variable_str()):
                _check_type(kind, name)
            self.attribute_bytes += items * kind.get_size()
            if self.attribute_bytes > _ATTRIBUTE_BYTES:
                raise Refusal(f"its attributes have more than {_ATTRIBUTE_BYTES} bytes")

    def _dataset(self, dataset: Any, where: str) -> None:
        self._visit(dataset, where)
        kind, options = dataset.get_type(), dataset.get_create_plist()
        _check_type(kind, where, is_table=where in ("/index",))
        if options.get_external_count():
            raise Refusal(f"{where} has its values in another file")
        layout = options.get_layout()
        if layout == h5d.VIRTUAL:
            raise Refusal(f"{where} is a virtual dataset, of values in other files")
        if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
            raise Refusal(f"{where} has an unknown layout")
        self._filters(options, kind.get_size(), where)
        self._sizes(dataset, kind, options, where)

    def _filters(self, options: Any, width: int, where: str) -> None:
        filters = [options.get_filter(i) for i in range(options.get_nfilters())]
        found = [number for number, *_ in filters]
        if found == [_BITSHUFFLE]:
            # Version (2 numbers), width of a value, values of a block, and the codec.
            if tuple(filters[0][2][2::2]) != (width, _LZ4):
                raise Refusal(f"{where} is not packed as shards are")
            self.shuffled.append(where)
        elif len(set(found)) < len(found) or not _FILTERS.issuperset(found):
            raise Refusal(f"{where} is packed by filters other than {_KNOWN}: {found}")

    def _sizes(self, dataset: Any, kind: Any, options: Any, where: str) -> None:
        """Weigh what a dataset claims against what the file has."""
        space = dataset.get_space()
        width = max(kind.get_size(), 8)
        unpacked = space.get_simple_extent_npoints() * width
        stored = dataset.get_storage_size()
        if options.get_layout() == h5d.CHUNKED:
            chunk = int(np.prod(options.get_chunk(), dtype=object)) * width
            if chunk > _CHUNK_BYTES:
                raise Refusal(f"{where} has chunks of {chunk} bytes")
            if unpacked > _CHUNKS * chunk:
                raise Refusal(f"{where} has more than {_CHUNKS} chunks")
        self.stored, self.unpacked = self.stored + stored, self.unpacked + unpacked
        if self.unpacked > self.most:
            raise Refusal(
                f"it claims {self.unpacked} bytes of values up to {where}, and at most "
                f"{self.most} are taken"
            )
        if self.stored > self.size:
            raise Refusal(f"it claims to store more than its {self.size} bytes, up to {where}")
        if claims_too_much(unpacked, stored):
            raise Refusal(f"{where} claims {unpacked} bytes of values and stores {stored}")


_LINKS = {
    h5l.TYPE_SOFT: "a soft link, which cutouts and shards have no need of",
    h5l.TYPE_EXTERNAL: "a link to another file",
}


def _names(group: Any) -> Iterator[bytes]:
    count = group.get_num_objs()
    if count > _OBJECTS:
        raise Refusal(f"a group has {count} members")
    yield from group


def _check_type(kind: Any, where: str, *, is_table: bool = False) -> None:
    """Refuse all but plain numbers, booleans and short text, and tables of them where expected."""
    group = kind.get_class()
    if kind.committed():
        raise Refusal(f"{where} has a type with a name")
    if group in _NUMBERS and kind.get_size() in _NUMBERS[group]:
        return
    if group == h5t.STRING and not kind.is_variable_str() and kind.get_size() <= _STRING_BYTES:
        return
    if group == h5t.ENUM and kind.get_size() == 1 and kind.get_nmembers() <= 2:
        return
    if is_table and group == h5t.COMPOUND and kind.get_nmembers() <= 64:
        for member in range(kind.get_nmembers()):
            column = kind.get_member_type(member)
            if column.get_class() == h5t.ARRAY:
                if np.prod(column.get_array_dims(), dtype=object) > 64:
                    raise Refusal(f"{where} has columns of too many values")
                column = column.get_super()
            _check_type(column, where)
        return
    raise Refusal(f"{where} holds neither numbers nor short text, but {_TYPES.get(group, group)}")


_TYPES = {
    h5t.REFERENCE: "references", h5t.VLEN: "values of any length", h5t.OPAQUE: "opaque bytes",
    h5t.COMPOUND: "a table", h5t.BITFIELD: "bit fields", h5t.TIME: "times", h5t.ARRAY: "arrays",
    h5t.ENUM: "an enumeration", h5t.STRING: "long text", h5t.INTEGER: "odd whole numbers",
    h5t.FLOAT: "odd floating-point numbers",
}  # fmt: skip


def _kind(file: h5py.File) -> str:
    if isinstance(file.get("Header"), h5py.Group):
        return "cutout"
    if all(isinstance(file.get(name), h5py.Dataset) for name in ("index", "maps")):
        return "store"
    raise Refusal("it is neither a cutout, which has a Header, nor a shard of a map store")


def _compare_counts(file: h5py.File) -> None:
    """Refuse a header that counts other particles than there are.

    Cutouts that were made smaller have the true count in one of the two attributes.
    """
    header = file["Header"].attrs
    counts = [
        np.ravel(header[name])
        for name in ("NumPart_ThisFile", "NumPart_Total")
        if name in header and np.asarray(header[name]).dtype.kind in "iuf"
    ]
    for number, name in enumerate(_GROUPS):
        group = file.get(name)
        if not isinstance(group, h5py.Group) or not counts:
            continue
        claimed = {float(each[number]) for each in counts if number < len(each)}
        lengths = {each.shape[0] for each in group.values() if getattr(each, "shape", ())}
        if claimed and not any(lengths <= {count} for count in claimed):
            raise Refusal(
                f"its Header counts {' or '.join(f'{c:g}' for c in sorted(claimed))} particles of "
                f"{name}, and there are {', '.join(map(str, sorted(lengths)))}"
            )


def _none(shuffled: list[str]) -> list[str]:
    if shuffled:
        raise Refusal(f"{shuffled[0]} is packed by bitshuffle, which only shards of a store are")
    return shuffled


def _check_blocks(file: h5py.File, shuffled: list[str]) -> None:
    """Refuse chunks of bitshuffled LZ4 whose inner lengths do not fit: the filter trusts them.

    A chunk is its length unpacked (8 bytes) and that of a block (4), then for each block its
    packed length (4) and its bytes; all big-endian. What is left over, below 8 values, is bare.
    """
    for where in shuffled:
        dataset = file[where].id
        options, width = dataset.get_create_plist(), dataset.get_type().get_size()
        size = int(np.prod(options.get_chunk())) * width
        chunks: list[Any] = []
        dataset.chunk_iter(chunks.append)
        for chunk in chunks:
            if chunk.filter_mask or chunk.size > 2 * size + 1024:
                raise Refusal(f"{where} has a chunk that is not packed as it says")
            _, packed = dataset.read_direct_chunk(chunk.chunk_offset)
            if not _is_whole(packed, size, width):
                raise Refusal(f"{where} has a damaged chunk")


def _is_whole(packed: bytes, size: int, width: int) -> bool:
    """Tell whether a chunk of bitshuffled LZ4 unpacks to `size` bytes without a step outside."""
    block = int.from_bytes(packed[8:12], "big")
    if len(packed) < 12 or int.from_bytes(packed[:8], "big") != size:
        return False
    if block % (8 * width) or not 0 < block <= _MEGABYTE:
        return False
    whole, rest = divmod(size, block)
    blocks = whole + (rest >= 8 * width)
    place = 12
    for _ in range(blocks):
        length = int.from_bytes(packed[place : place + 4], "big")
        place += 4 + length
        if place > len(packed):
            return False
    return place + rest % (8 * width) == len(packed)


def _read(path: Path, kind: str) -> None:
    """Read all of it with the reader that others will use."""
    from data.cutouts import read_cutout
    from data.store import MapStore

    try:
        if kind == "cutout":
            read_cutout(path)
            return
        with MapStore.open(path) as store:
            for start in range(0, len(store), 16):
                store.read(range(start, min(start + 16, len(store))))
    except ValueError as error:
        raise Refusal(str(error).replace(str(path), "it")) from None


def _shown(name: bytes | str) -> str:
    """Return a name from the file as short plain text."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return text.encode("ascii", "backslashreplace").decode()[:64]


def _limit_memory(size: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits.
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _limit(seconds: float, size: int) -> None:
    """Let this process write nothing, and take no more than so much time and memory."""
    with suppress(ImportError):
        import resource

        most = int(seconds) + 1
        for name, value in (
            ("RLIMIT_CORE", 0), ("RLIMIT_FSIZE", 0), ("RLIMIT_CPU", most), ("RLIMIT_NOFILE", 32),
        ):  # fmt: skip
            with suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (value, value))
    _limit_memory(size)


def main() -> None:
    """Answer one request: {"kind": ...}, or {"refused": ...} with the reason."""
    request = json.load(sys.stdin)
    _limit(request["seconds"], _MEMORY)
    path = Path(request["path"])
    try:
        answer = {"kind": examine(path, int(request["unpacked"]))}
    except Refusal as refusal:
        answer = {"refused": str(refusal).replace(str(path), "it")}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
