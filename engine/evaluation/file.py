"""The evaluation of one method on one set of maps: a compact HDF5 file that says what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self, get_origin, get_type_hints

import h5py
import numpy as np
from numpy.typing import NDArray

from data.atomic import replacing
from data.domains import DOMAINS, OBSERVED
from data.hdf5 import read_array, reading, writing_hdf5
from data.shards import round_mantissa
from engine.evaluation.direction import Direction
from engine.evaluation.schema import ARRAYS, CASE, DIRECTION, FORMAT, GALAXY

# Relative error at most 2^-13: far below what samples scatter, and a third of the size.
_MANTISSA_BITS = 12


class EvaluationError(ValueError):
    """A file is missing, no evaluation, or damaged; or it lacks what it was asked for."""


@dataclass(frozen=True)
class Method:
    """What was evaluated, and at which cost. None where something is unknown or makes no sense.

    Attributes
    ----------
    name, title, family : of the checkpoint; family "baseline" for those without one.
    samples, focus_samples : of each map, and of each map in the directions of focus.
    steps : of one sample.
    sampler : one of `engine.samplers.SAMPLERS`.
    parameters : of the network.
    seconds_per_map : time of one sample in a batch of `batch` on `device`.
    training_minutes : with those of the checkpoints that it started from, as far as they are known.
    checkpoint_sha256 : of model.safetensors.
    version : of this package.
    date : UTC, ISO 8601.
    notes : one sentence on each measure that is missing, and why.
    """

    name: str
    title: str
    family: str
    samples: int
    focus_samples: int
    steps: int
    sampler: str | None = None
    parameters: int | None = None
    seconds_per_map: float | None = None
    batch: int | None = None
    device: str | None = None
    training_minutes: float | None = None
    checkpoint_sha256: str | None = None
    version: str | None = None
    date: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapSet:
    """The maps that a method was evaluated on.

    Attributes
    ----------
    store : name of the map store.
    split : of `data.splits`.
    grid_size : pixels a side.
    domains : of the store, in the order of the axis "domain".
    """

    store: str
    split: str
    grid_size: int
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """One method on one set of maps.

    Attributes
    ----------
    method, maps : what was evaluated on what.
    galaxies, directions, cases : tables, structured arrays of `schema.GALAXY`, `DIRECTION`, `CASE`;
        `column` returns theirs with text as str.
    arrays : by name, of the axes in `schema.ARRAYS`.
    """

    method: Method
    maps: MapSet
    galaxies: NDArray[Any]
    directions: NDArray[Any]
    cases: NDArray[Any]
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)

    @classmethod
    def blank(
        cls, method: Method, maps: MapSet,
        tables: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], lengths: Mapping[str, int],
    ) -> Self:  # fmt: skip
        """Return an evaluation in which nothing is measured yet, to be filled in.

        Parameters
        ----------
        tables : galaxies, directions and cases.
        lengths : of the axes radius, scale, side and error_side; the others' follow.
        """
        galaxies, directions, cases = tables
        samples = int(directions["samples"].max(initial=1))
        known = {
            "domain": len(maps.domains), "galaxy": len(galaxies), "direction": len(directions),
            "focus": int(directions["focus"].sum()), "case": len(cases), "axis": 2,
            "sample": samples, "rank": samples + 1, **lengths,
        }  # fmt: skip
        arrays = {}
        for name, spec in ARRAYS.items():
            nothing = 0 if spec.dtype == "u4" else np.nan
            arrays[name] = np.full([known[axis] for axis in spec.axes], nothing, spec.dtype)
        return cls(method, maps, galaxies, directions, cases, arrays)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array of `schema.ARRAYS`."""
        if name not in self.arrays:
            raise EvaluationError(
                f"no array {name!r} in an evaluation; there are {', '.join(ARRAYS)}"
            )
        return self.arrays[name]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column (galaxy, ...) of the table of galaxies."""
        return _text(self.galaxies[name])

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The directions (source, target), in order."""
        columns = (_text(self.directions[name]).tolist() for name in ("source", "target"))
        return tuple(zip(*columns, strict=True))

    @property
    def focus(self) -> tuple[tuple[str, str], ...]:
        """The directions of focus, with more samples, maps of errors, and cases."""
        marked = self.directions["focus"].tolist()
        return tuple(pair for pair, is_focus in zip(self.pairs, marked, strict=True) if is_focus)

    def direction(self, source: str, target: str) -> Direction:
        """Return what was measured from `source` to `target`; EvaluationError where nothing was."""
        if (source, target) not in self.pairs:
            raise EvaluationError(f"{self.method.name} was not evaluated from {source} to {target}")
        return Direction(self, self.pairs.index((source, target)))

    def scores(self, pairs: Sequence[tuple[str, str]] | None = None) -> dict[str, float]:
        """Return the means of `Direction.scores` over directions, over all where None.

        A direction whose score is NaN does not count in that score, nor an unmeasured one in any.
        """
        directions = [self.direction(*pair) for pair in (self.pairs if pairs is None else pairs)]
        rows = [direction.scores() for direction in directions if len(direction.rows)]
        return {name: _mean([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    def write(self, path: str | Path) -> None:
        """Write the file, aside first; its folder has to be there."""
        with (
            replacing(Path(path)) as aside,
            writing_hdf5(aside, libver=("v110", "v110")) as file,
        ):
            file.attrs["format"] = FORMAT
            for group, record in (("method", self.method), ("maps", self.maps)):
                attributes = file.create_group(group).attrs
                for name, value in asdict(record).items():
                    if value is not None:
                        attributes[name] = list(value) if isinstance(value, tuple) else value
            for name, _ in _TABLES:
                file.create_dataset(f"tables/{name}", data=getattr(self, name), **_FILTERS)
            for name, spec in ARRAYS.items():
                values = self.arrays[name]
                values = round_mantissa(values, _MANTISSA_BITS) if spec.dtype == "f4" else values
                made = file.create_dataset(name, data=values.astype(spec.dtype), **_FILTERS)
                made.attrs.update(axes=" ".join(spec.axes), unit=spec.unit, text=spec.text)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file; EvaluationError says in one sentence why it cannot be."""
        path = Path(path)
        if not path.is_file():
            raise EvaluationError(f"no such evaluation: {path}")
        try:
            file = h5py.File(path, "r")
        except (OSError, RuntimeError) as error:
            raise EvaluationError(f"{path} is not a readable HDF5 file ({error})") from None
        with reading(path, EvaluationError), file:
            if str(file.attrs.get("format")) != FORMAT:
                raise EvaluationError(f"{path} is not an evaluation of format {FORMAT}")
            galaxies, directions, cases = (_table(file, *table) for table in _TABLES)
            made = cls(
                _record(Method, file["method"].attrs), _record(MapSet, file["maps"].attrs),
                galaxies, directions, cases, {name: _array(file[name]) for name in ARRAYS},
            )  # fmt: skip
            made._check(path)
        return made

    def _check(self, path: Path) -> None:
        """Raise EvaluationError unless all arrays fit their axes and one another."""
        if unknown := [name for name in self.maps.domains if name not in DOMAINS | OBSERVED]:
            raise EvaluationError(f"{path} speaks of an unknown domain {unknown[0]!r}")
        lengths = {
            "domain": len(self.maps.domains), "galaxy": len(self.galaxies), "axis": 2,
            "direction": len(self.directions), "focus": len(self.focus), "case": len(self.cases),
            "rank": self["ensemble/pixel_ranks"].shape[-1],
        }  # fmt: skip
        lengths["sample"] = lengths["rank"] - 1
        for name, spec in ARRAYS.items():
            shape = self[name].shape
            for axis, length in zip(spec.axes, shape, strict=False):
                lengths.setdefault(axis, length)
            if shape != tuple(lengths.get(axis) for axis in spec.axes):
                raise EvaluationError(
                    f"{path} is damaged: {name} must have axes {spec.axes}, got shape {shape}"
                )
        counts, rows = self.directions["samples"], self.cases["galaxy"]
        known = all(set(pair) <= set(self.maps.domains) for pair in self.pairs)
        if not (
            known
            and ((counts >= 1) & (counts <= lengths["sample"])).all()
            and ((rows >= 0) & (rows < lengths["galaxy"])).all()
        ):
            raise EvaluationError(f"{path} is damaged: its tables do not fit its arrays")


_TABLES = (("galaxies", GALAXY), ("directions", DIRECTION), ("cases", CASE))
_FILTERS = {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True}


def _table(file: h5py.File, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a table of the file with the columns of `dtype`."""
    rows = read_array(file[f"tables/{name}"])
    if rows.ndim != 1 or rows.dtype.names != dtype.names:
        raise ValueError(f"{name} must be a table with columns {', '.join(dtype.names or ())}")
    rows = rows.astype(dtype)
    for column in dtype.names or ():
        _text(rows[column])  # Text that is none is found here, not where it is shown.
    return rows


def _array(dataset: h5py.Dataset) -> NDArray[Any]:
    values = read_array(dataset)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{dataset.name} must hold numbers, got {values.dtype}")
    return values


def _record(kind: type[Any], attributes: h5py.AttributeManager) -> Any:
    """Return a dataclass from the attributes that it has."""
    values, hints = {}, get_type_hints(kind)
    for known in fields(kind):
        if known.name in attributes:
            value = attributes[known.name]
            if isinstance(value, np.ndarray):
                value = tuple(map(str, value.astype(str)))
            value = value.item() if isinstance(value, np.generic) else value
            hint = hints[known.name]
            if not isinstance(value, get_origin(hint) if get_origin(hint) is tuple else hint):
                raise ValueError(f"{known.name} must be {hint}, got {value!r:.60}")
            values[known.name] = value
    return kind(**values)


def _text(values: NDArray[Any]) -> NDArray[Any]:
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
