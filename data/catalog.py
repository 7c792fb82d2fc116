"""The galaxies on offer without any download: a list of seeds, each made when it is picked."""

from __future__ import annotations

from dataclasses import dataclass

from data.galaxy import Galaxy
from data.splits import split_of
from data.synthetic import KINDS, synthesize


@dataclass(frozen=True)
class CatalogEntry:
    """A synthetic galaxy by its recipe; `load` makes it (about half a second)."""

    name: str
    label: str
    seed: int
    kind: str
    redshift: float = 0.0

    def load(self) -> Galaxy:
        """Return the galaxy; the same one every time."""
        return synthesize(self.seed, kind=self.kind, redshift=self.redshift)


def _build(per_kind: int, first_seed: int) -> tuple[CatalogEntry, ...]:
    """List hold-out seeds, kind after kind, so that no translator has seen one in training."""
    entries, seed = [], first_seed
    for number in range(1, per_kind + 1):
        for kind in KINDS:
            while split_of(f"synthetic-{seed:06d}") != "test":
                seed += 1
            label = f"{kind.replace('_', ' ').capitalize()} {number}"
            entries.append(CatalogEntry(f"synthetic-{seed:06d}", label, seed, kind))
            seed += 1
    return tuple(entries)


CATALOG = _build(per_kind=6, first_seed=900_000)
