"""HDF5 files that may be damaged, or cannot be written.

What the library raises on damaged ones becomes one error, and no claim goes unchecked. A write that
fails never reaches the library, which crashes when it closes a file that it could not write.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

# DEFLATE, the strongest of the filters in use, packs at most 1032 to 1; small things may be all
# alike.
RATIO, SMALL_BYTES = 1100, 65536

# What h5py and numpy were seen to raise on damaged files.
_DAMAGE = (
    OSError, RuntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError,
    ArithmeticError, MemoryError,
)  # fmt: skip


@contextmanager
def reading(path: Path, error: type[ValueError]) -> Iterator[None]:
    """Raise `error` with one sentence in place of what h5py raises on a damaged file."""
    try:
        yield
    except error:
        raise
    except _DAMAGE as found:
        said = " ".join(str(found).replace(str(path), "it").split()) or type(found).__name__
        raise error(f"{path} is damaged: {said[:300]}") from found


def claims_too_much(size: int, stored: int) -> bool:
    """Tell whether values of `size` bytes cannot come from `stored` bytes, however well packed."""
    return size > RATIO * stored + SMALL_BYTES


def check_claim(dataset: h5py.Dataset) -> None:
    """Raise ValueError where a dataset claims more than it stores, before memory is taken.

    Nor may its values lie in another file, which external storage and virtual datasets could have
    the library read.
    """
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise ValueError(f"{getattr(dataset, 'name', dataset)} must hold values")
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"{dataset.name} has its values in another file")
    size, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claims_too_much(size, stored):
        raise ValueError(f"{dataset.name} claims {size} bytes of values and stores {stored}")


def read_array(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return all values of a dataset; ValueError where it claims more than it stores."""
    check_claim(dataset)
    return np.asarray(dataset[()])


@contextmanager
def writing_hdf5(path: Path, mode: str = "w", **options: Any) -> Iterator[h5py.File]:
    """Open an HDF5 file to write it, "w" anew or "r+" in place.

    Raises
    ------
    OSError : at the end of the block, where the disk took less than all of it.
    """
    with _Sink(path, "w+" if mode == "w" else mode) as sink:
        try:
            with h5py.File(sink, mode, **options) as file:
                yield file
        except Exception:
            if sink.failure is None:
                raise
        if sink.failure is not None:
            raise sink.failure


class _Sink(io.FileIO):
    """A file whose writes always seem to succeed; the first that did not is its `failure`."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while self.failure is None and len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.failure = error
        return size

    def readinto(self, buffer: Any) -> int:
        """Read as usual; after a failure, zeros for what is not there."""
        view = memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        if self.failure is not None and not count:
            view[:] = bytes(len(view))
            return len(view)
        return count

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return self.tell() if size is None else size
