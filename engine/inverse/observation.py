"""What an instrument says about a map, in the words of whoever used it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from data.normalize import Scale
from engine.inverse.measurement import Measurement
from engine.inverse.operators import Chain, Linear, Mask, Physical


@dataclass(frozen=True, eq=False)
class Observation:
    """Data d = A x + b about the map x of one domain.

    Attributes
    ----------
    values : (H', W') d, in the domain's unit; NaN where nothing was observed.
    noise : standard deviation of the normal noise b, above zero: a number, or (H', W'), in which
        only what was observed counts.
    operator : A, linear, as `Beam(3.0)` or `Chain((Beam(3.0), BlockMean(2)))` of
        `engine.inverse`; None for the map itself.
    logarithmic : whether A and b act on log10(value + floor), with `noise` in dex, rather than on
        the values. The network's units are linear in that, so that A is then linear in what it
        sees; on values it is not, and is linearized around each estimate.
    """

    values: ArrayLike
    noise: float | ArrayLike
    operator: Linear | None = None
    logarithmic: bool = False

    def measurement(self, constants: Scale, shape: tuple[int, int]) -> Measurement:
        """Return it in the units of a network.

        Parameters
        ----------
        constants : what the domain is normalized by.
        shape : (H, W) of x.

        Raises
        ------
        ValueError : where the operator does not lead from `shape` to that of the values, or values
            or noise are not as said above.
        """
        values = np.asarray(self.values, np.float64)
        known = np.isfinite(values)
        operator = Chain(() if self.operator is None else (self.operator,))
        expected = operator.forward(torch.zeros(1, 1, *shape)).shape[2:]
        if values.shape != tuple(expected):
            raise ValueError(
                f"values must have shape {tuple(expected)}, which the operator makes of a map of "
                f"{shape}, got {values.shape}"
            )
        if not known.any():
            raise ValueError("values must hold a finite number somewhere, got none")
        noise = self._noise(known)
        floor, center, scale = constants.floor, constants.center_dex, constants.scale_dex
        values = np.where(known, values, 0.0)
        if self.logarithmic:
            if (values < 0.0).any():
                raise ValueError(
                    f"values must not be negative if logarithmic, got {values.min():.3g}"
                )
            # A (scale x + center) = log10(value + floor), and A need not keep a constant.
            constant = operator.forward(torch.full((1, 1, *shape), center, dtype=torch.float64))
            values = (np.log10(values + floor) - constant[0, 0].numpy()) / scale
            noise = noise / scale
        data = _maps(np.where(known, values, 0.0)), _maps(noise)
        whole = Chain((*operator.parts, Mask(_maps(known))))
        if self.logarithmic:
            return Measurement(data[0], whole, data[1])
        seen = Physical(whole, floor, center, scale)
        return Measurement(data[0], seen, data[1], slope=math.log(10.0) * scale)

    def _noise(self, known: Any) -> Any:
        """Return the noise of each value, 1 where there is none."""
        noise = np.asarray(self.noise, np.float64)
        if noise.shape == known.shape:
            noise = np.where(known, noise, 1.0)
        if noise.shape not in ((), known.shape) or not (np.isfinite(noise) & (noise > 0)).all():
            got = repr(self.noise) if noise.ndim == 0 else f"a map of shape {noise.shape}"
            raise ValueError(
                f"noise must be finite and above zero, a number or a map like the values, got {got}"
            )
        return np.broadcast_to(noise, known.shape)


def _maps(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32))[None, None]
