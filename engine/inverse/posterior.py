"""Samples of p(x | d) for data d = A x + b, by any sampler, from the network that knows p(x)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.inverse.measurement import Measurement
from engine.processes import Process
from engine.samplers.task import Task


@dataclass(frozen=True)
class PosteriorTask(Task):
    """A translation whose result is also to agree with a measurement.

    Each estimate m = E[x | x_t] becomes E[x | x_t, d], so that every sampler goes to p(x | d) as it
    goes to p(x) without.

    Attributes
    ----------
    measurement : of the target.
    iterations : at most, products with the network's Jacobian for an estimate.
    largest_ratio : of s / a, beyond which C is that of less noise around the same m: there a
        network's derivative is small, and what is wrong with it large.

    Notes
    -----
    Given x_t, x is taken for normal with the mean m and the covariance C = (s^2 / a) dm/dx_t, its
    true first two moments by Tweedie's formula (Boys et al. 2023, "Tweedie Moment Projected
    Diffusions"). That is exact where p(x) is normal and A linear (but for `largest_ratio`), and
    otherwise an approximation that improves as t falls. They add the score of p(d | x_t),
    dm/dx_t^T A^T (A C A^T + noise^2)^-1 (d - A m), which Tweedie's formula turns into the mean of
    `Measurement.update`. Diffusion posterior sampling (Chung et al. 2023) has a number in place of
    the inverse, PiGDM (Song et al. 2023) a multiple of the identity in place of C.
    """

    measurement: Measurement
    iterations: int = 10
    largest_ratio: float = 3.0

    def __post_init__(self) -> None:
        require_noise(self.process)

    def estimate(self, x: Tensor, time: float) -> Tensor:
        """Return E[x | x_t, d], (n, 1, h, w)."""
        a, b, s = coefficients(self.process, time)
        if s <= self.largest_ratio * a:
            mean, covariance = self._moments(x, time)
        else:
            mean, ahead = super().estimate(x, time), time_of(self.process, self.largest_ratio)
            noise = (x - a * mean - b * self.y) / s
            a, b, s = coefficients(self.process, ahead)
            _, covariance = self._moments(a * mean + b * self.y + s * noise, ahead)
        # That of a pixel of unit variance, seen through noise.
        variance = s * s / (a * a + s * s)
        return self.measurement.update(
            mean, covariance, variance=variance, iterations=self.iterations
        )

    def _moments(self, x: Tensor, time: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return m and the product with C at x_t."""
        a, _, s = coefficients(self.process, time)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
            mean = self.process.denoise(self.network, x, times, self.y)

        def covariance(v: Tensor) -> Tensor:
            (pulled,) = torch.autograd.grad(mean, x, v, retain_graph=True)
            return (s * s / a) * pulled

        return mean.detach(), covariance


def require_noise(process: Process) -> None:
    """Raise ValueError for a process of which no score and no density is known."""
    if not process.has_density:
        raise ValueError(f"{process} has no density: no path of it leads through noise")


def time_of(process: Process, ratio: float) -> float:
    """Return the latest time at which s / a is below `ratio`, 0 where it never is."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        a, _, s = coefficients(process, middle)
        low, high = (middle, high) if s < ratio * a else (low, middle)
    return low


def coefficients(process: Process, time: float) -> tuple[float, float, float]:
    """Return a, b and s at one time."""
    a, b, s = (float(c) for c in process.path(torch.tensor(time, dtype=torch.float64)))
    return a, b, s
