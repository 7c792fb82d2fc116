"""Which subhalos of a simulation are wanted, by mass and particle count, and their catalog."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from data.atomic import replacing
from data.cosmology import HUBBLE
from data.cutout_format import SIMULATIONS
from data.json_lines import JsonLines
from data.tng_api import ApiError, Client

_PAGE = 1000


@dataclass(frozen=True)
class Selection:
    """What to fetch.

    Attributes
    ----------
    simulation : public name, as "TNG50-1".
    snapshots : their numbers; only full ones (50 67 72 78 84 91 99 from z = 1 on) have all fields.
    stellar_mass_msun : least and greatest mass of the stars and wind bound to the subhalo, Msun.
    min_gas_cells : least number of gas cells bound to it.
    limit : galaxies a snapshot, the most massive first; None takes all.
    shuffle_seed : takes them in a random order instead, so that `limit` draws a fair sample.
    """

    simulation: str
    snapshots: tuple[int, ...]
    stellar_mass_msun: tuple[float, float]
    min_gas_cells: int = 10_000
    limit: int | None = None
    shuffle_seed: int | None = None

    def __post_init__(self) -> None:
        if self.simulation not in SIMULATIONS.values():
            known = ", ".join(SIMULATIONS.values())
            raise ValueError(f"unknown simulation {self.simulation!r}; known are {known}")
        if not self.snapshots or min(self.snapshots) < 0:
            raise ValueError(f"snapshots must be numbers from 0, got {self.snapshots}")
        low, high = self.stellar_mass_msun
        if not 0 <= low < high:
            raise ValueError(f"stellar masses must be a least and a greater, got {low:g} {high:g}")

    def wants(self, subhalo: Subhalo) -> bool:
        """Tell whether a subhalo is a galaxy of the wanted mass with enough gas cells."""
        low, high = self.stellar_mass_msun
        in_range = low <= subhalo.stellar_mass_msun <= high
        return subhalo.is_galaxy and in_range and subhalo.len_gas >= self.min_gas_cells


@dataclass(frozen=True)
class Subhalo:
    """A row of the catalog.

    Masses are those of the particles bound to the subhalo; the position is that of its most bound
    particle in the box, in ckpc/h; `is_galaxy` is False for clumps that did not form as galaxies
    (SubhaloFlag in the specification of the group catalogs). The descendant is the next subhalo on
    its branch of the merger tree (SubLink), both -1 where the branch ends.
    """

    simulation: str
    snapshot: int
    subhalo_id: int
    redshift: float
    stellar_mass_msun: float
    gas_mass_msun: float
    dark_matter_mass_msun: float
    x_ckpc_h: float
    y_ckpc_h: float
    z_ckpc_h: float
    len_gas: int
    len_dark_matter: int
    len_stars: int
    descendant_snapshot: int
    descendant_id: int
    is_galaxy: bool

    @classmethod
    def from_json(cls, simulation: str, redshift: float, detail: dict[str, Any]) -> Subhalo:
        """Read the API's description of a subhalo, with masses in 1e10 Msun/h."""
        unit = 1e10 / HUBBLE
        descendant = descendant_in(detail) or (-1, -1)
        return cls(
            simulation=simulation,
            snapshot=int(detail["snap"]),
            subhalo_id=int(detail["id"]),
            redshift=redshift,
            stellar_mass_msun=float(detail["mass_stars"]) * unit,
            gas_mass_msun=float(detail["mass_gas"]) * unit,
            dark_matter_mass_msun=float(detail["mass_dm"]) * unit,
            x_ckpc_h=float(detail["pos_x"]),
            y_ckpc_h=float(detail["pos_y"]),
            z_ckpc_h=float(detail["pos_z"]),
            len_gas=int(detail["len_gas"]),
            len_dark_matter=int(detail["len_dm"]),
            len_stars=int(detail["len_stars"]),
            descendant_snapshot=descendant[0],
            descendant_id=descendant[1],
            is_galaxy=bool(detail.get("subhaloflag", 1)),
        )

    @property
    def name(self) -> str:
        """Return the name of the galaxy, as `read_cutout` gives it."""
        return subhalo_name(self.simulation, self.snapshot, self.subhalo_id)

    @property
    def path(self) -> str:
        """Return where the API has it."""
        return subhalo_path(self.simulation, self.snapshot, self.subhalo_id)

    @property
    def file_name(self) -> str:
        """Return the name of its cutout in our folder."""
        return f"{self.simulation}_{self.snapshot:03d}_{self.subhalo_id}.hdf5"

    @property
    def counts(self) -> dict[str, int]:
        """Return how many particles there are of each type."""
        return {
            "gas": self.len_gas, "dark_matter": self.len_dark_matter, "stars": self.len_stars,
        }  # fmt: skip

    @property
    def descendant(self) -> tuple[int, int] | None:
        """Return snapshot and id of the descendant; None where there is none."""
        node = (self.descendant_snapshot, self.descendant_id)
        return node if self.descendant_id >= 0 else None


def subhalo_name(simulation: str, snapshot: int, subhalo_id: int) -> str:
    """Return the name of a subhalo as a galaxy."""
    return f"{simulation}/{snapshot}/subhalo-{subhalo_id}"


def subhalo_path(simulation: str, snapshot: int, subhalo_id: int) -> str:
    """Return where the API has a subhalo."""
    return f"{simulation}/snapshots/{snapshot}/subhalos/{subhalo_id}/"


def descendant_in(detail: dict[str, Any]) -> tuple[int, int] | None:
    """Return snapshot and id of the descendant in the API's description of a subhalo, or None."""
    node = int(detail["desc_snap"]), int(detail["desc_sfid"])
    return None if -1 in node else node


def choose(
    client: Client, selection: Selection, seen: JsonLines,
    progress: Callable[[], object] = lambda: None,
) -> list[Subhalo]:  # fmt: skip
    """Return the subhalos that a selection wants, in the order in which it wants them.

    The list that the API gives knows no particle counts, so that each candidate is looked up, once:
    `seen` remembers it. `progress` is called after each.

    Raises
    ------
    KeyRefused, ApiError : one sentence.
    """
    known = remembered(seen)
    chosen: list[Subhalo] = []
    for snapshot in selection.snapshots:
        path = f"{selection.simulation}/snapshots/{snapshot}/"
        redshift = ask(client, path, lambda answer: max(float(answer["redshift"]), 0.0))
        read = partial(Subhalo.from_json, selection.simulation, redshift)
        candidates = list(_candidates(client, selection, path))
        if selection.shuffle_seed is not None:
            random.Random(selection.shuffle_seed).shuffle(candidates)
        end = None if selection.limit is None else len(chosen) + selection.limit
        for number in candidates:
            if len(chosen) == end:
                break
            name = subhalo_name(selection.simulation, snapshot, number)
            if name not in known:
                where = subhalo_path(selection.simulation, snapshot, number)
                known[name] = ask(client, where, read)
                seen.append(asdict(known[name]))
            progress()
            if selection.wants(known[name]):
                chosen.append(known[name])
    return chosen


def remembered(seen: JsonLines) -> dict[str, Subhalo]:
    """Return the subhalos, by name, that were looked up before."""
    known = {}
    for row in seen.rows():
        with suppress(TypeError):  # written by another version
            subhalo = Subhalo(**row)
            known[subhalo.name] = subhalo
    return known


def _candidates(client: Client, selection: Selection, path: str) -> Iterator[int]:
    """Yield the ids of subhalos in the mass range, the most massive in stars first."""
    low, high = (mass * HUBBLE / 1e10 for mass in selection.stellar_mass_msun)
    query = {"limit": _PAGE, "order_by": "-mass_stars", "mass_stars__gt": low}
    if math.isfinite(high):
        query["mass_stars__lt"] = high
    offset = 0
    while True:
        ids, more = ask(
            client, f"{path}subhalos/",
            lambda page: ([int(row["id"]) for row in page["results"]], page["next"]),
            **query, offset=offset,
        )  # fmt: skip
        yield from ids
        offset += len(ids)
        if not more or not ids:
            return


def ask(client: Client, path: str, read: Callable[[Any], Any], **query: object) -> Any:
    """Return what `read` makes of the JSON at a path; ApiError where it is not what we know."""
    answer = client.json(path, **query)
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError) as error:
        raise ApiError(
            f"{path}: the answer is not what the API's reference describes ({error!r})"
        ) from None


def write_catalog(path: Path, subhalos: Mapping[str, Subhalo], lineages: Mapping[str, str]) -> None:
    """Write galaxies as CSV with a column a field and the file of the cutout, whole or not.

    Both mappings go by name; a lineage that is not known yet is left empty.
    """
    columns = [field.name for field in fields(Subhalo) if field.name != "is_galaxy"]
    with replacing(path) as aside, aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["name", "file", "lineage", *columns], extrasaction="ignore")
        writer.writeheader()
        for name, subhalo in subhalos.items():
            known = {"name": name, "file": subhalo.file_name, "lineage": lineages.get(name, "")}
            writer.writerow({**known, **asdict(subhalo)})
