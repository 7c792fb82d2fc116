"""Noise to samples in one step, trained on the score of the ensemble that it draws."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.processes.path import Coefficients, Network, Process


@dataclass(frozen=True)
class CRPS(Process):
    """x_hat = network(n, y): the path from noise, a = 1 - t and s = t, walked in one step.

    The network is trained on the continuous ranked probability score of two of its own draws, which
    is least where they are distributed as the truth is, pixel by pixel. It says nothing of how
    pixels go together: that is left to the network.

    Attributes
    ----------
    fairness : 1 for the score that is fair to ensembles of two; below, some of the one that counts
        the two as the whole distribution, so that two draws of which one is right by chance, and
        the other anywhere, are not without loss (Lang et al. 2024, "AIFS-CRPS", section 2.2).

    Notes
    -----
    Generative networks trained by a scoring rule: Pacchiardi et al. (2024).
    """

    fairness: float = 0.95
    is_iterative = False
    num_draws = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.fairness <= 1:
            raise ValueError(f"fairness must lie from 0 to 1, got {self.fairness}")

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        return 1.0 - time, torch.zeros_like(time), time

    def precondition(self, time: Tensor) -> Coefficients:
        """Return c_skip = 0, c_out = 1 and c_in = 1: the network gives x itself."""
        one = torch.ones_like(time)
        return torch.zeros_like(time), one, one

    def training_times(self, u: Tensor) -> Tensor:
        """Return t = 1, the only time at which the network is asked, of the shape of u."""
        return torch.ones_like(u)

    def times(self, num_steps: int) -> Tensor:
        """Return the two times of the one step."""
        return torch.tensor([1.0, 0.0], dtype=torch.float64)

    def loss(self, network: Network, x: Tensor, y: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Return the almost fair CRPS (n,) of two draws, from noise (n, 2, h, w).

        mean |x_i - x| - c |x_1 - x_2| with c = 1/2 where fair (Ferro 2014) and 1/4 where not.
        """
        one, two = (self.denoise(network, n, time, y) for n in noise.split(1, dim=1))
        error = 0.5 * ((one - x).abs() + (two - x).abs())
        spread = 0.25 * (1.0 + self.fairness) * (one - two).abs()
        return (error - spread).mean(dim=(1, 2, 3))
