"""What networks are made of: residual block, self-attention, embeddings, last convolutions."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Up to here plain products beat the fused kernel, whose backward pass is slow on the CPU.
PLAIN_TOKENS = 256


def groups_of(channels: int) -> int:
    """Return the number of groups for group norm: 8, or what divides `channels`."""
    return math.gcd(8, channels)


def zero_init(layer: nn.Conv2d) -> nn.Conv2d:
    """Return `layer` with zero weights, so that its block starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def radii(x: Tensor) -> Tensor:
    """Return distances from the center in half sides, (n, 1, h, w), for x (n, c, h, w)."""
    n, _, height, width = x.shape
    rows = (torch.arange(height, device=x.device, dtype=x.dtype) + 0.5) * (2.0 / height) - 1.0
    columns = (torch.arange(width, device=x.device, dtype=x.dtype) + 0.5) * (2.0 / width) - 1.0
    return torch.hypot(rows[:, None], columns[None, :]).expand(n, 1, height, width)


def hide_source(x: Tensor, hidden: Tensor) -> Tensor:
    """Return maps x (n, c, h, w), all but the first (the noisy target) zero where `hidden` (n,)."""
    shown = x[:, 1:].masked_fill(hidden[:, None, None, None], 0.0)
    return torch.cat([x[:, :1], shown], dim=1)


def refinement(channels_in: int, head: int) -> nn.Sequential:
    """Return the last, full-resolution convolutions, from `head` channels, maps and radii to one.

    They see the maps once more, so that no edge of pixel blocks shows, and give zero at first.
    """
    return nn.Sequential(
        nn.Conv2d(head + channels_in + 1, 2 * head, 3, padding=1),
        nn.SiLU(),
        zero_init(nn.Conv2d(2 * head, 1, 3, padding=1)),
    )


class TimeEmbedding(nn.Module):
    """Sinusoids of a time in 0 to 1 (Vaswani et al. 2017, section 3.5): (n,) -> (n, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        frequencies = 1000.0 * torch.exp(-math.log(1e4) * torch.arange(half) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor

    def forward(self, time: Tensor) -> Tensor:
        """Embed times (n,)."""
        angles = time[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, twice; the condition scales and shifts the second norm."""

    def __init__(self, channels_in: int, channels_out: int, condition: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups_of(channels_in), channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.modulation = nn.Linear(condition, 2 * channels_out)
        self.norm2 = nn.GroupNorm(groups_of(channels_out), channels_out)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = zero_init(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        self.skip = (
            nn.Identity()
            if channels_in == channels_out
            else nn.Conv2d(channels_in, channels_out, 1)
        )

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (n, channels_in, h, w) and a condition (n, c) to (n, channels_out, h, w)."""
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(h) * (1 + scale) + shift
        return self.skip(x) + self.conv2(self.dropout(functional.silu(h)))


class Attention(nn.Module):
    """Self-attention over all pixels, four heads, residual."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels must be a multiple of the {heads} heads, got {channels}")
        self.heads = heads
        self.norm = nn.GroupNorm(groups_of(channels), channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero_init(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, h, w) to the same shape."""
        n, c, h, w = x.shape
        qkv = self.qkv(self.norm(x)).reshape(n, 3, self.heads, c // self.heads, h * w)
        q, k, v = qkv.transpose(-1, -2).unbind(dim=1)
        if h * w > PLAIN_TOKENS:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1) @ v
        return x + self.out(mixed.transpose(-1, -2).reshape(n, c, h, w))


class AttentionGate(nn.Module):
    """Additive attention on a skip connection, steered by what comes up from below.

    Oktay et al. (2018), "Attention U-Net", eqs. 1 and 2, with both of one resolution, and twice the
    sigmoid, so that the gate starts as the identity.
    """

    def __init__(self, channels: int, steering: int) -> None:
        super().__init__()
        width = max(channels // 2, 1)
        self.skip = nn.Conv2d(channels, width, 1, bias=False)
        self.steer = nn.Conv2d(steering, width, 1)
        self.weigh = zero_init(nn.Conv2d(width, 1, 1))

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        """Weigh the pixels of `skip` (n, channels, h, w) by it and `below` (n, steering, h, w)."""
        weights = self.weigh(functional.relu(self.skip(skip) + self.steer(below)))
        return 2.0 * weights.sigmoid() * skip
