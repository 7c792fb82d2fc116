"""DiM: a diffusion network of state space layers that scan patches along rows and columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.blocks import TimeEmbedding, hide_source, radii, refinement
from engine.networks.ssd import StateSpace

# Each order is followed by its reverse, so that two blocks connect every token to every other.
ORDERS = ("rows", "rows reversed", "columns", "columns reversed")
WAVES = 8


@dataclass(frozen=True)
class DiMConfig:
    """Size of a DiM.

    Attributes
    ----------
    channels_in : maps that come in, stacked (the noisy target and the source: 2).
    num_domains : domains that it tells apart.
    null_source : whether source index `num_domains` stands for no source: the source map is then
        hidden, and the network describes the target domain alone.
    width : channels of a token.
    depth : blocks; the second half sees the first through long skip connections.
    patch : side in pixels of the square that becomes a token.
    state : rows of the state that each head carries along a scan.
    head_width : channels of one head; divides twice the width.
    reach : tokens that the causal convolution before each scan sees.
    chunk : longest chunk of a scan; a matter of speed alone.
    head : channels of the last, full-resolution convolutions, which see the maps once more, so
        that no edge of the patches shows.
    """

    channels_in: int = 2
    num_domains: int = 7
    width: int = 192
    depth: int = 9
    patch: int = 8
    state: int = 32
    head_width: int = 64
    reach: int = 3
    chunk: int = 64
    head: int = 8
    null_source: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "null_source" and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number above zero, got {value!r}")
        if 2 * self.width % self.head_width:
            raise ValueError(
                f"head_width must divide twice the width, {2 * self.width}, got {self.head_width}"
            )


class DiM(nn.Module):
    """Diffusion Mamba (Teng et al. 2024), with the Mamba-2 layer in place of the first Mamba.

    As there: scans whose direction changes from block to block, a learned token at the end of each
    row or column, a depthwise convolution after the patches are embedded and one before they are
    left, long skip connections (Bao et al. 2023), and one modulation for all blocks (Chen et al.
    2023). Other than there: positions are Fourier features rather than a table, so that any size
    works, and full-resolution convolutions come last. Sides of the maps must be multiples of
    `multiple`.
    """

    def __init__(self, config: DiMConfig) -> None:
        super().__init__()
        self.config, self.multiple = config, config.patch
        width, pixels = config.width, config.patch**2
        self.time = nn.Sequential(TimeEmbedding(width), nn.Linear(width, width))
        self.source = nn.Embedding(config.num_domains + config.null_source, width)
        self.target = nn.Embedding(config.num_domains, width)
        modulate = nn.Linear(width, 5 * width)
        nn.init.zeros_(modulate.weight)
        nn.init.zeros_(modulate.bias)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), modulate)
        self.enter = nn.Conv2d((config.channels_in + 1) * pixels, width, 1)
        self.position = nn.Linear(4 * WAVES, width)
        self.enter_local = nn.Conv2d(width, width, 3, padding=1, groups=width)
        first_with_skip = config.depth - config.depth // 2
        self.blocks = nn.ModuleList(
            Block(config, ORDERS[i % len(ORDERS)], skip=i >= first_with_skip)
            for i in range(config.depth)
        )
        self.leave_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.leave_local = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.leave = nn.Conv2d(width, config.head * pixels, 1)
        self.refine = refinement(config.channels_in, config.head)

    def forward(self, x: Tensor, time: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Map (n, channels_in, h, w), times (n,) in 0 to 1 and indices (n,) to (n, 1, h, w)."""
        condition = self.time(time) + self.source(source) + self.target(target)
        modulation = self.mix(condition).unflatten(1, (5, -1))
        if self.config.null_source:
            x = hide_source(x, source == self.config.num_domains)
        x = torch.cat([x, radii(x)], dim=1)
        h = self.enter(functional.pixel_unshuffle(x, self.config.patch))
        h = h + _image(self.position(waves(h).to(self.position.weight.dtype)))
        h = _tokens(h + self.enter_local(h))
        skips: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            h = block(h, modulation[:, :3], skips.pop() if block.join is not None else None)
            if number < self.config.depth // 2:
                skips.append(h)
        shift, scale = modulation[:, 3:, None, None].unbind(1)
        h = _image(self.leave_norm(h) * (1 + scale) + shift)
        h = self.leave(h + self.leave_local(h))
        fine = functional.pixel_shuffle(h, self.config.patch)
        return self.refine(torch.cat([fine, x], dim=1))


class Block(nn.Module):
    """Norm, scan in one order, gate, residual; with a skip, first a mix of both.

    The condition shifts, scales and gates (Peebles & Xie 2023), all blocks alike but for an offset
    of each (Chen et al. 2023); the gate is zero at first.
    """

    def __init__(self, config: DiMConfig, order: str, *, skip: bool) -> None:
        super().__init__()
        width = config.width
        self.order = order
        self.join = nn.Linear(2 * width, width) if skip else None
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.offset = nn.Parameter(torch.zeros(3, width))
        self.end = nn.Parameter(0.02 * torch.randn(width))
        self.mixer = StateSpace(
            width, state=config.state, head_width=config.head_width, reach=config.reach,
            chunk=config.chunk,
        )  # fmt: skip

    def forward(self, h: Tensor, modulation: Tensor, skip: Tensor | None = None) -> Tensor:
        """Map tokens (n, rows, columns, width) and modulation (n, 3, width) to such tokens."""
        if self.join is not None and skip is not None:
            h = self.join(torch.cat([h, skip], dim=-1))
        shift, scale, gate = (modulation + self.offset)[:, :, None, None].unbind(1)
        lines = arrange(self.norm(h) * (1 + scale) + shift, self.order)
        n, count, length, width = lines.shape
        lines = torch.cat([lines, self.end.to(lines.dtype).expand(n, count, 1, width)], dim=2)
        mixed = self.mixer(lines.flatten(1, 2)).unflatten(1, (count, length + 1))[:, :, :-1]
        return h + gate * restore(mixed, self.order)


def arrange(grid: Tensor, order: str) -> Tensor:
    """Return tokens (n, rows, columns, width) as lines (n, lines, length, width) in scan order."""
    if order.startswith("columns"):
        grid = grid.transpose(1, 2)
    return grid.flip(1, 2) if order.endswith("reversed") else grid


def restore(lines: Tensor, order: str) -> Tensor:
    """Undo `arrange`."""
    if order.endswith("reversed"):
        lines = lines.flip(1, 2)
    return lines.transpose(1, 2) if order.startswith("columns") else lines


def waves(h: Tensor) -> Tensor:
    """Return sines and cosines of row and column, (1, rows, columns, 4 WAVES), for h (n, c, ...).

    Of wavelengths of 2, 1, 2/3, ... sides, so that they mean the same at every size.
    """
    features = []
    for count in h.shape[-2:]:
        place = (torch.arange(count, device=h.device, dtype=torch.float32) + 0.5) / count
        angles = math.pi * place[:, None] * torch.arange(1, WAVES + 1, device=h.device)
        features.append(torch.cat([angles.sin(), angles.cos()], dim=1))
    rows, columns = features
    shape = (len(rows), len(columns), 2 * WAVES)
    return torch.cat([rows[:, None].expand(shape), columns.expand(shape)], dim=-1)[None]


def _tokens(image: Tensor) -> Tensor:
    return image.permute(0, 2, 3, 1)


def _image(tokens: Tensor) -> Tensor:
    return tokens.permute(0, 3, 1, 2)
