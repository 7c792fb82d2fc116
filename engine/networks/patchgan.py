"""The PatchGAN discriminator: judges overlapping patches of a pair of maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.blocks import groups_of


class PatchGAN(nn.Module):
    """Discriminator of Isola et al. (2017), section 3.2.2, conditioned on both domains.

    Each logit sees a patch of 38 pixels (and, through group norm, the mean and variance of the
    whole map); the domains enter as a shift of the channels after the first one.
    """

    def __init__(self, num_domains: int, width: int = 32) -> None:
        super().__init__()
        self.domains = nn.Embedding(num_domains**2, width)
        self.num_domains = num_domains
        self.enter = nn.Conv2d(2, width, 4, stride=2, padding=1)
        layers: list[nn.Module] = []
        for factor, stride in ((1, 2), (2, 2)):
            layers += [
                nn.Conv2d(factor * width, 2 * factor * width, 4, stride=stride, padding=1),
                nn.GroupNorm(groups_of(2 * factor * width), 2 * factor * width),
                nn.LeakyReLU(0.2),
            ]
        self.body = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, y: Tensor, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Return logits (n, 1, h/8, w/8) for sources y and candidates x, both (n, 1, h, w)."""
        shift = self.domains(source * self.num_domains + target)[:, :, None, None]
        h = functional.leaky_relu(self.enter(torch.cat([y, x], dim=1)) + shift, 0.2)
        return self.body(h)
