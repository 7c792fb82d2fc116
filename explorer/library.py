"""What all sessions share, read-only and bounded: galaxies, their maps, translators, runs."""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from data.cutouts import read_cutout
from data.domains import DOMAINS
from data.galaxy import Galaxy
from data.maps import available_domains, field_of_view, missing_reason, prepare, render
from data.orientation import Orientation, orient
from data.rotations import random_rotations, viewing_angles, viewing_rotation
from data.sources import Cutout
from data.store import MapStore
from data.thinning import thin
from engine.evaluation import Direction, Evaluation, EvaluationError
from engine.shelf import evaluations
from engine.translator import Translator, available
from explorer.galaxies import Offer, Register, catalog_offers, hold_out_offers, kind_label

NUM_ROTATIONS = 5
FREE = 0  # the number of the rotation whose angles are chosen
# What maps are made of while a galaxy is turned: particles of each type, and pixels a side.
COARSE_PARTICLES, COARSE_GRID = 50_000, 64
Angles = tuple[float, float, float]
# Scenes that the cache of `load_scene`, or a session, holds.
_READY: WeakValueDictionary[Hashable, Scene] = WeakValueDictionary()


@dataclass(frozen=True)
class Scene:
    """One galaxy under one rotation, in every domain it has.

    Attributes
    ----------
    name, kind : of the galaxy; `kind` is spelled for people.
    redshift : dimensionless.
    rotation : 1 to `NUM_ROTATIONS`, or `FREE`.
    extent_kpc : side of the maps.
    maps : (grid, grid) float32 by domain, row = y upwards, physical units.
    missing : by domain, the sentence that says why there is no map.
    properties : scalars of the galaxy, as "halo_mass" in Msun.
    cutout : the file that a galaxy comes from which is not of the catalog.
    matrix : (3, 3) rotation of the galaxy's coordinates; the line of sight is then the last axis.
    orientation : of the galaxy; None where it has no particles, and thus no other rotations than
        those it came with.
    key : under which it is offered, "" where it is not.
    split : of `data.splits`, "" where it is unknown.
    store : that the maps come from, None where they were made here.
    """

    name: str
    kind: str
    redshift: float
    rotation: int
    extent_kpc: float
    maps: dict[str, NDArray[np.float32]]
    missing: dict[str, str] = field(default_factory=dict)
    properties: dict[str, float] = field(default_factory=dict)
    cutout: Cutout | None = None
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    orientation: Orientation | None = None
    key: str = ""
    split: str = ""
    store: Path | None = None

    @property
    def angles(self) -> Angles:
        """Inclination, position angle and azimuth in degrees of what is seen, to a tenth."""
        frame = np.eye(3) if self.orientation is None else self.orientation.frame
        inclination, *others = viewing_angles(self.matrix @ frame.T)
        position_angle, azimuth = (round(angle, 1) % 360.0 for angle in others)
        return round(inclination, 1), position_angle, azimuth


@lru_cache(maxsize=8)
def load_galaxy(name: str) -> Galaxy:
    """Return the galaxy that is offered as `name`, smoothing lengths computed.

    Raises
    ------
    ValueError : where none is, or where there are maps of it alone.
    """
    offer = GALAXIES.find(name)
    if offer.load is None:
        raise ValueError(f"{offer.label} has maps alone, no particles")
    return prepare(offer.load())


@lru_cache(maxsize=64)
def load_scene(name: str, rotation: int, grid_size: int, angles: Angles | None = None) -> Scene:
    """Return all maps of the galaxy offered as `name` under `rotation`, `grid_size` pixels a side.

    `rotation` counts from 1; `FREE` is that of `angles`, as `data.rotations.viewing_rotation` takes
    them, of the galaxy's disk. A galaxy of a store has the pixels and rotations that it has there.
    """
    offer = GALAXIES.find(name)
    if offer.store is not None:
        scene = stored_scene(offer.store, offer.title, rotation)
    else:
        scene = _scene_of(load_galaxy(name), rotation, grid_size, angles)
    scene = replace(scene, key=name, cutout=offer.cutout, split=offer.split)
    _READY[name, rotation, grid_size, angles] = scene
    return scene


def ready_scene(
    name: str, rotation: int, grid_size: int, angles: Angles | None = None
) -> Scene | None:
    """Return what `load_scene` would, where it is there already, else None."""
    return _READY.get((name, rotation, grid_size, angles))


def cutout_scene(
    cutout: Cutout, rotation: int, grid_size: int, angles: Angles | None = None
) -> Scene:
    """Return all maps of a galaxy in a cutout file, as `load_scene` does."""
    galaxy = read_cutout(cutout.path, center_kpc=cutout.center_kpc, radius_kpc=cutout.radius_kpc)
    return replace(_scene_of(prepare(galaxy), rotation, grid_size, angles), cutout=cutout)


def rotation_of(galaxy_name: str, rotation: int) -> NDArray[np.float64]:
    """Return the (3, 3) matrix of a galaxy's rotation, a number from 1 to `NUM_ROTATIONS`."""
    if not 1 <= rotation <= NUM_ROTATIONS:
        raise ValueError(
            f"rotation must be from 1 to {NUM_ROTATIONS}, or {FREE} with angles, got {rotation}"
        )
    return random_rotations(galaxy_name, NUM_ROTATIONS)[rotation - 1]


def glimpse(scene: Scene, angles: Angles, domains: tuple[str, ...]) -> Scene:
    """Return coarse maps of a galaxy on offer seen otherwise, of as many of `domains` as it has."""
    if scene.orientation is None:
        raise ValueError(f"{scene.name} has no particles, and is seen only as it came")
    matrix = viewing_rotation(*angles) @ scene.orientation.frame
    names = [name for name in dict.fromkeys(domains) if name in scene.maps]
    maps = render(_coarse_galaxy(scene.key), names, rotation=matrix, grid_size=COARSE_GRID,
                  extent_kpc=scene.extent_kpc)  # fmt: skip
    return replace(scene, rotation=FREE, matrix=matrix, maps=maps)


@lru_cache(maxsize=4)
def _coarse_galaxy(name: str) -> Galaxy:
    return thin(load_galaxy(name), COARSE_PARTICLES)


def _scene_of(galaxy: Galaxy, rotation: int, grid_size: int, angles: Angles | None) -> Scene:
    orientation = orient(galaxy)
    if rotation == FREE and angles is not None:
        matrix = viewing_rotation(*angles) @ orientation.frame
    else:
        matrix = rotation_of(galaxy.name, rotation)
    extent = field_of_view(galaxy)
    names = available_domains(galaxy)
    maps = render(galaxy, names, rotation=matrix, grid_size=grid_size, extent_kpc=extent)
    reasons = {name: missing_reason(galaxy, name) for name in DOMAINS}
    missing = {name: reason for name, reason in reasons.items() if reason}
    kind = kind_label(galaxy.kind)
    return Scene(
        galaxy.name, kind, galaxy.redshift, rotation, extent, maps, missing, galaxy.properties,
        matrix=matrix, orientation=orientation,
    )  # fmt: skip


def stored_scene(path: Path, name: str, rotation: int) -> Scene:
    """Return the maps that a store holds of a galaxy under its rotation `rotation`, from 1.

    Raises
    ------
    ValueError : where the path is no store, or holds no such galaxy or rotation.
    """
    with MapStore.open(path) as store:
        rows = store.select(name=name)
        if not 1 <= rotation <= len(rows):
            have = "1 rotation" if len(rows) == 1 else f"{len(rows)} rotations"
            raise ValueError(f"{path.name} has {have} of {name}, got rotation {rotation}")
        index = store.index[rows[rotation - 1]]
        values = store.read([rows[rotation - 1]])[0]
        there = dict(zip(store.domains, index["available"], strict=True))
        maps = {name: values[i] for i, name in enumerate(store.domains) if there[name]}
    lacking = {
        domain.name: f"The store has no map of {domain.label.lower()} of {name}"
        for domain in DOMAINS.values()
        if domain.name not in maps
    }
    return Scene(
        name, kind_label(index["kind"].decode()), float(index["redshift"]), rotation,
        float(index["extent_kpc"]), maps, lacking, matrix=np.asarray(index["rotation"]), store=path,
    )  # fmt: skip


@lru_cache(maxsize=4)
def load_translator(name: str) -> Translator:
    """Return the translator called `name`, its weights in memory."""
    return Translator.load(name)


def cards() -> dict[str, dict[str, Any]]:
    """Return the cards of all translators by name, the diffusion model first."""
    found = available()
    order = sorted(found, key=lambda name: (name != "ddpm", name))
    return {name: found[name] for name in order}


@lru_cache(maxsize=512)
def hold_out_error(name: str, source: str, target: str) -> float | None:
    """Return the mean absolute error in dex of a translator or baseline that was evaluated."""
    measured = direction(name, source, target)
    return None if measured is None else measured.scores()["mae_dex"]


def direction(name: str, source: str, target: str) -> Direction | None:
    """Return what was measured of a translator or baseline in one direction; None if nothing."""
    evaluation = load_evaluation(name)
    if evaluation is None or (source, target) not in evaluation.pairs:
        return None
    measured = evaluation.direction(source, target)
    return measured if len(measured.rows) else None


@lru_cache(maxsize=16)
def load_evaluation(name: str) -> Evaluation | None:
    """Return the evaluation beside a checkpoint; None, with a warning, where it is damaged."""
    path = evaluations().get(name)
    try:
        return None if path is None else Evaluation.read(path)
    except EvaluationError as error:
        warnings.warn(f"evaluation of {name!r} is left out: {error}", stacklevel=2)
        return None


def load_evaluations() -> dict[str, Evaluation]:
    """Return all evaluations by name, of translators and baselines."""
    found = {name: load_evaluation(name) for name in evaluations()}
    return {name: evaluation for name, evaluation in found.items() if evaluation is not None}


def forget_evaluations() -> None:
    """Read evaluations anew when they are next asked for."""
    hold_out_error.cache_clear()
    load_evaluation.cache_clear()


class Shelf:
    """The last finished runs, shared by all sessions; least recently used ones go first.

    At most `capacity` are kept, of at most `max_bytes` together; the last one always is.
    """

    def __init__(self, capacity: int = 24, max_bytes: int = 1_000_000_000):
        self._items: OrderedDict[Hashable, Any] = OrderedDict()
        self._capacity, self._max_bytes = capacity, max_bytes
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """Return what is kept under `key`, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep `value`, which says its `nbytes`, under `key`."""
        with self._lock:
            self._items[key] = value
            self._items.move_to_end(key)
            while len(self._items) > 1 and self._is_too_much():
                self._items.popitem(last=False)

    @property
    def nbytes(self) -> int:
        """Memory that is kept."""
        with self._lock:
            return self._used()

    def _used(self) -> int:
        return sum(item.nbytes for item in self._items.values())

    def _is_too_much(self) -> bool:
        return len(self._items) > self._capacity or self._used() > self._max_bytes


def _shared_galaxies() -> list[Offer]:
    return [*catalog_offers(), *hold_out_offers(load_evaluations().values())]


GALAXIES = Register(_shared_galaxies)
RUNS = Shelf()
ENSEMBLES = Shelf(capacity=24, max_bytes=250_000_000)
