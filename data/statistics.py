"""Statistics of maps in one pass, and the normalization that they give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.normalize import Normalization, Scale, to_log
from data.store import MapStore, StoreError

_ROWS_AT_ONCE = 64
# Maps that spread by less than a store rounds them by (2e-4 dex) are one value.
_LEAST_SPREAD_DEX = 1e-4


@dataclass(frozen=True)
class Moments:
    """Count, mean, and sum of squared deviations from it, of numbers that need not be kept."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[Any]) -> Moments:
        """Return the moments of an array of any shape, summed in float64."""
        if not values.size:
            return cls()
        mean = float(np.mean(values, dtype=np.float64))
        return cls(values.size, mean, float(np.sum((values - mean) ** 2, dtype=np.float64)))

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both samples together (Chan, Golub & LeVeque 1979)."""
        count = self.count + other.count
        if not count:
            return self
        step = other.mean - self.mean
        return Moments(
            count,
            self.mean + step * other.count / count,
            self.squares + other.squares + step**2 * self.count * other.count / count,
        )

    @property
    def standard_deviation(self) -> float:
        """Root of the mean squared deviation; 0 where there is nothing."""
        return float(np.sqrt(self.squares / max(self.count, 1)))


def normalization(batches: Iterable[NDArray[Any]], domains: Sequence[str]) -> Normalization:
    """Return the normalization that maps ask for, in one pass that holds a batch at a time.

    Parameters
    ----------
    batches : arrays (n, domain, row, column) in physical units. A map with a NaN, as a store holds
        where a galaxy lacks the domain, is skipped.
    domains : names along the second axis.

    Returns
    -------
    For each domain with a map: the floor of `DOMAINS`, and mean and standard deviation of
    log10(value + floor) over all pixels as center and scale.

    Raises
    ------
    ValueError : where all pixels of a domain hold one value, which has no spread.
    """
    moments = {name: Moments() for name in domains}
    for batch in batches:
        for index, name in enumerate(domains):
            maps = np.asarray(batch[:, index], np.float64)
            maps = maps[np.isfinite(maps).all(axis=(1, 2))]
            moments[name] += Moments.of(to_log(maps, name))
    found = {name: sample for name, sample in moments.items() if sample.count}
    for name, sample in found.items():
        if sample.standard_deviation < _LEAST_SPREAD_DEX:
            raise ValueError(f"all pixels of {name} hold one value, which gives no scale")
    return Normalization({
        name: Scale(get_domain(name).floor, sample.mean, sample.standard_deviation)
        for name, sample in found.items()
    })  # fmt: skip


def store_normalization(store: MapStore, split: str = "train") -> Normalization:
    """Return the normalization that the maps of one split of a store ask for.

    Raises
    ------
    StoreError : where the store holds no maps of that split.
    ValueError : as `normalization` does.
    """
    rows = store.select(split=split)
    if not len(rows):
        raise StoreError(f"{store.path} holds no maps of the split {split}")
    blocks = np.array_split(rows, -(-len(rows) // _ROWS_AT_ONCE))
    return normalization(map(store.read, blocks), store.domains)
