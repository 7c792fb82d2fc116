"""Invertible transforms between physical maps and the numbers that networks see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain


def to_log(values: NDArray[Any], domain: str) -> NDArray[Any]:
    """Return log10(values + floor) in dex for physical `values` of any shape."""
    return np.log10(np.maximum(values, 0.0) + get_domain(domain).floor)


def normalize(values: NDArray[Any], domain: str) -> NDArray[np.float32]:
    """Map physical `values` (any shape, the domain's unit) to about zero mean and unit spread."""
    d = get_domain(domain)
    return ((to_log(values, domain) - d.center_dex) / d.scale_dex).astype(np.float32)


def denormalize(x: NDArray[Any], domain: str) -> NDArray[np.float32]:
    """Inverse of `normalize`: physical values; what lies below an empty pixel becomes zero."""
    d = get_domain(domain)
    values = 10.0 ** (np.asarray(x, np.float64) * d.scale_dex + d.center_dex) - d.floor
    return np.maximum(values, 0.0).astype(np.float32)


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


def statistics(
    batches: Iterable[NDArray[Any]], domains: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the normalizer's constants that maps would ask for, as a checkpoint's card has them.

    One pass that holds a batch at a time.

    Parameters
    ----------
    batches : arrays (n, domain, row, column) in physical units. A map with a NaN, as a store holds
        where a galaxy lacks the domain, is skipped.
    domains : names along the second axis.

    Returns
    -------
    For each domain with a map: "floor" in its unit, as in `DOMAINS`, and mean and standard
    deviation of log10(value + floor) over all pixels as "center_dex" and "scale_dex".
    """
    moments = {name: Moments() for name in domains}
    for batch in batches:
        for index, name in enumerate(domains):
            maps = np.asarray(batch[:, index], np.float64)
            maps = maps[np.isfinite(maps).all(axis=(1, 2))]
            moments[name] += Moments.of(to_log(maps, name))
    return {
        name: {
            "floor": get_domain(name).floor,
            "center_dex": sample.mean,
            "scale_dex": sample.standard_deviation,
        }
        for name, sample in moments.items()
        if sample.count
    }
