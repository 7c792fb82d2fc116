"""A folder of TNG cutouts: fetched whole, checked, signed with their center, and in a manifest."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from data.atomic import settle, writing
from data.cutout_format import GROUPS, CutoutError
from data.cutouts import cutout_name
from data.hdf5 import writing_hdf5
from data.json_lines import JsonLines
from data.tng_api import ApiError, Client
from data.tng_catalog import Subhalo, remembered, write_catalog
from data.tng_lineage import Lineages

# What maps need of each particle type, under the API's names of the types, and the bytes a particle
# (specification of the snapshots: coordinates in float64, all else in float32).
FIELDS = {
    "gas": "Coordinates,Masses,Density,InternalEnergy,ElectronAbundance,MagneticField,"
           "GFM_Metallicity,StarFormationRate,NeutralHydrogenAbundance,Velocities",
    "dm": "Coordinates",
    "stars": "Coordinates,Masses,GFM_StellarFormationTime",
}  # fmt: skip
_BYTES = {"gas": 24 + 4 * 13, "dark_matter": 24, "stars": 24 + 4 * 2}


class DownloadError(ValueError):
    """The download cannot go on; what is whole stays."""


class Folder:
    """Where cutouts lie, with a manifest of their checksums, and what is known of subhalos.

    A file counts as whole once its line in the manifest is written. One process at a time.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.seen = JsonLines(path / "subhalos.jsonl")
        self.manifest = JsonLines(path / "manifest.jsonl")
        self.lineages = Lineages(JsonLines(path / "descendants.jsonl"))
        # A cutout without a lineage could leak across the splits: it is fetched again.
        self._entries = {row.get("file"): row for row in self.manifest.rows() if "lineage" in row}

    def holds(self, subhalo: Subhalo, *, verify: bool = False) -> bool:
        """Tell whether the cutout is there and whole; `verify` reads it for its checksum."""
        entry, path = self._entries.get(subhalo.file_name), self.path / subhalo.file_name
        if entry is None or not path.is_file() or path.stat().st_size != entry.get("bytes"):
            return False
        return not verify or _sha256(path) == entry.get("sha256")

    def fetch(self, client: Client, subhalo: Subhalo, progress: Callable[[int], object]) -> None:
        """Fetch a cutout, sign it, and take it into the manifest."""
        lineage = self.lineages.of(client, subhalo)
        path = self.path / subhalo.file_name
        part = path.with_name(f".{path.name}.part")
        client.download(
            f"{subhalo.path}cutout.hdf5", part, query=dict(FIELDS), progress=progress,
            check=lambda file: check_cutout(file, subhalo),
        )  # fmt: skip
        sign_cutout(part, subhalo, lineage)
        entry = {
            "file": path.name, "name": subhalo.name, "lineage": lineage,
            "bytes": part.stat().st_size, "sha256": _sha256(part),
        }  # fmt: skip
        settle(part, path)
        self.manifest.append(entry)
        self._entries[path.name] = entry

    def write_catalog(self, chosen: list[Subhalo]) -> None:
        """List what was chosen, and what the folder holds from before, in catalog.csv."""
        earlier = [s for s in remembered(self.seen).values() if self.holds(s)]
        rows = {subhalo.name: subhalo for subhalo in [*chosen, *earlier]}
        lineages = {entry["name"]: entry["lineage"] for entry in self._entries.values()}
        write_catalog(self.path / "catalog.csv", rows, lineages)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other downloads out of the folder."""
        path = self.path / ".lock"
        with path.open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.fstat(lock.fileno()).st_nlink:
                    raise BlockingIOError  # Opened before, and locked after, another removed it.
            except OSError:
                raise DownloadError(f"another download is writing to {self.path}") from None
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


def check_cutout(path: Path, subhalo: Subhalo) -> None:
    """Raise CutoutError on a damaged file, ApiError on one that lacks particles of a subhalo."""
    name = cutout_name(path)
    if name != path.stem and not name.endswith(f"/{subhalo.snapshot}/subhalo-{subhalo.subhalo_id}"):
        raise ApiError(f"{subhalo.path}: what came is the cutout of {name}")
    try:
        with h5py.File(path, "r") as file:
            for particle_type, count in subhalo.counts.items():
                where = f"{GROUPS[particle_type]}/Coordinates"
                found = file[where].shape[0] if where in file else 0
                if found != count:
                    raise ApiError(
                        f"{subhalo.path}: the cutout holds {found} {particle_type} particles, the "
                        f"catalog {count}"
                    )
    except (OSError, KeyError, RuntimeError) as error:
        raise CutoutError(f"the cutout is damaged ({type(error).__name__})") from None


def sign_cutout(path: Path, subhalo: Subhalo, lineage: str) -> None:
    """Write what the catalog and the tree know into a cutout's header, where `read_cutout` looks.

    The header of the API's cutouts has no position; ours takes the attributes that `write_cutout`
    writes: GalaxyName, GalaxyLineage, GalaxyCenter in ckpc/h, and the stellar mass in Msun.
    """
    with writing(path), writing_hdf5(path, "r+") as file:
        file["Header"].attrs.update({
            "GalaxyName": subhalo.name,
            "GalaxyLineage": lineage,
            "GalaxyCenter": np.array([subhalo.x_ckpc_h, subhalo.y_ckpc_h, subhalo.z_ckpc_h]),
            "Galaxy_stellar_mass": subhalo.stellar_mass_msun,
        })  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def uncompressed_bytes(subhalo: Subhalo) -> int:
    """Return the size of a cutout's particle data before compression, from the catalog's counts."""
    return sum(count * _BYTES[particle_type] for particle_type, count in subhalo.counts.items())
