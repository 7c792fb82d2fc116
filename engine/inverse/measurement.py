"""Data d = A x + b, and what they say about a map that is normal around a mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.inverse.operators import Operator
from engine.inverse.solve import krylov_solve

# How far a linearized exponential is followed, in e-folds of a pixel: a dex.
REACH = math.log(10.0)


@dataclass(frozen=True)
class Measurement:
    """Data d = A x + b with normal noise b, of maps x in the network's units.

    Attributes
    ----------
    data : (1, 1, h', w').
    operator : A.
    noise : standard deviation of b, in the unit of the data; a number or a map like the data.
    slope : e-folds of the data to a unit of x, where A is not linear but exponential; 0 where it
        is linear.
    """

    data: Tensor
    operator: Operator
    noise: float | Tensor
    slope: float = 0.0

    @torch.no_grad()
    def update(
        self, mean: Tensor, covariance: Callable[[Tensor], Tensor], *, variance: float = 0.0,
        iterations: int,
    ) -> Tensor:  # fmt: skip
        """Return the mean of x given the data for x ~ N(mean, C), (n, 1, h, w).

        It is m + C A^T (A C A^T + noise^2)^-1 (d - A m): exact where A is linear, otherwise with A
        linearized at m, what that leaves out counted as noise, and no pixel moved by more than a
        dex at once.

        Parameters
        ----------
        mean : (n, 1, h, w) m.
        covariance : product of C with maps (n, 1, h, w). Where it is not symmetric and positive, as
            from a trained network's derivative, its symmetric part counts, in the directions in
            which that is positive.
        variance : of a pixel under C, roughly; matters where A is not linear.
        iterations : at most, products with C.
        """
        linear, expected = self.operator.linearize(mean), self.operator.forward(mean)
        # Of the order of the second derivative of an exponential times the variance.
        curved = 0.2 * self.slope**2 * variance * expected
        noise = torch.sqrt(torch.as_tensor(self.noise).to(mean) ** 2 + curved**2)

        def spread(weights: Tensor) -> Tensor:
            return covariance(linear.adjoint(weights / noise))

        def between(weights: Tensor) -> Tensor:
            return linear.forward(spread(weights)) / noise

        misfit = self._misfit(expected / noise, self.data.to(mean) / noise)
        change = spread(krylov_solve(between, misfit, _one_more, iterations=iterations))
        return mean + (
            change.clamp(-REACH / self.slope, REACH / self.slope) if self.slope else change
        )

    def _misfit(self, expected: Tensor, data: Tensor) -> Tensor:
        """Return d - A m, both in units of the noise; where A is exponential, more gently.

        With f(v) = asinh(v / 2), (f(d) - f(A m)) / f'(A m): the same for small misfits, but data a
        hundred times too bright then ask for a map two dex brighter, and not for one of a hundred
        e-folds.
        """
        if not self.slope:
            return data - expected
        change = torch.asinh(0.5 * data) - torch.asinh(0.5 * expected)
        return change * torch.sqrt(expected**2 + 4.0)


def _one_more(values: Tensor) -> Tensor:
    """Return 1 / (v + 1), and 0 for what no covariance has, v below zero."""
    return torch.where(values > 0.0, 1.0 / (1.0 + values), 0.0)
