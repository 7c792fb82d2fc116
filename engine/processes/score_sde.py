"""Score-based models through stochastic differential equations (Song et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Process, check_noise_levels

SDES = ("vp", "subvp", "ve")
_BETA_MIN, _BETA_MAX = 0.1, 20.0  # Song et al. (2021), appendix C


@dataclass(frozen=True)
class ScoreSDE(Process):
    """x_t = a(t) x + s(t) n with the marginals of one of three SDEs.

    The score of p(x_t | y) is (a x - x_t) / s^2 at the estimate of x. The network is trained behind
    the preconditioning of `Process`, which is denoising score matching weighted by
    (a^2 + s^2) s^2 / a^2.

    Attributes
    ----------
    sde : "vp", a = exp(-B/2), s^2 = 1 - exp(-B), B the integral of beta from 0.1 to 20 (Song et al.
        2021, eqs. 29 and 33); "subvp", the same a, s = 1 - exp(-B) (eqs. 29 and 34); "ve", a = 1,
        s = sigma_min (sigma_max / sigma_min)^t (eq. 31).
    sigma_min, sigma_max : of "ve", in units of the normalized data.
    """

    sde: str = "ve"
    sigma_min: float = 0.01
    sigma_max: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sde not in SDES:
            raise ValueError(f"sde must be one of {', '.join(SDES)}, got {self.sde!r}")
        check_noise_levels(self.sigma_min, self.sigma_max)

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        if self.sde == "ve":
            s = self.sigma_min * (self.sigma_max / self.sigma_min) ** time
            return torch.ones_like(s), torch.zeros_like(s), s
        integral = 0.5 * time**2 * (_BETA_MAX - _BETA_MIN) + time * _BETA_MIN
        lost = -torch.expm1(-integral)
        s = torch.sqrt(lost) if self.sde == "vp" else lost
        return torch.exp(-0.5 * integral), torch.zeros_like(s), s
