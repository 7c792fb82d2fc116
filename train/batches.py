"""Batches of (source, target) pairs, drawn on the device from maps that live there."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

from train.config import FOCUS


class Batch(NamedTuple):
    """Targets x and sources y (n, 1, h, w), with their domains' indices (n,)."""

    x: Tensor
    y: Tensor
    source: Tensor
    target: Tensor


class PairSampler:
    """Draws directions and maps.

    Parameters
    ----------
    maps, available : as `data.dataset.MapDataset.tensor` returns them, on the device.
    domains : names of the channels.
    focus_share : probability that a pair comes from the five directions of `FOCUS`.
    generator : on the CPU; its state is all that a resumed run needs.
    """

    def __init__(
        self, maps: Tensor, available: Tensor, domains: tuple[str, ...], focus_share: float,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        self.maps, self.available = maps, available
        self.focus_share, self.generator = focus_share, generator
        count = len(domains)
        self.all_pairs = torch.tensor(list(permutations(range(count), 2)))
        focus = [(domains.index(s), domains.index(t)) for s, t in FOCUS
                 if s in domains and t in domains]  # fmt: skip
        self.focus_pairs = torch.tensor(focus) if focus else self.all_pairs

    def draw(self, size: int, *, augment: bool = True) -> Batch:
        """Return a batch; one of the eight flips and quarter turns is applied to all of it."""
        g = self.generator
        focus = torch.rand(size, generator=g) < self.focus_share
        choice = torch.rand(size, generator=g)
        pairs = torch.where(focus[:, None], _pick(self.focus_pairs, choice),
                            _pick(self.all_pairs, choice))  # fmt: skip
        rows = torch.randint(len(self.maps), (size,), generator=g)
        turn = int(torch.randint(8, (1,), generator=g)) if augment else 0
        device = self.maps.device
        rows, pairs = rows.to(device), pairs.to(device)
        source, target = pairs.unbind(dim=1)
        both = torch.stack([self.maps[rows, target], self.maps[rows, source]], dim=1)
        both = torch.rot90(both, turn % 4, (2, 3))
        both = both.flip(3) if turn >= 4 else both
        have = self.available[rows, source] & self.available[rows, target]
        both, source, target = both[have], source[have], target[have]
        return Batch(both[:, :1].contiguous(), both[:, 1:].contiguous(), source, target)


def _pick(pairs: Tensor, choice: Tensor) -> Tensor:
    return pairs[(choice * len(pairs)).long()]
