"""HDF5 files that may be damaged: what the library raises in one error, and no claim unchecked."""

from __future__ import annotations

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
    """Raise ValueError where a dataset claims more than it stores, before memory is taken."""
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise ValueError(f"{getattr(dataset, 'name', dataset)} must hold values")
    size, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claims_too_much(size, stored):
        raise ValueError(f"{dataset.name} claims {size} bytes of values and stores {stored}")


def read_array(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return all values of a dataset; ValueError where it claims more than it stores."""
    check_claim(dataset)
    return np.asarray(dataset[()])
