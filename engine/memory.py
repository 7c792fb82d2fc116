"""Memory that does not hold a batch at once: the batch in parts, then a sentence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")

# What errors without a class of their own say: of memory for the CPU, and of CUDA's libraries.
_SAID = ("DefaultCPUAllocator", "ALLOC_FAILED")


class OutOfMemoryError(ValueError):
    """The memory of a device does not hold what was asked for, however small the parts."""


def is_shortage(error: BaseException) -> bool:
    """Tell whether an error is that of a device, or of this machine, without memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)


@contextmanager
def explained(sentence: str) -> Iterator[None]:
    """Raise `OutOfMemoryError` with a sentence for whatever is raised for lack of memory."""
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        raise OutOfMemoryError(sentence) from None


def explaining(sentence: str, steps: Iterable[T]) -> Generator[T, None, None]:
    """Yield from an iterator, which raises as `explained` does."""
    with explained(sentence):
        yield from steps


class Parts:
    """Goes through batches whole, and once memory fails, in parts of half as much, again and again.

    The size that went well is kept, so that a batch fails once and not each time.

    Parameters
    ----------
    sentence : what to say where memory does not hold a single row.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self._most: int | None = None

    def over(
        self, count: int, compute: Callable[[slice], T], begin: Callable[[], object] = lambda: None
    ) -> list[T]:
        """Return what `compute` makes of the rows of a batch, part by part.

        Parameters
        ----------
        count : rows of the batch.
        compute : is given the rows of one part.
        begin : is called before the first part, also where all of them are taken anew.

        Raises
        ------
        OutOfMemoryError : where one row is too many.
        """
        while True:
            most = min(self._most or count, count)
            begin()
            try:
                return [
                    compute(slice(start, min(start + most, count)))
                    for start in range(0, count, most)
                ]
            except Exception as error:
                if not is_shortage(error):
                    raise
            # Out of the clause, where the error no longer holds the tensors of what failed.
            if most == 1:
                raise OutOfMemoryError(self.sentence)
            self._most = most // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def network(self, network: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Return a network that takes its batch so; what it gives is the same up to rounding.

        All that it is given has a row for each map.
        """

        def call(*given: Tensor) -> Tensor:
            parts = self.over(len(given[0]), lambda rows: network(*(each[rows] for each in given)))
            return parts[0] if len(parts) == 1 else torch.cat(parts)

        return call
