"""Flow matching: a straight path from noise to the target, given the source."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Process, normal_quantiles


@dataclass(frozen=True)
class FlowMatching(Process):
    """x_t = (1 - t) x + t n; the network gives the velocity n - x.

    Lipman et al. (2023), eqs. 20 to 23 with sigma_min = 0, their time reversed; Liu, Gong & Liu
    (2023) call it a rectified flow.

    Attributes
    ----------
    mean, spread : in training logit t is normal with these (Esser et al. 2024, eq. 19); a larger
        mean means more noise.
    """

    mean: float = 1.0
    spread: float = 1.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.spread > 0:
            raise ValueError(f"spread must be above zero, got {self.spread}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        return 1.0 - time, torch.zeros_like(time), time

    def precondition(self, time: Tensor) -> Coefficients:
        """Return c_skip, c_out and c_in: x = x_t - t (n - x)."""
        one = torch.ones_like(time)
        return one, -time, one

    def target(self, x: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return the velocity n - x, (n, 1, h, w)."""
        return noise - x

    def training_times(self, u: Tensor) -> Tensor:
        """Return times for u uniform in 0 to 1, logit-normal."""
        normal = normal_quantiles(u)
        return torch.sigmoid(self.mean + self.spread * normal).to(u.dtype)
