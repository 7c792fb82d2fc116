"""Hold-out galaxies that methods are judged on: one rotation of each, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.kinds import KINDS
from data.store import MapStore, StoreError
from data.summary import spread_out
from engine.evaluation import MapSet
from engine.evaluation.schema import CASE, GALAXY
from engine.metrics.radii import half_mass_radius
from train.measures import Truth, measure_truth

# For a store that nothing was trained on, such as one of another simulation.
ALL = "all"

# Galaxies that are shown where none has a kind.
_UNKNOWN_CASES = 3


class Holdout:
    """One rotation of some galaxies of a store's test split.

    Their lineages are decided by `data.splits`, so that no method has seen one of them in training,
    whatever rotation or snapshot.

    Attributes
    ----------
    maps : (n, domain, H, W) physical; NaN where a galaxy lacks a domain.
    available : (n, domain) bool.
    galaxies : (n,) table of `engine.evaluation.schema.GALAXY`.
    about : which maps these are.
    """

    def __init__(self, path: str | Path, count: int, split: str = "test") -> None:
        """Take up to `count` galaxies of a split, or of `ALL`, spread evenly over their names."""
        with MapStore.open(path) as store:
            store.require_finished()
            index = store.select(**({} if split == ALL else {"split": split}))
            if not len(index):
                raise StoreError(f"{path} holds no galaxy of the {split} split")
            _, first = np.unique(store.column("name")[index], return_index=True)
            rows = index[first[spread_out(len(first), count)]]
            self.maps = store.read(rows)
            self.available: NDArray[np.bool_] = store.column("available")[rows]
            self.about = MapSet(Path(path).name, split, store.grid_size, store.domains)
            self.galaxies = np.zeros(len(rows), GALAXY)
            for name in GALAXY.names or ():
                if name in (store.index.dtype.names or ()):
                    self.galaxies[name] = store.index[name][rows]
        self.galaxies["half_mass_radius_kpc"] = self._sizes()
        self._truths: dict[str, Truth] = {}

    def __len__(self) -> int:
        """Return the number of galaxies."""
        return len(self.galaxies)

    def with_domains(self, *domains: str) -> NDArray[np.intp]:
        """Return the rows of the galaxies that have maps of all these domains."""
        return np.flatnonzero(self.available[:, self._channels(domains)].all(axis=1))

    def directions(self, domains: Sequence[str], sources: Sequence[str]) -> list[tuple[str, str]]:
        """Return the pairs from `sources` to `domains` that some galaxy has both maps of."""
        pairs = (pair for pair in permutations(domains, 2) if pair[0] in sources)
        return [pair for pair in pairs if len(self.with_domains(*pair))]

    def maps_of(self, domain: str, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the maps (k, H, W) of a domain, physical, of these rows."""
        return self.maps[rows, self._channels([domain])[0]]

    def truth(self, domain: str) -> Truth:
        """Return the maps of a domain, measured once, of all galaxies that have it."""
        if domain not in self._truths:
            rows = self.with_domains(domain)
            extents = self.galaxies["extent_kpc"][rows]
            self._truths[domain] = measure_truth(self.maps_of(domain, rows), domain, rows, extents)
        return self._truths[domain]

    def cases(self, domains: Sequence[str]) -> NDArray[Any]:
        """Return a table of galaxies to show: the first of each kind that has maps of `domains`.

        Where no kind is known, a few that are spread over the table.
        """
        rows = self.with_domains(*domains)
        kinds = np.char.decode(self.galaxies["kind"][rows], "utf-8").tolist()
        chosen = [(kind, rows[kinds.index(kind)]) for kind in KINDS if kind in kinds]
        if not chosen:
            chosen = [("", rows[i]) for i in spread_out(len(rows), _UNKNOWN_CASES)]
        return np.array(chosen, CASE)

    def _channels(self, domains: Sequence[str]) -> list[int]:
        return [self.about.domains.index(name) for name in domains]

    def _sizes(self) -> NDArray[np.float64]:
        """Return the projected half-mass radii (n,) of the stars in kpc, NaN without their map."""
        sizes = np.full(len(self), np.nan)
        if "stars" in self.about.domains:
            rows = self.with_domains("stars")
            side = self.galaxies["extent_kpc"][rows]
            sizes[rows] = half_mass_radius(self.maps_of("stars", rows), 1.0) * side
        return sizes
