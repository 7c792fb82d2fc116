"""Denoising diffusion, variance preserving and conditional (Ho, Jain & Abbeel 2020)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# (x_t and y stacked (n, 2, h, w), time (n,)) -> (n, 1, h, w)
Network = Callable[[Tensor, Tensor], Tensor]

SCHEDULES = ("cosine", "linear")
PREDICTIONS = ("v", "eps", "x")


@dataclass(frozen=True)
class DDPM:
    """x_t = a(t) x + s(t) n with a^2 + s^2 = 1, for t from 0 (data) to 1 (noise).

    Attributes
    ----------
    schedule : "cosine", a = cos(pi t / 2) up to an offset (Nichol & Dhariwal 2021, eq. 17), or
        "linear", beta rising from 0.1 to 20 (Ho et al. 2020 in continuous time; Song et al. 2021,
        eq. 33).
    prediction : what the network is trained on: "v" = a n - s x (Salimans & Ho 2022), "eps" = n,
        or "x".
    time_power : times are 1 - u^time_power with u uniform in training and evenly spaced in
        sampling. Smooth maps show through all but the strongest noise, so that most of what is to
        be decided is decided near t = 1: above 1, times crowd there (the same end as the shifted
        schedules of Hoogeboom et al. 2023, section 3.1).
    """

    schedule: str = "cosine"
    prediction: str = "v"
    time_power: float = 1.0
    is_iterative = True

    def __post_init__(self) -> None:
        for value, allowed in ((self.schedule, SCHEDULES), (self.prediction, PREDICTIONS)):
            if value not in allowed:
                raise ValueError(f"a DDPM knows {', '.join(allowed)}, got {value!r}")
        if not self.time_power > 0:
            raise ValueError(f"time_power must be above zero, got {self.time_power}")

    def path(self, time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a, b and s at `time`, of its shape."""
        if self.schedule == "cosine":
            angle = (time + 0.008) / 1.008 * (math.pi / 2)
            # Where a would vanish the posterior divides by it: Nichol & Dhariwal clip it too.
            a = torch.cos(angle).clamp_min(1e-3) / math.cos(0.008 / 1.008 * math.pi / 2)
        else:
            a = torch.exp(-0.25 * time**2 * (20.0 - 0.1) - 0.5 * time * 0.1)
        return a, torch.zeros_like(a), torch.sqrt((1.0 - a * a).clamp_min(0.0))

    def times(self, num_steps: int) -> Tensor:
        """Return num_steps + 1 times from 1 to 0, float64."""
        return self.warp(torch.linspace(0.0, 1.0, num_steps + 1, dtype=torch.float64))

    def warp(self, u: Tensor) -> Tensor:
        """Return the times of shares u, 0 to 1, of the way from noise to data."""
        return 1.0 - u**self.time_power

    def start(self, y: Tensor, noise: Tensor) -> Tensor:
        """Return x_t at t = 1."""
        return noise

    def denoise(self, network: Network, x_t: Tensor, time: Tensor, y: Tensor) -> Tensor:
        """Return the estimate of x (n, 1, h, w) at x_t, times (n,) and sources y."""
        raw = network(torch.cat([x_t, y], dim=1), time)
        a, _, s = (c.to(x_t.dtype)[:, None, None, None] for c in self.path(time))
        if self.prediction == "v":
            return a * x_t - s * raw
        return (x_t - s * raw) / a if self.prediction == "eps" else raw

    def loss(self, network: Network, x: Tensor, y: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of the prediction, (n,) (Ho et al. 2020, eq. 14)."""
        a, _, s = (c[:, None, None, None] for c in self.path(time))
        raw = network(torch.cat([a * x + s * noise, y], dim=1), time)
        truth = {"v": a * noise - s * x, "eps": noise, "x": x}[self.prediction]
        return (raw - truth).square().mean(dim=(1, 2, 3))
