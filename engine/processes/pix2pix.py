"""pix2pix: one regression step, sharpened by a discriminator (Isola et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.processes.path import Coefficients, Network, Process


@dataclass(frozen=True)
class Pix2Pix(Process):
    """x_hat = network(y): the path a = 0, b = 1, s = 0, walked in one step.

    Attributes
    ----------
    adversarial_weight : of the adversarial loss beside L1, the inverse of lambda in eq. 4 there.
    discriminator_width : channels of the PatchGAN's first layer.
    """

    adversarial_weight: float = 0.01
    discriminator_width: int = 32
    is_iterative = False
    needs_source = True

    def path(self, time: Tensor) -> Coefficients:
        """Return a, b and s at `time`, of its shape."""
        return torch.zeros_like(time), torch.ones_like(time), torch.zeros_like(time)

    def times(self, num_steps: int) -> Tensor:
        """Return the two times of the one step."""
        return torch.tensor([1.0, 0.0], dtype=torch.float64)

    def denoise(self, network: Network, x_t: Tensor, time: Tensor, y: Tensor) -> Tensor:
        """Return the estimate of x (n, 1, h, w); only `y` counts."""
        return network(y, torch.zeros_like(time))

    def loss(self, network: Network, x: Tensor, y: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """Return the mean absolute error, (n,): eq. 3 there, without the adversarial part."""
        return (self.denoise(network, y, time, y) - x).abs().mean(dim=(1, 2, 3))


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the vanilla loss of the discriminator on logits (Isola et al. 2017, eq. 1), halved.

    They halve it too, to slow the discriminator down (section 3.3).
    """
    return 0.5 * (functional.softplus(-real).mean() + functional.softplus(fake).mean())


def generator_loss(fake: Tensor) -> Tensor:
    """Return the non-saturating loss of the generator on logits (Goodfellow et al. 2014)."""
    return functional.softplus(-fake).mean()
