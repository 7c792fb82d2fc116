"""Denoising diffusion, variance preserving and conditional (Ho, Jain & Abbeel 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Process, columns

SCHEDULES = ("cosine", "linear")
PREDICTIONS = ("v", "eps", "x")


@dataclass(frozen=True)
class DDPM(Process):
    """x_t = a(t) x + s(t) n with a^2 + s^2 = 1, for t from 0 (data) to 1 (noise).

    Attributes
    ----------
    schedule : "cosine", a = cos(pi t / 2) up to an offset (Nichol & Dhariwal 2021, eq. 17), or
        "linear", beta rising from 0.1 to 20 (Ho et al. 2020 in continuous time; Song et al. 2021,
        eq. 33).
    prediction : what the network is trained on: "v" = a n - s x (Salimans & Ho 2022), "eps" = n,
        or "x".
    """

    schedule: str = "cosine"
    prediction: str = "v"

    def __post_init__(self) -> None:
        super().__post_init__()
        for value, allowed in ((self.schedule, SCHEDULES), (self.prediction, PREDICTIONS)):
            if value not in allowed:
                raise ValueError(f"a DDPM knows {', '.join(allowed)}, got {value!r}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        if self.schedule == "cosine":
            angle = (time + 0.008) / 1.008 * (math.pi / 2)
            # Where a would vanish the posterior divides by it: Nichol & Dhariwal clip it too.
            a = torch.cos(angle).clamp_min(1e-3) / math.cos(0.008 / 1.008 * math.pi / 2)
        else:
            a = torch.exp(-0.25 * time**2 * (20.0 - 0.1) - 0.5 * time * 0.1)
        return a, torch.zeros_like(a), torch.sqrt((1.0 - a * a).clamp_min(0.0))

    def precondition(self, time: Tensor) -> Coefficients:
        """Return c_skip, c_out and c_in of the chosen prediction."""
        a, zero, s = self.path(time)
        one = torch.ones_like(a)
        return {"v": (a, -s, one), "eps": (1.0 / a, -s / a, one), "x": (zero, one, one)}[
            self.prediction
        ]

    def target(self, x: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return v, eps or x (n, 1, h, w); with eps the loss is Ho et al. (2020), eq. 14."""
        a, _, s = columns(self.path(time), x)
        return {"v": a * noise - s * x, "eps": noise, "x": x}[self.prediction]
