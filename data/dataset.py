"""A store as torch sees it: normalized maps, split by galaxy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch.utils.data import Dataset

from data.normalize import DEFAULT, Normalization, normalize
from data.splits import SPLITS
from data.store import MapStore, StoreError

_BLOCK = 64


class MapDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Normalized maps of one split, held in memory, or read when they are asked for.

    Maps in memory take 4 bytes a pixel. Reading needs none, and scales with the workers of a
    `DataLoader`: each opens files of its own, and a whole batch is read at once. `lazy` only
    postpones: `maps` and `tensor` still load everything.

    Parameters
    ----------
    path : a map store.
    split : "train", "validation" or "test".
    lazy : read maps from the store when they are asked for.
    domains : the names to take, in this order; others are not read. All where None.
    normalization : constants to normalize by.

    Attributes
    ----------
    domains : their names, in the order of the channels.
    grid_size : pixels a side.
    available : (n, domain) bool.
    extent_kpc, names, kinds, redshifts : (n,) of each map stack.
    """

    def __init__(
        self, path: str | Path, split: str, *, lazy: bool = False,
        domains: Sequence[str] | None = None, normalization: Normalization = DEFAULT,
    ) -> None:  # fmt: skip
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        self._store = store = MapStore.open(path)
        store.require_finished()
        self._rows = rows = store.select(split=split)
        if not len(rows):
            raise StoreError(f"{path} holds no galaxy of the {split} split")
        self.normalization = normalization
        self.domains = store.domains if domains is None else tuple(domains)
        self.grid_size = store.grid_size
        self.names, self.kinds, self.redshifts, self.extent_kpc, available = (
            store.column(name)[rows]
            for name in ("name", "kind", "redshift", "extent_kpc", "available")
        )
        self.available = torch.from_numpy(available[:, store.channels(self.domains)])
        if not lazy:
            self.tensor()

    @cached_property
    def maps(self) -> torch.Tensor:
        """All maps (n, domain, row, column) float32, normalized; zero where a domain is missing."""
        maps = torch.empty((len(self), len(self.domains), self.grid_size, self.grid_size))
        for start in range(0, len(self), _BLOCK):
            rows = range(start, min(start + _BLOCK, len(self)))
            maps[rows.start : rows.stop] = self._read(rows)
        self._store.close()
        return maps

    def _read(self, indices: Sequence[int]) -> torch.Tensor:
        """Read and normalize map stacks (k, domain, row, column)."""
        wanted = None if self.domains == self._store.domains else self.domains
        maps = self._store.read(self._rows[list(indices)], wanted)
        available = self.available[list(indices)].numpy()
        for channel, name in enumerate(self.domains):
            # NaN where a domain is missing; set below.
            maps[:, channel] = normalize(maps[:, channel], name, self.normalization)
        maps[~available] = 0.0
        return torch.from_numpy(maps)

    def tensor(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `maps` and `available`, for loops that index on the device themselves."""
        return self.maps, self.available

    def __len__(self) -> int:
        """Return the number of map stacks: galaxies times rotations."""
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one map stack (domain, row, column) and which domains it has (domain,)."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return the map stacks of a batch, as a `DataLoader` asks for them."""
        in_memory = "maps" in vars(self)
        maps = [self.maps[i] for i in indices] if in_memory else self._read(indices)
        return [(stack, self.available[i]) for stack, i in zip(maps, indices, strict=True)]
