"""Point Mamba: a flow's network over sets of points, of cost linear in their number.

Points of the target and of the gas become one line of tokens along a space-filling curve, where
neighbors in space meet whatever their type, and are scanned by the state space layers of
`engine.networks.ssd`. The line is taken in both directions and along several curves. The order in
which points are given never matters, to the last bit: see `engine.points.serialize`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.networks.blocks import TimeEmbedding
from engine.networks.ssd import StateSpace
from engine.points.serialize import CURVES, canonical_order, curve_index, inverse, take

OCTAVES = 6
# Coordinates, distance from the center, and a sine and a cosine of each coordinate an octave.
_PLACE = 4 + 6 * OCTAVES


class Condition(NamedTuple):
    """What is known of galaxies, in the network's units.

    Attributes
    ----------
    gas : (n, m, 3) positions.
    features : (n, m, f) of the gas at them.
    scalars : (n, s) of the galaxy as a whole.
    """

    gas: Tensor
    features: Tensor
    scalars: Tensor


@dataclass(frozen=True)
class PointMambaConfig:
    """Size of a Point Mamba.

    Attributes
    ----------
    num_targets : types of points that it draws.
    features, scalars : numbers at a gas point, and of a galaxy.
    width : channels of a token.
    depth : blocks; every second one scans backwards.
    curves : curves in turn, two blocks each.
    curve : "hilbert" or "morton".
    state, head_width, reach, chunk : of each `StateSpace`.
    """

    num_targets: int = 1
    features: int = 3
    scalars: int = 6
    width: int = 96
    depth: int = 6
    curves: int = 3
    curve: str = "hilbert"
    state: int = 16
    head_width: int = 32
    reach: int = 3
    chunk: int = 64

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "curve" and (type(value) is not int or value < 1):
                raise ValueError(f"{name} must be a whole number above zero, got {value!r}")
        if self.curve not in CURVES:
            raise ValueError(f"curve must be one of {', '.join(CURVES)}, got {self.curve!r}")
        if 2 * self.width % self.head_width:
            raise ValueError(
                f"head_width must divide twice the width, {2 * self.width}, got {self.head_width}"
            )


class PointMamba(nn.Module):
    """Predicts the velocity of each point; see the module."""

    def __init__(self, config: PointMambaConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time = nn.Sequential(TimeEmbedding(width), nn.Linear(width, width))
        self.target = nn.Embedding(config.num_targets, width)
        self.scalars = nn.Linear(config.scalars, width)
        self.place = nn.Linear(_PLACE, width)
        self.features = nn.Linear(config.features, width)
        self.is_gas = nn.Parameter(0.02 * torch.randn(width))
        # What the gas is as a whole reaches all points at once (Zaheer et al. 2017).
        self.each = nn.Linear(width, width)
        self.whole = nn.Linear(width, width)
        modulate = nn.Linear(width, 5 * width)
        nn.init.zeros_(modulate.weight)
        nn.init.zeros_(modulate.bias)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU(), modulate)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.leave_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.leave = nn.Linear(width, 3)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        # A cloud that shrinks or grows as a whole needs no more than this.
        self.expand = nn.Linear(width, 1)
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)

    def forward(self, x: Tensor, time: Tensor, condition: Condition, target: Tensor) -> Tensor:
        """Return the velocities (n, k, 3) of points x (n, k, 3).

        Parameters
        ----------
        x : positions at the times (n,), 0 to 1.
        condition : of the same n galaxies.
        target : (n,) indices of the type of the points.
        """
        places, features, order = self._line(x, condition)
        is_gas = features[..., :1]
        h = self.place(waves(places)) + is_gas * (self.features(features[..., 1:]) + self.is_gas)
        share = is_gas / condition.gas.shape[1]
        whole = self.whole((share * functional.silu(self.each(h))).sum(dim=1))
        about = self.time(time) + self.target(target) + self.scalars(condition.scalars) + whole
        modulation = self.mix(about).unflatten(1, (5, -1))
        h = self._scan(h, places, modulation[:, :3])
        shift, scale = modulation[:, 3:, None].unbind(1)
        moved = self.leave(self.leave_norm(h) * (1 + scale) + shift)
        moved = take(moved, inverse(order))[:, : x.shape[1]]
        return moved + self.expand(functional.silu(about))[:, None] * x

    def _line(self, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """Return positions, features and the order of all points along the first curve.

        The first feature is one at the gas and zero at the target, as all features are there.
        """
        places = torch.cat([x, condition.gas.to(x.dtype)], dim=1)
        gas = functional.pad(condition.features.to(x.dtype), (1, 0), value=1.0)
        features = torch.cat([gas.new_zeros(*x.shape[:2], gas.shape[-1]), gas], dim=1)
        index = curve_index(places, self.config.curve)
        order = canonical_order(index, torch.cat([places, features], dim=-1))
        return take(places, order), take(features, order), order

    def _scan(self, h: Tensor, places: Tensor, modulation: Tensor) -> Tensor:
        """Run the blocks over tokens that are, and come back, in canonical order."""
        order = None
        for number, block in enumerate(self.blocks):
            turn = number // 2 % self.config.curves
            if number % 2 == 0 and self.config.curves > 1:
                h = h if order is None else take(h, inverse(order))
                # Of equals the canonical order decides, for the sort is stable.
                index = curve_index(places, self.config.curve, turn)
                order = index.argsort(dim=1, stable=True) if turn else None
                h = h if order is None else take(h, order)
            h = block(h, modulation, backwards=number % 2 == 1)
        return h if order is None else take(h, inverse(order))


class Block(nn.Module):
    """Norm, scan in one direction, gate, residual; the condition modulates, as in DiM."""

    def __init__(self, config: PointMambaConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width, elementwise_affine=False)
        self.offset = nn.Parameter(torch.zeros(3, config.width))
        self.mixer = StateSpace(
            config.width, state=config.state, head_width=config.head_width, reach=config.reach,
            chunk=config.chunk,
        )  # fmt: skip

    def forward(self, h: Tensor, modulation: Tensor, *, backwards: bool) -> Tensor:
        """Map tokens (n, length, width) and modulation (n, 3, width) to such tokens."""
        shift, scale, gate = (modulation + self.offset)[:, :, None].unbind(1)
        line = self.norm(h) * (1 + scale) + shift
        mixed = self.mixer(line.flip(1)).flip(1) if backwards else self.mixer(line)
        return h + gate * mixed


def waves(places: Tensor) -> Tensor:
    """Return what a token knows of its place (..., 3): see `_PLACE`; the longest wave is 8."""
    frequencies = 0.25 * math.pi * 2.0 ** torch.arange(OCTAVES, device=places.device)
    angles = (places[..., None] * frequencies.to(places.dtype)).flatten(-2)
    distance = places.square().sum(dim=-1, keepdim=True).sqrt()
    return torch.cat([places, distance, angles.sin(), angles.cos()], dim=-1)
