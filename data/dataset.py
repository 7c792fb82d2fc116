"""A store as torch sees it: normalized maps, split by galaxy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from data.normalize import normalize
from data.splits import SPLITS
from data.store import MapStore, StoreError


class MapDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Normalized maps of one split, held in memory.

    Parameters
    ----------
    path : a map store.
    split : "train", "validation" or "test".

    Attributes
    ----------
    domains : their names, in the order of the channels.
    maps : (n, domain, row, column) float32, normalized; zero where a domain is missing.
    available : (n, domain) bool.
    extent_kpc, names, kinds : (n,) of each map stack.
    """

    def __init__(self, path: str | Path, split: str) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        with MapStore.open(path) as store:
            rows = np.flatnonzero(store.column("split") == split)
            if not len(rows):
                raise StoreError(f"{path} holds no galaxy of the {split} split")
            self.domains = store.domains
            self.extent_kpc = store.column("extent_kpc")[rows]
            self.names, self.kinds = store.column("name")[rows], store.column("kind")[rows]
            physical = store.read()[rows]
        available = np.asarray(np.isfinite(physical).all(axis=(2, 3)))
        maps = np.zeros_like(physical)
        for channel, name in enumerate(self.domains):
            have = available[:, channel]
            maps[have, channel] = normalize(physical[have, channel], name)
        self.maps, self.available = torch.from_numpy(maps), torch.from_numpy(available)

    def tensor(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `maps` and `available`, for loops that index on the device themselves."""
        return self.maps, self.available

    def __len__(self) -> int:
        """Return the number of map stacks: galaxies times rotations."""
        return len(self.maps)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one map stack (domain, row, column) and which domains it has (domain,)."""
        return self.maps[index], self.available[index]
