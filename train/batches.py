"""Batches of (source, target) pairs, drawn on the device from maps that live there."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

from train.config import FOCUS


class Batch(NamedTuple):
    """Targets x and sources y (n, 1, h, w), with their domains' indices (n,).

    They are the `part` of a batch of `total` maps that this process has.
    """

    x: Tensor
    y: Tensor
    source: Tensor
    target: Tensor
    total: int
    part: slice

    def mean(self, values: Tensor) -> Tensor:
        """Return this part's share of the mean of values (n,) over the whole batch."""
        return values.sum() / max(self.total, 1)


class PairSampler:
    """Draws directions and maps.

    Parameters
    ----------
    maps, available : as `data.dataset.MapDataset.tensor` returns them; maps on the device,
        available on the CPU.
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

    def draw(self, size: int, *, augment: bool = True, part: slice = slice(None)) -> Batch:
        """Return the part of a batch; all of it gets one of the eight flips and quarter turns.

        Whatever the part, as many random numbers are drawn: processes whose generators are alike
        stay so, and their parts make up the batch that one of them alone would draw.
        """
        g = self.generator
        focus = torch.rand(size, generator=g) < self.focus_share
        choice = torch.rand(size, generator=g)
        pairs = torch.where(focus[:, None], _pick(self.focus_pairs, choice),
                            _pick(self.all_pairs, choice))  # fmt: skip
        rows = torch.randint(len(self.maps), (size,), generator=g)
        turn = int(torch.randint(8, (1,), generator=g)) if augment else 0
        source, target = pairs.unbind(dim=1)
        have = self.available[rows, source] & self.available[rows, target]
        total = int(have.sum())
        device = self.maps.device
        rows, source, target = (t[have][part].to(device) for t in (rows, source, target))
        both = torch.stack([self.maps[rows, target], self.maps[rows, source]], dim=1)
        both = torch.rot90(both, turn % 4, (2, 3))
        both = both.flip(3) if turn >= 4 else both
        x, y = both[:, :1].contiguous(), both[:, 1:].contiguous()
        return Batch(x, y, source, target, total, part)


def _pick(pairs: Tensor, choice: Tensor) -> Tensor:
    return pairs[(choice * len(pairs)).long()]
