"""pix2pix: one regression step, sharpened by a discriminator (Isola et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from engine.processes.path import Coefficients, Network, Process

GAN_LOSSES = ("vanilla", "lsgan", "hinge")


@dataclass(frozen=True)
class Pix2Pix(Process):
    """x_hat = network(y): the path a = 0, b = 1, s = 0, walked in one step.

    Attributes
    ----------
    adversarial_weight : of the adversarial loss beside L1, the inverse of lambda in eq. 4 there;
        at 0 there is no discriminator, and the translator is a plain regression by L1.
    discriminator_width : channels of the PatchGAN's first layer.
    gan_loss : "vanilla", "lsgan" or "hinge", see `discriminator_loss`.
    """

    adversarial_weight: float = 0.01
    discriminator_width: int = 32
    gan_loss: str = "vanilla"
    is_iterative = False
    is_random = False
    needs_source = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gan_loss not in GAN_LOSSES:
            raise ValueError(
                f"gan_loss must be one of {', '.join(GAN_LOSSES)}, got {self.gan_loss!r}"
            )

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


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return the discriminator's loss on logits (n, 1, h, w) of true and generated maps, (n,).

    Notes
    -----
    With softplus(z) = log(1 + e^z) and D the logits:
    vanilla : (softplus(-D(x)) + softplus(D(G))) / 2, the negative of Isola et al. (2017), eq. 1,
        halved as in their section 3.3, to slow the discriminator down.
    lsgan : ((D(x) - 1)^2 + D(G)^2) / 2 (Mao et al. 2017, eq. 9).
    hinge : max(0, 1 - D(x)) + max(0, 1 + D(G)) (Lim & Ye 2017; Miyato et al. 2018, eq. 16).
    """
    if kind == "vanilla":
        loss = 0.5 * (functional.softplus(-real) + functional.softplus(fake))
    elif kind == "lsgan":
        loss = 0.5 * ((real - 1).square() + fake.square())
    else:
        loss = functional.relu(1 - real) + functional.relu(1 + fake)
    return loss.mean(dim=(1, 2, 3))


def generator_loss(kind: str, fake: Tensor) -> Tensor:
    """Return the generator's loss on logits (n, 1, h, w) of what it made, (n,).

    Notes
    -----
    vanilla : softplus(-D(G)), that does not saturate (Goodfellow et al. 2014, section 3).
    lsgan : (D(G) - 1)^2 / 2 (Mao et al. 2017, eq. 9).
    hinge : -D(G) (Lim & Ye 2017; Miyato et al. 2018, eq. 17).
    """
    if kind == "vanilla":
        loss = functional.softplus(-fake)
    elif kind == "lsgan":
        loss = 0.5 * (fake - 1).square()
    else:
        loss = -fake
    return loss.mean(dim=(1, 2, 3))
