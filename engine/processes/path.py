"""What every process shares: the path x_t = a(t) x + b(t) y + s(t) n, and all that follows from it.

x is the target, y the source, n standard normal noise, all normalized; t runs from 0, where
x_t = x, to 1. A process says what a, b and s are, and what its network predicts. A network works
behind a preconditioning, estimate = c_skip x_t + c_out raw, which makes every one of them an
estimator of x; the noise, the velocity and the score follow from the estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

# (x_t and y stacked (n, 2, h, w), time (n,)) -> (n, 1, h, w)
Network = Callable[[Tensor, Tensor], Tensor]
Coefficients = tuple[Tensor, Tensor, Tensor]


def columns(coefficients: tuple[Tensor, ...], like: Tensor) -> tuple[Tensor, ...]:
    """Return coefficients (n,) as (n, 1, 1, 1), in the type of the maps `like`."""
    return tuple(c.to(like.dtype)[:, None, None, None] for c in coefficients)


def normal_quantiles(u: Tensor) -> Tensor:
    """Return standard normal numbers, float64, for u uniform in 0 to 1, of its shape."""
    return torch.special.ndtri(u.double().clamp(1e-6, 1.0 - 1e-6))


def check_noise_levels(sigma_min: float, sigma_max: float) -> None:
    """Raise ValueError unless 0 < sigma_min < sigma_max."""
    if not 0 < sigma_min < sigma_max:
        raise ValueError(
            f"sigma_min must lie above zero and below sigma_max, got {sigma_min} and {sigma_max}"
        )


@dataclass(frozen=True)
class Process:
    """Base of all processes.

    Attributes
    ----------
    time_power : times are 1 - u^time_power with u evenly spaced in sampling and uniform in
        training, where the process has no law of its own. Smooth maps show through all but the
        strongest noise, so that most of what is to be decided is decided near t = 1: above 1,
        times crowd there (the same end as the shifted schedules of Hoogeboom et al. 2023,
        section 3.1).
    """

    time_power: float = field(default=1.0, kw_only=True)
    is_iterative = True
    # Whether results are drawn at random, and how many draws of noise one loss takes.
    is_random = True
    num_draws = 1
    # Whether the path itself runs through the source (b is not zero), so that none can do without.
    needs_source = False

    def __post_init__(self) -> None:
        if not self.time_power > 0:
            raise ValueError(f"time_power must be above zero, got {self.time_power}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        raise NotImplementedError

    def precondition(self, time: Tensor) -> Coefficients:
        """Return c_skip, c_out and c_in at `time`: estimate = c_skip x_t + c_out network(c_in x_t).

        For data of unit variance, after Karras et al. (2022), table 1 and appendix B.6, on any
        a and s: c_in gives the network unit variance, c_skip and c_out its target.
        """
        a, _, s = self.path(time)
        norm = torch.hypot(a, s)
        return a / norm**2, s / norm, 1.0 / norm

    def target(self, x: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Return what the network is trained to give, (x - c_skip x_t) / c_out, (n, 1, h, w).

        Written without the division, for it holds at s = 0 too: (s x - a n) / sqrt(a^2 + s^2).
        """
        a, _, s = columns(self.path(time), x)
        return (s * x - a * noise) / torch.hypot(a, s)

    def warp(self, u: Tensor) -> Tensor:
        """Return the times of shares u, 0 to 1, of the way from noise to data."""
        return 1.0 - u**self.time_power

    def training_times(self, u: Tensor) -> Tensor:
        """Return times for training from u uniform in 0 to 1, of its shape."""
        return self.warp(u)

    def times(self, num_steps: int) -> Tensor:
        """Return num_steps + 1 times from 1 to 0, float64."""
        return self.warp(torch.linspace(0.0, 1.0, num_steps + 1, dtype=torch.float64))

    def sigma(self, time: float) -> float:
        """Return s at one time."""
        return float(self.path(torch.tensor(time, dtype=torch.float64))[2])

    @property
    def has_density(self) -> bool:
        """Whether the path runs through noise, so that estimates tell scores and densities."""
        return self.is_iterative and self.sigma(0.5) > 0.0

    def noise_ratio(self, now: float, later: float) -> float:
        """Return s(later) / s(now)."""
        _, _, s = self.path(torch.tensor([now, later], dtype=torch.float64))
        return float(s[1] / s[0])

    def start(self, y: Tensor, noise: Tensor) -> Tensor:
        """Return x_t at t = 1, (n, 1, h, w), as if x were zero, its mean."""
        _, b, s = (float(c) for c in self.path(torch.ones((), dtype=torch.float64)))
        return b * y + s * noise

    def perturb(self, x: Tensor, y: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Return x_t (n, 1, h, w) at times (n,)."""
        a, b, s = columns(self.path(time), x)
        return a * x + b * y + s * noise

    def denoise(self, network: Network, x_t: Tensor, time: Tensor, y: Tensor) -> Tensor:
        """Return the estimate of x (n, 1, h, w) at x_t, times (n,) and sources y."""
        c_skip, c_out, c_in = columns(self.precondition(time), x_t)
        return c_skip * x_t + c_out * network(torch.cat([c_in * x_t, y], dim=1), time)

    def loss(self, network: Network, x: Tensor, y: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of the network's output, (n,).

        With the target above this is that of the estimate, weighted by 1 / c_out^2.
        """
        x_t = self.perturb(x, y, time, noise)
        (c_in,) = columns(self.precondition(time)[2:], x)
        raw = network(torch.cat([c_in * x_t, y], dim=1), time)
        return (raw - self.target(x, noise, time)).square().mean(dim=(1, 2, 3))

    def velocity(self, x_t: Tensor, estimate: Tensor, y: Tensor, time: float) -> Tensor:
        """Return dx_t/dt of the probability-flow ODE, a' x + b' y + s' n at the estimate of x.

        The conditional velocity averaged over what x and n may be at x_t, as Lipman et al. (2023),
        theorem 1, and Song et al. (2021), eq. 13, for the paths that are diffusions.
        """
        (a, b, s), (da, db, ds) = self.rates(time)
        noise = (x_t - a * estimate - b * y) / s
        return da * estimate + db * y + ds * noise

    def rates(self, time: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return (a, b, s) and their derivatives at one time, exactly."""
        with torch.enable_grad():
            now = torch.tensor(time, dtype=torch.float64, requires_grad=True)
            values = self.path(now)
            slopes = [
                float(torch.autograd.grad(v, now, retain_graph=True)[0]) if v.requires_grad else 0.0
                for v in values
            ]
        return tuple(float(v.detach()) for v in values), tuple(slopes)

    def diffusion_squared(self, time: float) -> float:
        """Return g^2(t) of the forward SDE that has these marginals, d(s^2)/dt - 2 (a'/a) s^2.

        The g of Song et al. (2021), eq. 5, with f = (a'/a) x: the variance under it obeys
        d(s^2)/dt = 2 (a'/a) s^2 + g^2. Defined for b = 0.
        """
        values, slopes = self.rates(time)
        (a, s), (da, ds) = values[::2], slopes[::2]
        return max(2.0 * s * ds - 2.0 * da / a * s * s, 0.0)
