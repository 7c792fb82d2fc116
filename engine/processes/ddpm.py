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
            first, angle = 0.008 / 1.008 * math.pi / 2, time / 1.008 * (math.pi / 2)
            least = 1e-3 / math.cos(first)
            # Some of x is left at t = 1, for the reverse SDE and eps divide by a: to the same end
            # Nichol & Dhariwal clip beta to 0.999.
            a = (torch.cos(angle + first) / math.cos(first)).clamp_min(least)
            # cos^2 u - cos^2 v = sin(v + u) sin(v - u): in float32, 1 - a^2 has no digits left
            # near t = 0.
            lost = torch.sin(angle + 2 * first) * torch.sin(angle) / math.cos(first) ** 2
            lost = lost.clamp_max(1.0 - least**2)
        else:
            integral = 0.5 * time**2 * (20.0 - 0.1) + time * 0.1
            a, lost = torch.exp(-0.5 * integral), -torch.expm1(-integral)
        return a, torch.zeros_like(a), torch.sqrt(lost)

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
