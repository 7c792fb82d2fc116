"""Batches: which maps, from which domain to which, turned and mirrored."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import torch
from torch import Tensor

# The directions that matter most get a share of each batch of their own.
FOCUS = tuple(
    ("gas", target) for target in ("dark_matter", "stars", "hi", "temperature", "magnetic_field")
)


class Batch(NamedTuple):
    """Targets x and sources y (n, 1, H, W), normalized, and their domains (n,) as indices."""

    x: Tensor
    y: Tensor
    source: Tensor
    target: Tensor


def pair_table(domains: tuple[str, ...], focus: float) -> tuple[Tensor, Tensor]:
    """Return all ordered pairs of different domains (p, 2) as indices, and their chances (p,).

    Parameters
    ----------
    focus : share of the `FOCUS` pairs, on top of their part in the uniform rest.
    """
    pairs = list(permutations(range(len(domains)), 2))
    focused = torch.tensor([float((domains[s], domains[t]) in FOCUS) for s, t in pairs])
    uniform = torch.full((len(pairs),), 1.0 / len(pairs))
    if focused.sum() > 0:
        uniform = (1.0 - focus) * uniform + focus * focused / focused.sum()
    return torch.tensor(pairs), uniform


class BatchMaker:
    """Draws batches from maps that stay in memory.

    Parameters
    ----------
    maps : (n, D, H, W) normalized. available : (n, D) bool, which of them are there.
    """

    def __init__(
        self, maps: Tensor, available: Tensor, domains: tuple[str, ...], *, focus: float
    ) -> None:
        if not (available.sum(dim=1) >= 2).any():
            raise ValueError("the maps must hold a galaxy with two domains or more, got none")
        self.maps, self.available = maps, available
        self.pairs, self.chances = pair_table(domains, focus)

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Return `size` random pairs; each is flipped and turned in one of the eight ways."""
        rows, pairs = self._choose(size, generator)
        source, target = pairs.unbind(dim=1)
        stack = torch.stack([self.maps[rows, target], self.maps[rows, source]], dim=1)
        ways = torch.randint(8, (size,), generator=generator)
        for way in range(1, 8):
            mine = ways == way
            if mine.any():
                stack[mine] = dihedral(stack[mine], way)
        return Batch(stack[:, :1], stack[:, 1:], source, target)

    def _choose(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return rows (size,) and pairs (size, 2), drawn anew where a map is missing."""
        rows = torch.empty(0, dtype=torch.long)
        pairs = torch.empty(0, 2, dtype=torch.long)
        while len(rows) < size:
            more = torch.randint(len(self.maps), (size,), generator=generator)
            picks = torch.multinomial(self.chances, size, replacement=True, generator=generator)
            there = self.available[more[:, None], self.pairs[picks]].all(dim=1)
            rows = torch.cat([rows, more[there]])
            pairs = torch.cat([pairs, self.pairs[picks][there]])
        return rows[:size], pairs[:size]


def dihedral(maps: Tensor, way: int) -> Tensor:
    """Return square maps (..., H, W) turned by `way` % 4 quarters, mirrored from `way` = 4 on."""
    turned = torch.rot90(maps, way % 4, dims=(-2, -1))
    return turned.flip(-1) if way >= 4 else turned
