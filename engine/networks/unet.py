"""The attention U-Net, conditioned on time, source domain and target domain."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.blocks import Attention, ResidualBlock, TimeEmbedding, groups_of, zero_init


@dataclass(frozen=True)
class UNetConfig:
    """Size of a U-Net.

    Attributes
    ----------
    channels_in : maps that come in, stacked (the noisy target and the source: 2).
    num_domains : length of the domain embeddings.
    widths : channels of each level; each level halves the resolution of the one above.
    blocks : residual blocks a level on the way down; one more on the way up.
    attention_levels : levels with self-attention.
    patch : side of the pixel blocks folded into channels at the entrance; 1 for none.
    dropout : in the residual blocks.
    """

    channels_in: int = 2
    num_domains: int = 7
    widths: tuple[int, ...] = (48, 96, 128)
    blocks: int = 2
    attention_levels: tuple[int, ...] = (2,)
    patch: int = 2
    dropout: float = 0.0


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with the residual and attention blocks of Ho et al. (2020).

    Sides of the maps must be multiples of `multiple`.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, condition = config.widths, 4 * config.widths[0]
        self.multiple = config.patch * 2 ** (len(widths) - 1)
        self.time = nn.Sequential(TimeEmbedding(condition), nn.Linear(condition, condition))
        self.source = nn.Embedding(config.num_domains, condition)
        self.target = nn.Embedding(config.num_domains, condition)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(condition, condition), nn.SiLU())
        self.enter = nn.Conv2d(config.channels_in * config.patch**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList()
        skips, width = [widths[0]], widths[0]
        for level, level_width in enumerate(widths):
            if level:
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
            for _ in range(config.blocks):
                self.down.append(self._stage(width, level_width, condition, level))
                width = level_width
                skips.append(width)
        self.middle = nn.ModuleList(
            [ResidualBlock(width, width, condition, config.dropout), Attention(width),
             ResidualBlock(width, width, condition, config.dropout)]
        )  # fmt: skip
        self.up = nn.ModuleList()
        for level, level_width in reversed(list(enumerate(widths))):
            for _ in range(config.blocks + 1):
                self.up.append(self._stage(width + skips.pop(), level_width, condition, level))
                width = level_width
            if level:
                self.up.append(nn.Conv2d(width, width, 3, padding=1))
        self.leave_norm = nn.GroupNorm(groups_of(width), width)
        self.leave = zero_init(nn.Conv2d(width, config.patch**2, 3, padding=1))

    def _stage(self, channels_in: int, channels_out: int, condition: int, level: int) -> nn.ModuleList:
        stage = nn.ModuleList(
            [ResidualBlock(channels_in, channels_out, condition, self.config.dropout)]
        )
        if level in self.config.attention_levels:
            stage.append(Attention(channels_out))
        return stage

    def forward(self, x: Tensor, time: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Map (n, channels_in, h, w), times (n,) in 0 to 1 and domain indices (n,) to (n, 1, h, w)."""
        condition = self.mix(self.time(time) + self.source(source) + self.target(target))
        h = self.enter(functional.pixel_unshuffle(x, self.config.patch))
        skips = [h]
        for part in self.down:
            h = _run(part, h, condition)
            skips.append(h)
        h = self.middle[2](self.middle[1](self.middle[0](h, condition)), condition)
        for part in self.up:
            if isinstance(part, nn.ModuleList):
                h = _run(part, torch.cat([h, skips.pop()], dim=1), condition)
            else:
                h = part(functional.interpolate(h, scale_factor=2.0, mode="nearest"))
        h = self.leave(functional.silu(self.leave_norm(h)))
        return functional.pixel_shuffle(h, self.config.patch)


def _run(part: nn.Module, h: Tensor, condition: Tensor) -> Tensor:
    """Apply a downsampling convolution, or a residual block with what follows it."""
    if not isinstance(part, nn.ModuleList):
        return part(h)
    h = part[0](h, condition)
    return part[1](h) if len(part) > 1 else h
