"""EDM: the design of Karras et al. (2022), noise added to the data itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Process, check_noise_levels, normal_quantiles


@dataclass(frozen=True)
class EDM(Process):
    """x_t = x + sigma n, with the noise levels, preconditioning and weights of their table 1.

    Attributes
    ----------
    sigma_min, sigma_max, rho : sigma(t) = (min^(1/rho) + t (max^(1/rho) - min^(1/rho)))^rho, eq. 5
        there read from data to noise. The last step leads from sigma(1 / num_steps), not from
        sigma_min, to the estimate.
    mean, spread : in training ln sigma is normal with these (table 1: -1.2 and 1.2 for
        photographs; smooth maps need more noise).
    """

    sigma_min: float = 0.01
    sigma_max: float = 100.0
    rho: float = 7.0
    mean: float = 1.0
    spread: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_noise_levels(self.sigma_min, self.sigma_max)
        for name in ("rho", "spread"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above zero, got {getattr(self, name)}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        low, high = (s ** (1.0 / self.rho) for s in (self.sigma_min, self.sigma_max))
        sigma = (low + time * (high - low)) ** self.rho
        return torch.ones_like(sigma), torch.zeros_like(sigma), sigma

    def training_times(self, u: Tensor) -> Tensor:
        """Return times for u uniform in 0 to 1, at which ln sigma is normal, kept in range."""
        normal = normal_quantiles(u)
        sigma = torch.exp(self.mean + self.spread * normal)
        low, high = (s ** (1.0 / self.rho) for s in (self.sigma_min, self.sigma_max))
        time = (sigma ** (1.0 / self.rho) - low) / (high - low)
        return time.clamp(0.0, 1.0).to(u.dtype)
