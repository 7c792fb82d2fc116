"""What an instrument does to a map: beam, mask, larger pixels, each with its adjoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


class Operator(Protocol):
    """A map from maps x (n, 1, h, w) to data (n, 1, h', w'), and its derivative."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the data of maps x without noise."""
        ...

    def linearize(self, x: Tensor) -> Linear:
        """Return the derivative at x; a linear operator is its own."""
        ...


class Linear(Operator, Protocol):
    """An operator A that is linear, with its adjoint: <A x, d> = <x, A^T d>."""

    def adjoint(self, data: Tensor) -> Tensor:
        """Return A^T d (n, 1, h, w) for data d (n, 1, h', w')."""
        ...


@dataclass(frozen=True, eq=False)
class Mask:
    """Each pixel times a weight, zero where nothing was observed.

    Attributes
    ----------
    weights : broadcast against maps (n, 1, h, w).
    """

    weights: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted maps."""
        return x * self.weights.to(x)

    adjoint = forward

    def linearize(self, x: Tensor) -> Mask:
        """Return itself."""
        return self


@dataclass(frozen=True)
class Beam:
    """The mean under a round Gaussian beam.

    Maps are taken for constant within a pixel, so that a beam narrower than one is right too. At
    the edge it is the mean of what lies within: what is beyond looks like that.

    Attributes
    ----------
    fwhm : full width at half maximum, in pixels.
    """

    fwhm: float

    def __post_init__(self) -> None:
        if not 0.0 < self.fwhm < math.inf:
            raise ValueError(f"fwhm must be a number of pixels above zero, got {self.fwhm}")

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps as the beam shows them."""
        rows, columns = (self._weights(side).to(x) for side in x.shape[-2:])
        return rows @ x @ columns.T

    def adjoint(self, data: Tensor) -> Tensor:
        """Return each value spread over the pixels of which it is a mean."""
        rows, columns = (self._weights(side).to(data) for side in data.shape[-2:])
        return rows.T @ data @ columns

    def linearize(self, x: Tensor) -> Beam:
        """Return itself."""
        return self

    def _weights(self, side: int) -> Tensor:
        """Return the weights (side, side) of the pixels in each mean, along one axis."""
        sigma = self.fwhm / FWHM_PER_SIGMA
        places = torch.arange(side, dtype=torch.float64)
        distance = places[:, None] - places[None, :]
        edges = [torch.erf((distance + half) / (math.sqrt(2.0) * sigma)) for half in (-0.5, 0.5)]
        shares = edges[1] - edges[0]
        return shares / shares.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class BlockMean:
    """Means over square blocks: pixels that are `factor` times as large on a side."""

    factor: int

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or self.factor < 1:
            raise ValueError(f"factor must be a whole number from 1, got {self.factor!r}")

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, 1, h / factor, w / factor); ValueError where that is not whole."""
        if any(side % self.factor for side in x.shape[-2:]):
            raise ValueError(
                f"sides must be multiples of the factor {self.factor}, got {tuple(x.shape[-2:])}"
            )
        return functional.avg_pool2d(x, self.factor)

    def adjoint(self, data: Tensor) -> Tensor:
        """Return each value over its block, divided by the pixels in it."""
        spread = data.repeat_interleave(self.factor, -1).repeat_interleave(self.factor, -2)
        return spread / self.factor**2

    def linearize(self, x: Tensor) -> BlockMean:
        """Return itself."""
        return self


@dataclass(frozen=True)
class Chain:
    """Linear operators one after the other, the first first."""

    parts: tuple[Linear, ...]

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last one gives."""
        for part in self.parts:
            x = part.forward(x)
        return x

    def adjoint(self, data: Tensor) -> Tensor:
        """Return what the adjoint of the first one gives."""
        for part in reversed(self.parts):
            data = part.adjoint(data)
        return data

    def linearize(self, x: Tensor) -> Chain:
        """Return itself."""
        return self


@dataclass(frozen=True)
class Physical:
    """A linear operator on physical values, seen from the network's logarithmic units.

    x is what `data.normalize` makes of values, (log10(value + floor) - center_dex) / scale_dex.
    The data are linear in the values and so not in x: what is exact for a linear operator is an
    approximation here, by its derivative.
    """

    operator: Linear
    floor: float
    center_dex: float
    scale_dex: float

    def forward(self, x: Tensor) -> Tensor:
        """Return the data of normalized maps x."""
        return self.operator.forward(self._lifted(x) - self.floor)

    def linearize(self, x: Tensor) -> Chain:
        """Return the derivative, d value / dx = ln 10 scale_dex (value + floor)."""
        slope = math.log(10.0) * self.scale_dex * self._lifted(x)
        return Chain((Mask(slope), self.operator))

    def _lifted(self, x: Tensor) -> Tensor:
        """Return value + floor."""
        return 10.0 ** (x * self.scale_dex + self.center_dex)
