"""The attention U-Net, conditioned on time, source domain and target domain."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.blocks import (
    Attention,
    AttentionGate,
    ResidualBlock,
    TimeEmbedding,
    groups_of,
    hide_source,
    radii,
    refinement,
)


@dataclass(frozen=True)
class UNetConfig:
    """Size of a U-Net.

    Attributes
    ----------
    channels_in : maps that come in, stacked (the noisy target and the source: 2).
    num_domains : domains that it tells apart.
    null_source : whether source index `num_domains` stands for no source: the source map is then
        hidden, and the network describes the target domain alone.
    widths : channels of each level; each level halves the resolution of the one above.
    blocks : residual blocks of each level, on the way down and again on the way up.
    attention_levels : levels with self-attention, besides the middle.
    skip_attention : whether what skips a level passes an attention gate (Oktay et al. 2018).
    patch : side of the pixel blocks folded into channels at the entrance; 1 for none.
    head : channels of the last, full-resolution convolutions, which see the maps once more, so
        that no edge of the pixel blocks shows.
    dropout : in the residual blocks.
    """

    channels_in: int = 2
    num_domains: int = 7
    widths: tuple[int, ...] = (64, 128, 192)
    blocks: tuple[int, ...] = (1, 1, 2)
    attention_levels: tuple[int, ...] = ()
    skip_attention: bool = False
    patch: int = 2
    head: int = 8
    dropout: float = 0.0
    null_source: bool = False

    def __post_init__(self) -> None:
        if not self.widths or len(self.blocks) != len(self.widths) or min(self.blocks) < 1:
            raise ValueError(
                f"blocks must hold one positive number for each of {len(self.widths)} widths, "
                f"got {self.blocks}"
            )
        if not set(self.attention_levels) <= set(range(len(self.widths))):
            raise ValueError(
                f"attention_levels must lie from 0 to {len(self.widths) - 1}, "
                f"got {self.attention_levels}"
            )


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with the residual and attention blocks of Ho et al. (2020).

    Besides the maps it sees each pixel's distance from the center, since galaxies are centered.
    Sides of the maps must be multiples of `multiple`.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, condition = config.widths, 4 * config.widths[0]
        self.multiple = config.patch * 2 ** (len(widths) - 1)
        self.time = nn.Sequential(TimeEmbedding(condition), nn.Linear(condition, condition))
        self.source = nn.Embedding(config.num_domains + config.null_source, condition)
        self.target = nn.Embedding(config.num_domains, condition)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(condition, condition), nn.SiLU())
        self.enter = nn.Conv2d((config.channels_in + 1) * config.patch**2, widths[0], 3, padding=1)
        self.down, self.up, self.gates = (nn.ModuleList() for _ in range(3))
        width = widths[0]
        for level, level_width in enumerate(widths):
            if level:
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            for _ in range(config.blocks[level]):
                self.down.append(self._stage(width, level_width, level))
                width = level_width
        self.middle = self._stage(width, width, -1)
        for level, level_width in reversed(list(enumerate(widths))):
            for _ in range(config.blocks[level]):
                if config.skip_attention:
                    self.gates.append(AttentionGate(level_width, width))
                self.up.append(self._stage(width + level_width, level_width, level))
                width = level_width
            if level:
                self.up.append(nn.Conv2d(width, width, 3, padding=1))
        self.leave_norm = nn.GroupNorm(groups_of(width), width)
        self.leave = nn.Conv2d(width, config.head * config.patch**2, 3, padding=1)
        self.refine = refinement(config.channels_in, config.head)

    def _stage(self, channels_in: int, channels_out: int, level: int) -> nn.ModuleList:
        condition = 4 * self.config.widths[0]
        block = ResidualBlock(channels_in, channels_out, condition, self.config.dropout)
        with_attention = level < 0 or level in self.config.attention_levels
        return nn.ModuleList([block, Attention(channels_out)] if with_attention else [block])

    def forward(self, x: Tensor, time: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Map (n, channels_in, h, w), times (n,) in 0 to 1 and indices (n,) to (n, 1, h, w)."""
        condition = self.mix(self.time(time) + self.source(source) + self.target(target))
        if self.config.null_source:
            x = hide_source(x, source == self.config.num_domains)
        x = torch.cat([x, radii(x)], dim=1)
        h = self.enter(functional.pixel_unshuffle(x, self.config.patch))
        skips = []
        for part in self.down:
            h = _run(part, h, condition)
            if isinstance(part, nn.ModuleList):
                skips.append(h)
        h = _run(self.middle, h, condition)
        gates = iter(self.gates)
        for part in self.up:
            if isinstance(part, nn.ModuleList):
                skip = skips.pop()
                gate = next(gates, None)
                skip = skip if gate is None else gate(skip, h)
                h = _run(part, torch.cat([h, skip], dim=1), condition)
            else:
                h = part(functional.interpolate(h, scale_factor=2.0, mode="nearest"))
        h = self.leave(functional.silu(self.leave_norm(h)))
        fine = functional.pixel_shuffle(h, self.config.patch)
        return self.refine(torch.cat([fine, x], dim=1))


def _run(part: nn.Module, h: Tensor, condition: Tensor) -> Tensor:
    """Apply a resampling convolution, or a residual block with what follows it."""
    if not isinstance(part, nn.ModuleList):
        return part(h)
    h = part[0](h, condition)
    return part[1](h) if len(part) > 1 else h
