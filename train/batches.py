"""Batches of (source, target) pairs, drawn on the device from maps that live there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

from train.config import FOCUS, ConfigError


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

    def rows(self, rows: slice) -> Batch:
        """Return some of this part's maps, still as of the whole batch."""
        x, y, source, target = (each[rows] for each in self[:4])
        return self._replace(x=x, y=y, source=source, target=target)

    def mean(self, values: Tensor) -> Tensor:
        """Return this part's share of the mean of values (n,) over the whole batch."""
        return values.sum() / self.total


class PairSampler:
    """Draws directions, and for each of them a map stack that has both of its domains.

    Parameters
    ----------
    maps, available : as `data.dataset.MapDataset.tensor` returns them; maps on the device,
        available on the CPU.
    domains : names of the channels.
    focus_share : probability that a pair comes from the five directions of `FOCUS`.
    sources : the domains to translate from; all where empty.
    generator : on the CPU; its state is all that a resumed run needs.

    Raises
    ------
    ConfigError : if no map stack has two domains.
    """

    def __init__(
        self, maps: Tensor, available: Tensor, domains: tuple[str, ...], focus_share: float,
        generator: torch.Generator, sources: Sequence[str] = (),
    ) -> None:  # fmt: skip
        if lacking := set(sources).difference(domains):
            raise ConfigError(f"sources: the maps have no {', '.join(sorted(lacking))}")
        self.maps, self.focus_share, self.generator = maps, focus_share, generator
        pairs = torch.tensor([
            (s, t) for s, t in permutations(range(len(domains)), 2)
            if not sources or domains[s] in sources
        ]).reshape(-1, 2)  # fmt: skip
        have = available[:, pairs[:, 0]] & available[:, pairs[:, 1]]
        self.pairs, have = pairs[have.any(dim=0)], have[:, have.any(dim=0)]
        if not len(self.pairs):
            raise ConfigError("no map stack has two domains to translate between")
        # The rows that have pair p are rows[first[p] : first[p] + count[p]].
        self.rows = have.T.nonzero()[:, 1].to(torch.int32)
        self.count = have.sum(dim=0)
        self.first = self.count.cumsum(dim=0) - self.count
        self.all = torch.arange(len(self.pairs))
        focus = [(domains[s], domains[t]) in FOCUS for s, t in self.pairs.tolist()]
        self.focus = self.all[torch.tensor(focus)] if any(focus) else self.all

    def draw(self, size: int, *, augment: bool = True, part: slice = slice(None)) -> Batch:
        """Return the part of a batch; all of it gets one of the eight flips and quarter turns.

        Whatever the part, as many random numbers are drawn: processes whose generators are alike
        stay so, and their parts make up the batch that one of them alone would draw.
        """
        g = self.generator
        focus = torch.rand(size, generator=g) < self.focus_share
        choice = torch.rand(size, generator=g)
        pair = torch.where(focus, _pick(self.focus, choice), _pick(self.all, choice))
        place = torch.rand(size, generator=g, dtype=torch.float64)
        rows = self.rows[self.first[pair] + (place * self.count[pair]).long()].long()
        turn = int(torch.randint(8, (1,), generator=g)) if augment else 0
        device = self.maps.device
        rows, pairs = rows[part].to(device), self.pairs[pair[part]].to(device)
        source, target = pairs.unbind(dim=1)
        both = torch.stack([self.maps[rows, target], self.maps[rows, source]], dim=1)
        both = torch.rot90(both, turn % 4, (2, 3))
        both = both.flip(3) if turn >= 4 else both
        x, y = both[:, :1].contiguous(), both[:, 1:].contiguous()
        return Batch(x, y, source, target, size, part)


def _pick(values: Tensor, choice: Tensor) -> Tensor:
    return values[(choice * len(values)).long()]
