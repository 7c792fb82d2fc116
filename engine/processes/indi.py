"""InDI: inversion by direct iteration, from the source to the target in small steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Process


@dataclass(frozen=True)
class InDI(Process):
    """x_t = (1 - t) x + t y + noise_level t n; the network gives x (Delbracio & Milanfar 2023).

    Their degradation with the noise epsilon t n, epsilon constant (epsilon / sqrt(t) would make it
    Brownian), t from 0 to 1 in training and sampling alike. One DDIM step is theirs,
    (t'/t) x_t + (1 - t'/t) x, which at constant epsilon adds no noise.

    Attributes
    ----------
    noise_level : epsilon; 0 for a deterministic path, which gives the mean rather than samples.
    """

    noise_level: float = 0.1
    needs_source = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.noise_level >= 0:
            raise ValueError(f"noise_level must not be negative, got {self.noise_level}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        return 1.0 - time, 1.0 * time, self.noise_level * time

    def precondition(self, time: Tensor) -> Coefficients:
        """Return c_skip, c_out and c_in: the network's output is the estimate."""
        one = torch.ones_like(time)
        return torch.zeros_like(time), one, one

    def target(self, x: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return x."""
        return x

    def velocity(self, x_t: Tensor, estimate: Tensor, y: Tensor, time: float) -> Tensor:
        """Return dx_t/dt = (x_t - x) / t, also without noise."""
        return (x_t - estimate) / time

    def noise_ratio(self, now: float, later: float) -> float:
        """Return t'/t, the limit of s(t')/s(t) where there is no noise."""
        return later / now
