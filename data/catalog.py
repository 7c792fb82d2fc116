"""The galaxies on offer without any download: a list of seeds, each made when it is picked."""

from __future__ import annotations

from dataclasses import dataclass

from data.galaxy import Galaxy
from data.synthetic import synthesize


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


# Picked for being neither edge-on nor tiny in their first rotation; all are hold-out galaxies.
_SEEDS: dict[str, tuple[int, ...]] = {
    "spiral": (900_324, 900_070, 900_353, 900_375, 900_399, 900_426),
    "massive_halo": (900_482, 900_485, 900_549, 900_634, 900_699, 900_733),
    "merger": (900_736, 900_751, 900_776, 900_788, 900_823, 900_839),
    "irregular": (900_846, 900_907, 900_975, 901_013, 901_031, 901_048),
    "turbulent": (901_074, 901_106, 901_142, 901_145, 901_160, 901_169),
}


def _build() -> tuple[CatalogEntry, ...]:
    """List the seeds, one of each kind after another."""
    rounds = zip(*_SEEDS.values(), strict=True)
    return tuple(
        CatalogEntry(
            f"synthetic-{seed:06d}", f"{kind.replace('_', ' ').capitalize()} {number}", seed, kind
        )
        for number, seeds in enumerate(rounds, start=1)
        for kind, seed in zip(_SEEDS, seeds, strict=True)
    )


CATALOG = _build()
