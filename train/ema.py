"""Averaged weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class EMA:
    """Exponential moving average of a network's parameters; buffers are not averaged.

    Parameters
    ----------
    half_life : steps after which a weight counts half.
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = 0.5 ** (1.0 / max(half_life, 1e-9))

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the parameters after `step`; early steps count more, to forget the start."""
        decay = min(self.decay, step / (step + 9.0))
        mine, theirs = list(self.network.parameters()), list(network.parameters())
        torch._foreach_lerp_(mine, theirs, 1.0 - decay)
