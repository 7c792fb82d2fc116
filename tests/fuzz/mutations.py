"""Ways to spoil a file: blindly, as JSON, and as HDF5."""

import json
from contextlib import suppress

import h5py
import numpy as np

ODD = (
    None, True, -1, 0, 1, 2**31, 10**12, 10**30, -(2**63), 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", "x", "1e-3", "\ud800", "../../etc/passwd", "x" * 5000, [], {}, [[]],
    [None] * 5, [1, "a"], {"a": {"b": 1}}, [10**9] * 3, [0], [-4, 8],
)  # fmt: skip
ATTRIBUTES = (
    "text", b"\xff\xfe", 10**12, -1, 0, np.nan, np.inf, 1e300, True, 1j, np.zeros(0), np.zeros(7),
    np.full(6, 10**12), np.full(6, -1), np.full(6, np.nan), np.zeros((2, 3)),
    np.array(["a", "b"], object),
    h5py.Empty("f8"), "{" * 5000, "[" * 100_000, "x" * 40_000,
)  # fmt: skip
VALUES = (np.nan, np.inf, -np.inf, 1e300, 1e38, 1e-320, -1.0, 0.0)
TYPES = ("i1", "u8", "f2", "f4", "f8", "c16", "S3", "S0", "?", h5py.string_dtype(), h5py.ref_dtype,
         h5py.vlen_dtype("f4"), [("a", "f4"), ("b", "i4")])  # fmt: skip


def spoil_bytes(raw, rng):
    """Return bytes with flipped bits, other numbers, swapped, doubled or missing blocks."""
    raw = bytearray(raw)
    for _ in range(int(rng.integers(1, 4))):
        size = len(raw)
        if size < 32:
            break
        place, length = int(rng.integers(size)), int(2 ** rng.uniform(0, 10))
        kind = int(rng.integers(7))
        if kind == 0:
            for flip in rng.integers(0, size, int(2 ** rng.uniform(0, 6))):
                raw[flip] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del raw[place:]
        elif kind == 2:
            other = int(rng.integers(size))
            raw[place : place + length], raw[other : other + length] = (
                raw[other : other + length], raw[place : place + length],
            )  # fmt: skip
        elif kind == 3:
            raw[place : place + length] = bytes([int(rng.choice([0, 255]))]) * length
        elif kind == 4:
            number = int(rng.choice([-1, 1, 2**31 - 1, 2**40, 10**12, 2**63 - 1]))
            raw[place : place + 8] = number.to_bytes(8, "little", signed=True)
        elif kind == 5:
            raw[place:place] = raw[place : place + length]
        else:
            raw[place] = int(rng.integers(256))
    return bytes(raw)


def spoil_json(value, rng):
    """Return a JSON value with one part replaced, taken away, doubled or renamed."""
    value = json.loads(json.dumps(value))
    places = list(_places(value))
    for _ in range(int(rng.integers(1, 3))):
        holder, key = places[int(rng.integers(len(places)))]
        kind = int(rng.integers(8))
        with suppress(KeyError, IndexError):
            if kind == 0:
                del holder[key]
            elif kind == 1 and isinstance(holder, dict):
                holder[str(ODD[int(rng.integers(len(ODD)))])] = holder.pop(key)
            elif kind == 2 and isinstance(holder, list):
                holder.insert(key, holder[key])
            else:
                holder[key] = ODD[int(rng.integers(len(ODD)))]
    return value


def _places(value):
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list) and value[key]:
            yield from _places(value[key])


def spoil_hdf5(path, rng):
    """Change one or two things in an HDF5 file, so that the library still reads it."""
    with h5py.File(path, "r+") as file:
        for _ in range(int(rng.integers(1, 3))):
            items = [file]
            file.visititems(lambda _, item: items.append(item))  # noqa: B023
            item = items[int(rng.integers(len(items)))]
            names = list(item.attrs)
            with suppress(Exception):  # What cannot be done is left undone.
                if names and rng.random() < 0.5:
                    _attribute(item, names[int(rng.integers(len(names)))], rng)
                elif isinstance(item, h5py.Dataset):
                    _dataset(file, item, rng)
                elif item.name != "/":
                    _group(file, item.name, rng)


def _attribute(item, name, rng):
    if rng.random() < 0.15:
        del item.attrs[name]
    else:
        item.attrs[name] = ATTRIBUTES[int(rng.integers(len(ATTRIBUTES)))]


def _dataset(file, item, rng):
    name, shape, dtype = item.name, item.shape, item.dtype
    kind = int(rng.integers(6))
    if kind == 0 and dtype.kind == "f" and item.size:
        item[tuple(int(rng.integers(n)) for n in shape)] = VALUES[int(rng.integers(len(VALUES)))]
        return
    if kind == 0 and dtype.names:
        column = dtype.names[int(rng.integers(len(dtype.names)))]
        rows = item[:]
        rows[column] = b"\xff" * 8 if dtype[column].kind == "S" else -7
        item[:] = rows
        return
    del file[name]
    if kind == 1:
        file.create_dataset(name, shape, TYPES[int(rng.integers(len(TYPES)))])
    elif kind == 2:
        shapes = ((), (0,), (1,), (3, 3, 3), shape[::-1], (shape[0] + 1, *shape[1:]), (0, 3),
                  (max(shape[0] - 1, 0), *shape[1:]))  # fmt: skip
        file.create_dataset(name, shapes[int(rng.integers(len(shapes)))], dtype)
    elif kind == 3:
        chunks = (min(shape[0], 64) or 1, *shape[1:])
        file.create_dataset(name, (10**12, *shape[1:]), dtype, chunks=chunks)
    elif kind == 4:
        file.create_dataset(name, data=h5py.Empty(dtype))
    elif kind == 5 and dtype.kind == "f":
        file.create_dataset(
            name, data=np.resize(_value(dtype, rng), (min(shape[0], 100), *shape[1:]))
        )
    else:
        _link(file, name, rng)


def _value(dtype, rng):
    with np.errstate(over="ignore"):
        return np.array(VALUES[int(rng.integers(len(VALUES)))]).astype(dtype)


def _group(file, name, rng):
    if rng.random() < 0.5:
        file[f"{name}/{'Potential' if 'Part' in name else 'x'}"] = np.zeros(3)
        return
    del file[name]
    _link(file, name, rng)


def _link(file, name, rng):
    kind = int(rng.integers(5))
    if kind == 0:
        file[name] = h5py.SoftLink(name)
    elif kind == 1:
        file[name] = h5py.ExternalLink("/etc/passwd", "/")
    elif kind == 2:
        file.create_group(name)
    elif kind == 3:
        file[name] = np.dtype("f8")
