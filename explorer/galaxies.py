"""Which galaxies there are: the catalog's, the hold-out ones of evaluations, and people's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from data.catalog import CATALOG
from data.galaxy import Galaxy
from data.sources import Cutout, Synthetic
from data.splits import split_of
from data.store import MapStore
from data.untrusted import MAX_BYTES, UntrustedError, check_file
from engine.evaluation import Evaluation

CATALOG_ORIGIN, HOLD_OUT, OWN = "catalog", "hold-out", "own file"
ORIGINS = (CATALOG_ORIGIN, HOLD_OUT, OWN)
# Of a store that somebody opens: more could not be looked through anyway.
MOST_OF_A_STORE = 400
_SAME = 1e-3


@dataclass(frozen=True)
class Offer:
    """A galaxy that can be shown.

    Attributes
    ----------
    name : under which it is known here, and in the address.
    label, kind : for people.
    redshift : dimensionless.
    origin : one of `ORIGINS`.
    stellar_mass, dark_matter_mass : of what is mapped, Msun; NaN until they are known.
    split : of `data.splits`; "" of a file that says no lineage of the training's.
    load : makes or reads its particles; None of a galaxy of a store, which has its maps alone.
    cutout, store : the file that it comes from.
    title : the name that the file gives it.
    """

    name: str
    label: str
    kind: str
    redshift: float
    origin: str
    stellar_mass: float = np.nan
    dark_matter_mass: float = np.nan
    split: str = ""
    load: Callable[[], Galaxy] | None = field(default=None, repr=False, compare=False)
    cutout: Cutout | None = None
    store: Path | None = None
    title: str = ""


def kind_label(kind: str) -> str:
    """Return "massive halo" for "massive_halo"."""
    return kind.replace("_", " ")


def catalog_offers() -> list[Offer]:
    """Return the galaxies that come with the package."""
    offers = []
    for entry in CATALOG:
        kind = kind_label(entry.kind)
        label = entry.label if kind in entry.label.lower() else f"{entry.label} ({kind})"
        offers.append(
            Offer(entry.name, label, kind, entry.redshift, CATALOG_ORIGIN,
                  split=split_of(entry.name), load=entry.load)
        )  # fmt: skip
    return offers


def hold_out_offers(evaluations: Iterable[Evaluation]) -> list[Offer]:
    """Return the galaxies of evaluations that can be made anew, which are the synthetic ones.

    Their first rotation is that under which they were evaluated.
    """
    offers = {}
    for evaluation in evaluations:
        names, kinds = evaluation.column("name"), evaluation.column("kind")
        for name, kind, row in zip(names, kinds, evaluation.galaxies, strict=True):
            source = _synthetic(str(name), float(row["redshift"]))
            if source is not None:
                words = kind_label(str(kind))
                at = f", z = {source.redshift:g}" if source.redshift else ""
                offers[source.name] = Offer(
                    source.name, f"Hold-out {source.seed} ({words}{at})", words, source.redshift,
                    HOLD_OUT, float(row["stellar_mass"]), float(row["dark_matter_mass"]),
                    split_of(source.name, str(row["lineage"].decode())),
                    partial(_as_evaluated, source, float(row["stellar_mass"])),
                )  # fmt: skip
    return list(offers.values())


def _as_evaluated(source: Synthetic, stellar_mass: float) -> Galaxy:
    """Make a galaxy; ValueError where it is not the one that was evaluated."""
    galaxy = source.load()
    found = galaxy.properties["stellar_mass"]
    if abs(found - stellar_mass) > _SAME * stellar_mass:
        raise ValueError(
            f"{source.name} was evaluated with {stellar_mass:.4g} Msun of stars, and this version "
            f"makes it with {found:.4g}: it cannot be shown"
        )
    return galaxy


def _synthetic(name: str, redshift: float) -> Synthetic | None:
    """Return the recipe of a galaxy of that name, None where it is no synthetic one."""
    seed = name.removeprefix("synthetic-").split("/")[0]
    if not seed.isdecimal():
        return None
    source = Synthetic(int(seed), redshift)
    return source if source.name == name else None


def open_file(path: Path, label: str, token: str, max_bytes: int = MAX_BYTES) -> list[Offer]:
    """Return the galaxies in somebody's file: that of a cutout, or those of a map store.

    Parameters
    ----------
    path : of a cutout, of a shard, or of the folder of a store.
    label : what to call the file; a name alone, for it is shown to people.
    token : goes into the names, so that no two files' galaxies are one.
    max_bytes : of each file.

    Raises
    ------
    ValueError : one sentence on why the file is refused.
    """
    if path.is_dir():
        return _of_folder(path, label, token, max_bytes)
    if not path.is_file():
        raise UntrustedError(f"{label} is no file that can be read here")
    if check_file(path, max_bytes=max_bytes) == "store":
        return _of_shard(path, label, token)
    cutout = Cutout(path.resolve())
    galaxy = cutout.load()
    return [
        Offer(f"{galaxy.name}@{token}", f"{galaxy.name} ({label})", kind_label(galaxy.kind),
              galaxy.redshift, OWN, _mass(galaxy, "stars"), _mass(galaxy, "dark_matter"), "",
              cutout.load, cutout, title=galaxy.name)
    ]  # fmt: skip


def _of_folder(path: Path, label: str, token: str, max_bytes: int) -> list[Offer]:
    """Return the galaxies of a store, shard by shard: its index is nothing that was examined."""
    offers: list[Offer] = []
    for shard in sorted(path.glob("shard-*.hdf5")):
        check_file(shard, max_bytes=max_bytes)
        offers += _of_shard(shard, label, token)
        if len(offers) >= MOST_OF_A_STORE:
            break
    if not offers:
        raise UntrustedError(f"{label} is a folder without the shards of a map store")
    return sorted(offers[:MOST_OF_A_STORE], key=lambda offer: offer.title)


def _of_shard(path: Path, label: str, token: str) -> list[Offer]:
    with MapStore.open(path) as store:
        _, rows = np.unique(store.column("name"), return_index=True)
        columns = {
            name: store.column(name)[rows]
            for name in ("name", "kind", "redshift", "stellar_mass", "dark_matter_mass", "split")
        }
    return [
        Offer(f"{name}@{token}", f"{name} ({label})", kind_label(str(kind)), float(redshift), OWN,
              float(stars), float(dark), str(split), store=path.resolve(), title=str(name))
        for name, kind, redshift, stars, dark, split in zip(*columns.values(), strict=True)
    ]  # fmt: skip


def _mass(galaxy: Galaxy, component: str) -> float:
    particles = galaxy.particles.get(component)
    return float(particles.masses.sum()) if particles is not None else np.nan


class Register:
    """The galaxies that can be shown, those of one person's files known by their names alone."""

    def __init__(self, shared: Callable[[], list[Offer]]):
        self._shared = lru_cache(maxsize=1)(lambda: {offer.name: offer for offer in shared()})
        self._own: dict[str, Offer] = {}
        self._lock = threading.Lock()

    @property
    def shared(self) -> dict[str, Offer]:
        """Those that everybody is offered."""
        return self._shared()

    def admit(self, offers: Iterable[Offer]) -> None:
        """Take in the galaxies of somebody's file; others are not told of them."""
        with self._lock:
            self._own.update((offer.name, offer) for offer in offers)

    def forget(self, names: Iterable[str]) -> None:
        """Strike out galaxies that were taken in."""
        with self._lock:
            for name in names:
                self._own.pop(name, None)

    def find(self, name: str) -> Offer:
        """Return a galaxy; ValueError where there is none of that name."""
        with self._lock:
            offer = self._own.get(name)
        if offer is None:
            offer = self.shared.get(name)
        if offer is None:
            first, *_, last = self.shared
            raise ValueError(
                f"galaxy must be one of the {len(self.shared)} on offer, {first} to {last}, "
                f"got {name!r}"
            )
        return offer
