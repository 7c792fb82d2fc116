"""Between galaxies in kpc and the numbers that networks of points see."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.clouds import FEATURES, Cloud
from engine.points.network import Condition

SCALARS = ("log10 gas mass", "log10 radius", "redshift", *(f"mean {name}" for name in FEATURES))


@dataclass(frozen=True)
class Warp:
    """Radial warp of one type of points, u = (x/r) asinh(r / (softening R)) / spread.

    Densities span decades from the center of a galaxy to its outskirts; on this scale they do not.
    R is the half-mass radius of the gas, which is known wherever the gas is.

    Attributes
    ----------
    softening : in R, below which space stays as it is.
    spread : root mean square of u along an axis without it.
    """

    softening: float
    spread: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) not in (int, float) or not 0 < value < math.inf:
                raise ValueError(f"{name} must be a number above zero, got {value!r}")

    def apply(self, points: Tensor, radius: float) -> Tensor:
        """Return u (..., 3) of points (..., 3) in kpc."""
        r = points.norm(dim=-1, keepdim=True) / (self.softening * radius)
        factor = torch.where(r > 1e-6, torch.asinh(r) / r.clamp_min(1e-6), 1.0)
        return points * factor / (self.softening * radius * self.spread)

    def undo(self, u: Tensor, radius: float) -> Tensor:
        """Return points (..., 3) in kpc of u (..., 3)."""
        r = u.norm(dim=-1, keepdim=True) * self.spread
        factor = torch.where(r > 1e-6, torch.sinh(r) / r.clamp_min(1e-6), 1.0)
        return u * factor * (self.softening * radius * self.spread)


@dataclass(frozen=True)
class CloudScale:
    """Constants of a network of points, as its card carries them.

    Attributes
    ----------
    warps : by target.
    features, scalars : (mean, standard deviation) of each of `data.clouds.FEATURES` and `SCALARS`.
    masses : by target, the constants c of log10(mass / gas mass) = c_0 + sum c_k z_k + c_n e, where
        z are the normalized scalars and e is standard normal: a linear fit and its scatter.
    """

    warps: dict[str, Warp]
    features: tuple[tuple[float, float], ...]
    scalars: tuple[tuple[float, float], ...]
    masses: dict[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        for name, count in (("features", len(FEATURES)), ("scalars", len(SCALARS))):
            pairs = np.asarray(getattr(self, name), float)
            if (
                pairs.shape != (count, 2)
                or not np.isfinite(pairs).all()
                or (pairs[:, 1] <= 0).any()
            ):
                raise ValueError(
                    f"{name} must be {count} pairs of a mean and a spread above zero, got "
                    f"{getattr(self, name)!r:.80}"
                )
        for target, constants in self.masses.items():
            if len(constants) != len(SCALARS) + 2 or not np.isfinite(constants).all():
                raise ValueError(
                    f"masses of {target} must be {len(SCALARS) + 2} numbers, got {constants!r:.80}"
                )
        if set(self.masses) != set(self.warps):
            raise ValueError("warps and masses must be of the same targets")

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes, exactly."""
        values = asdict(self)
        return {k: [list(v) for v in values[k]] for k in ("features", "scalars")} | {
            "warps": values["warps"], "masses": {k: list(v) for k, v in self.masses.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CloudScale:
        """Read the constants of a card; ValueError where they are none."""
        try:
            return cls(
                {name: Warp(**fields) for name, fields in values["warps"].items()},
                tuple(tuple(pair) for pair in values["features"]),
                tuple(tuple(pair) for pair in values["scalars"]),
                {name: tuple(found) for name, found in values["masses"].items()},
            )
        except (TypeError, KeyError, AttributeError):
            raise ValueError(
                f"the constants must hold warps, features, scalars and masses, got {values!r:.80}"
            ) from None

    def standard_scalars(self, cloud: Cloud) -> Tensor:
        """Return the normalized scalars (s,) of a galaxy."""
        mean, spread = torch.tensor(self.scalars, dtype=torch.float64).T
        return ((torch.from_numpy(scalars_of(cloud)) - mean) / spread).float()

    def condition(self, cloud: Cloud, target: str) -> Condition:
        """Return what the network sees of a galaxy, a batch of one."""
        mean, spread = torch.tensor(self.features).T
        gas = self.warps[target].apply(torch.from_numpy(cloud.gas), radius_of(cloud))
        features = (torch.from_numpy(cloud.features) - mean) / spread
        return Condition(gas[None], features[None], self.standard_scalars(cloud)[None])

    def mass(self, cloud: Cloud, target: str, deviate: float = 0.0) -> float:
        """Return the Msun of all points of `target`, `deviate` standard deviations off the fit."""
        first, *slopes, scatter = self.masses[target]
        z = self.standard_scalars(cloud).double().numpy()
        return float(cloud.gas_mass * 10.0 ** (first + np.dot(slopes, z) + scatter * deviate))


def radius_of(cloud: Cloud) -> float:
    """Return the half-mass radius of the gas in kpc; ValueError where it is not above zero."""
    radius = float(np.median(np.linalg.norm(cloud.gas.astype(np.float64), axis=1)))
    if not 0 < radius < math.inf:
        raise ValueError(f"the gas of {cloud.name} must have a half-mass radius, got {radius} kpc")
    return radius


def scalars_of(cloud: Cloud) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return `SCALARS` of a galaxy, (s,) float64."""
    whole = [math.log10(cloud.gas_mass), math.log10(radius_of(cloud)), cloud.redshift]
    # Sorted, for a sum of floats depends on the order of its terms.
    return np.array([*whole, *np.sort(cloud.features.astype(np.float64), axis=0).mean(axis=0)])
