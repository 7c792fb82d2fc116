"""The published layout of the dataset behind Denzel et al. (2025), read and written.

One file a domain, or several that continue one another. In each, /{group}/images is an array
(n, row, column), and /{group}/metadata/0000, 0001, ... carry attributes of the images in turn.
The groups are dm, star, gas, hi, hi/21cm, temp and bfield. Files of one galaxy are brought
together by the attribute `name`, which differs between domains only in its prefix.

Units are those of the files, M_sun/kpc^2, K, mK and Gauss; values are taken as they are. In
particular hi/21cm and our brightness_temperature share a unit, but rest on different estimates of
the column. The published rotations are two angles, about the x and then about the y axis; what we
write carries the whole matrix, and what else our store knows, in attributes of the same place.

Files that others wrote tell simulation, snapshot and halo of a galaxy, but not its lineage: their
galaxies are split by name (`data.splits`), which does not know a galaxy again in another snapshot.
Train and judge on one snapshot of them, or keep to maps that were built from cutouts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from data.atomic import replacing
from data.hdf5 import check_claim, reading, writing_hdf5
from data.shards import MASSES, Layout, Record, StoreError, open_file
from data.store import MapStore, require_place


class Group(NamedTuple):
    """Where the maps of a domain lie, their unit as astropy writes it, and ours in it."""

    path: str
    unit: str
    scale: float = 1.0

    @property
    def prefix(self) -> str:
        """What names of images begin with."""
        return f"{self.path.split('/')[-1]}_"


GROUPS = {
    "dark_matter": Group("dm", "solMass / kpc2"),
    "stars": Group("star", "solMass / kpc2"),
    "gas": Group("gas", "solMass / kpc2"),
    "hi": Group("hi", "solMass / kpc2"),
    "temperature": Group("temp", "K"),
    "magnetic_field": Group("bfield", "G", 1e-6),
    "brightness_temperature": Group("hi/21cm", "mK"),
}
# Nelson et al. (2019), table of snapshots: those of the published dataset.
REDSHIFTS = {50: 1.0, 67: 0.5, 78: 0.3, 84: 0.2, 91: 0.1, 99: 0.0}
_BATCH = 64


def write_published(store: MapStore, folder: str | Path) -> list[Path]:
    """Write a store into `folder`, one file a domain, and return the files.

    A galaxy that lacks a domain has no image in that file, and a domain that the layout does not
    know, such as an observed one, has no file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for channel, domain in enumerate(store.domains):
        if domain not in GROUPS:
            continue
        group = GROUPS[domain]
        rows = np.flatnonzero(store.column("available")[:, channel])
        path = folder / f"{store.path.stem}.2D.{group.path.replace('/', '.')}.hdf5"
        with replacing(path) as aside, writing_hdf5(aside) as file:
            shape = (store.grid_size, store.grid_size)
            images = file.create_dataset(
                f"{group.path}/images", (len(rows), *shape), np.float32, chunks=(1, *shape),
                compression="gzip", shuffle=True,
            )  # fmt: skip
            metadata = file.create_group(f"{group.path}/metadata")
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                images[start : start + len(part)] = store.read(part, [domain])[:, 0] * group.scale
            for number, row in enumerate(rows):
                attributes = _attributes(store, int(row), group)
                metadata.create_group(f"{number:04d}").attrs.update(attributes)
        paths.append(path)
    return paths


def _attributes(store: MapStore, row: int, group: Group) -> dict[str, Any]:
    entry = store.index[row]
    name, kind = entry["name"].decode(), entry["kind"].decode()
    half = 0.5 * entry["extent_kpc"]
    return {
        "class": group.path, "name": f"{group.prefix}{name}_rotation.{entry['rotation_index']}",
        "units": group.unit, "extent": [-half, half, -half, half], "units_extent": "kpc",
        "galaxy": name, "lineage": entry["lineage"].decode(), "kind": kind,
        "redshift": entry["redshift"],
        "rotation_index": entry["rotation_index"], "rotation": entry["rotation"],
        **{c: entry[c] for c in ("gas_mass", "dark_matter_mass", "stellar_mass")},
    }  # fmt: skip


class _Image(NamedTuple):
    """One image: where it lies, and its attributes."""

    images: h5py.Dataset
    number: int
    attributes: dict[str, Any]


def read_published(paths: Iterable[str | Path], path: str | Path) -> MapStore:
    """Make a store at `path` of published files, and return it.

    Parameters
    ----------
    paths : files of any domains, all of one grid size. Which images belong together is told by
        their names; domains without an image are missing for that galaxy.

    Raises
    ------
    StoreError : on files that hold none of the groups, or maps of several shapes.
    """
    path = Path(path)
    require_place(path)
    with ExitStack() as stack:
        stacks: dict[str, dict[str, _Image]] = {}
        for source in map(Path, paths):
            file = stack.enter_context(open_file(source))
            with reading(source, StoreError):
                for domain, key, image in _images(file, source):
                    stacks.setdefault(key, {}).setdefault(domain, image)
        shapes = {image.images.shape[1:] for group in stacks.values() for image in group.values()}
        if len(shapes) != 1 or len(set(next(iter(shapes)))) != 1:
            raise StoreError(f"published maps must be squares of one size, got {sorted(shapes)}")
        present = {domain for group in stacks.values() for domain in group}
        domains = tuple(domain for domain in GROUPS if domain in present)
        layout = Layout(domains, next(iter(shapes))[0], {"source": "published"})
        records = _described(stacks)
        with replacing(path) as aside, MapStore.create(aside, layout) as store:
            while part := list(islice(records, _BATCH)):
                store.add([_record(group, fields) for group, fields in part])
            store.write_index()
    return MapStore.open(path)


def _images(file: h5py.File, path: Path) -> Iterator[tuple[str, str, _Image]]:
    """Yield domain, name without its prefix, and the image, for all that a file holds."""
    groups = {d: g for d, g in GROUPS.items() if f"{g.path}/images" in file}
    if not groups:
        raise StoreError(f"{path} holds none of {', '.join(g.path for g in GROUPS.values())}")
    for domain, group in groups.items():
        images = file[f"{group.path}/images"]
        if images.file.filename != file.filename:  # By an external link.
            raise StoreError(f"{group.path}/images of {path} lies in another file")
        check_claim(images)
        if images.ndim != 3 or images.dtype.kind not in "fiu":
            raise StoreError(f"{images.name} in {path} must be numbers (n, row, column)")
        for number in range(len(images)):
            entry = file.get(f"{group.path}/metadata/{number:04d}")
            attributes = {k: _plain(v) for k, v in entry.attrs.items()} if entry is not None else {}
            needed = {"name", "extent"} | ({"galaxy"} & set(attributes) or {"gid", "snapshot"})
            if lacking := needed.difference(attributes):
                raise StoreError(f"image {number} of {path} lacks {', '.join(sorted(lacking))}")
            key = str(attributes["name"]).removeprefix(group.prefix)
            yield domain, key, _Image(images, number, attributes)


def _described(
    stacks: Mapping[str, dict[str, _Image]],
) -> Iterator[tuple[dict[str, _Image], dict[str, Any]]]:
    """Yield images that belong together with what is known of them; rotations are counted."""
    seen: Counter[str] = Counter()
    for group in stacks.values():
        first = next(iter(group.values()))
        with reading(Path(first.images.file.filename), StoreError):
            fields = _fields(first.attributes, seen)
        yield group, fields
        seen[fields["name"]] += 1


def _fields(given: Mapping[str, Any], seen: Mapping[str, int]) -> dict[str, Any]:
    """Return what the attributes of an image say of its galaxy, as `Record` takes it."""
    name = _text(given.get("galaxy") or f"TNG50-1/{given['snapshot']}/halo-{given['gid']}")
    angles = given.get("rotxy", (0.0, 0.0))
    matrix = Rotation.from_euler("xy", angles, degrees=True).as_matrix()
    redshift = given.get("redshift", REDSHIFTS.get(given.get("snapshot", -1), np.nan))
    extent_kpc = float(np.ptp(np.ravel(given["extent"])[:2]))
    if not 0 < extent_kpc < np.inf:
        raise ValueError(f"the extent of {name} must be above zero, got {extent_kpc:g}")
    return {
        "name": name, "kind": _text(given.get("kind", "")), "redshift": float(redshift),
        "extent_kpc": extent_kpc,
        "rotation_index": int(given.get("rotation_index", seen[name])),
        "rotation": np.asarray(given.get("rotation", matrix), np.float64),
        "masses": {t: float(given[c]) for t, c in MASSES.items() if c in given},
        "lineage": _text(given.get("lineage", "")),
    }  # fmt: skip


def _text(value: Any) -> str:
    """Return text that can be written, whatever bytes it was read from."""
    return str(value).encode("utf-8", "replace").decode()


def _record(group: Mapping[str, _Image], fields: Mapping[str, Any]) -> Record:
    maps = {}
    for domain, image in group.items():
        with reading(Path(image.images.file.filename), StoreError):
            maps[domain] = image.images[image.number] / GROUPS[domain].scale
    return Record(maps=maps, **fields)


def _plain(value: Any) -> Any:
    """Return an attribute as Python and numpy have it."""
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value
