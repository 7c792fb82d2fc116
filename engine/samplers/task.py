"""What a sampler works on, and the one step that most of them take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor

from engine.processes import Network, Process

# Returns a fresh standard normal of the sample's shape at each call.
Noise = Callable[[], Tensor]


@dataclass(frozen=True)
class Sample:
    """What a sampler yields: the state after step `index` at `time`, and the estimate behind it."""

    index: int
    time: float
    x: Tensor
    estimate: Tensor


@dataclass(frozen=True)
class Task:
    """A translation to be sampled.

    Attributes
    ----------
    process : its path, and how the network's output becomes an estimate of x.
    network : (stacked maps (n, c, h, w), times (n,)) -> (n, 1, h, w).
    y : (n, 1, h, w) normalized sources.
    noise : returns a fresh standard normal (n, 1, h, w) at each call.
    """

    process: Process
    network: Network
    y: Tensor
    noise: Noise

    def start(self) -> Tensor:
        """Return x_t at t = 1."""
        return self.process.start(self.y, self.noise())

    def intervals(self, num_steps: int) -> Iterator[tuple[int, tuple[float, float]]]:
        """Yield the number of each step, from 1, with its two times."""
        return enumerate(pairwise(self.process.times(num_steps).tolist()), start=1)

    # no_grad ends with the call: a generator must not hold it for its caller across a yield.
    @torch.no_grad()
    def estimate(self, x: Tensor, time: float) -> Tensor:
        """Return the estimate of the target (n, 1, h, w) from x at one time."""
        times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
        return self.process.denoise(self.network, x, times, self.y)

    @torch.no_grad()
    def advance(
        self, x: Tensor, estimate: Tensor, times: tuple[float, float], eta: float = 0.0
    ) -> Tensor:
        """Return x at the later of two times from x and the estimate at the earlier one.

        n = (x_t - a x - b y) / s at the estimate of x, then x_t' = a' x + b' y +
        sqrt(s'^2 - tau^2) n + tau z. tau is eta times the standard deviation of the posterior
        q(x_t' | x_t, x) between two *sampled* times, (s'/s) sqrt(s^2 - (a s'/a')^2), of which
        Song, Meng & Ermon (2021), eq. 16, is the case a^2 + s^2 = 1, and Song et al. (2021),
        eq. 47, the case a = 1. With eta = 0 this is DDIM (eq. 12 of the former), the Euler step of
        EDM and of flow matching, and the step of InDI; it solves the probability-flow ODE exactly
        where the estimate does not change.
        """
        now, later = times
        if later <= 0.0:
            return estimate
        path = self.process.path(torch.tensor(times, dtype=torch.float64))
        (a, a_later), (b, b_later), (s, s_later) = ([float(v) for v in pair] for pair in path)
        ratio = self.process.noise_ratio(now, later)
        # Of pure noise (a = 0) nothing is left behind, however close the times.
        seen = a * s_later / a_later if a > 0.0 else 0.0
        tau = eta * ratio * max(s**2 - seen**2, 0.0) ** 0.5
        kept = max(s_later**2 - tau**2, 0.0) ** 0.5 / s if tau > 0 else ratio
        x = a_later * estimate + b_later * self.y + kept * (x - a * estimate - b * self.y)
        return x + tau * self.noise() if tau > 0 else x

    def alone(self, index: int) -> Self:
        """Return the task of one sample; whoever calls draws its noise from the whole task."""
        return replace(self, y=self.y[index : index + 1])
