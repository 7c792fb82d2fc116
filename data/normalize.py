"""Invertible transforms between physical maps and the numbers that networks see."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS, OBSERVED, get_domain


@dataclass(frozen=True)
class Scale:
    """Constants of one domain: x = (log10(value + floor) - center_dex) / scale_dex.

    Attributes
    ----------
    floor : softening of the logarithm, in the domain's unit; above zero.
    center_dex, scale_dex : in dex; the scale is above zero.
    """

    floor: float
    center_dex: float
    scale_dex: float

    def __post_init__(self) -> None:
        values = (self.floor, self.center_dex, self.scale_dex)
        are_numbers = all(type(v) in (int, float) and math.isfinite(v) for v in values)
        if not (are_numbers and self.floor > 0 and self.scale_dex > 0):
            raise ValueError(
                "floor, center_dex and scale_dex must be finite numbers, floor and scale_dex above "
                f"zero, got {', '.join(map(repr, values))}"
            )


@dataclass(frozen=True)
class Normalization:
    """The constants that maps are normalized by, as a checkpoint's card carries them.

    Attributes
    ----------
    scales : by the name of the domain.
    """

    scales: Mapping[str, Scale]

    def __getitem__(self, domain: str) -> Scale:
        """Return the constants of a domain; ValueError where there are none."""
        if domain not in self.scales:
            raise ValueError(f"no normalization of {get_domain(domain).name} is known")
        return self.scales[domain]

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return what `from_json` takes, exactly."""
        return {name: asdict(scale) for name, scale in self.scales.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Normalization:
        """Read constants by domain; ValueError names the domain whose constants are wrong."""
        scales = {}
        for name, constants in values.items():
            try:
                scales[name] = Scale(**constants)
            except TypeError:
                raise ValueError(
                    f"{name} must hold floor, center_dex and scale_dex, got {constants!r}"
                ) from None
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return cls(scales)


DEFAULT = Normalization({
    name: Scale(d.floor, d.center_dex, d.scale_dex) for name, d in (DOMAINS | OBSERVED).items()
})  # fmt: skip


def to_log(
    values: NDArray[Any], domain: str, normalization: Normalization = DEFAULT
) -> NDArray[Any]:
    """Return log10(values + floor) in dex for physical `values` of any shape."""
    return np.log10(np.maximum(values, 0.0) + normalization[domain].floor)


def normalize(
    values: NDArray[Any], domain: str, normalization: Normalization = DEFAULT
) -> NDArray[np.float32]:
    """Map physical `values` (any shape, the domain's unit) to about zero mean and unit spread."""
    scale = normalization[domain]
    dex = to_log(values, domain, normalization)
    return ((dex - scale.center_dex) / scale.scale_dex).astype(np.float32)


def denormalize(
    x: NDArray[Any], domain: str, normalization: Normalization = DEFAULT
) -> NDArray[np.float32]:
    """Inverse of `normalize`: physical values; what lies below an empty pixel becomes zero."""
    scale = normalization[domain]
    dex = np.asarray(x, np.float64) * scale.scale_dex + scale.center_dex
    return np.maximum(10.0**dex - scale.floor, 0.0).astype(np.float32)


def log_jacobian(
    values: NDArray[Any], domain: str, normalization: Normalization = DEFAULT
) -> NDArray[np.float64]:
    """Return ln |dx / dvalue| of each pixel, for positive physical `values` of any shape.

    Its sum over a map takes a log-density of normalized maps to one of physical maps, per unit of
    the domain in each pixel.
    """
    scale = normalization[domain]
    softened = np.asarray(values, np.float64) + scale.floor
    return -np.log(scale.scale_dex * math.log(10.0) * softened)
