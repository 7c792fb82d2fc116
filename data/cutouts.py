"""Read and write IllustrisTNG cutouts; comoving units and h are resolved here and nowhere later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data import cosmology as cosmo
from data.atomic import replacing
from data.centers import potential_minimum, shrinking_sphere, unwrap
from data.cutout_format import (
    COORDINATES,
    FIELDS,
    FORMATION_TIME,
    GROUPS,
    INTERNAL_ENERGY,
    MASSES,
    POTENTIAL,
    Array,
    CutoutError,
    Header,
    Quantity,
)
from data.galaxy import Galaxy, Particles
from data.gas import internal_energy, temperature
from data.hdf5 import read_array, reading, writing_hdf5

__all__ = ["CutoutError", "cutout_name", "read_cutout", "write_cutout"]

# What our own files take as the side of the box, at least: that of TNG50, in ckpc/h.
_BOX = 35000.0
_FIRST_STARS_GYR = 0.1
# Sides of the box beyond which no particle can be meant.
_FARTHEST = 1000.0


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    if not path.is_file():
        raise CutoutError(f"no such cutout file: {path}")
    if not h5py.is_hdf5(path):
        raise CutoutError(f"{path} is not an HDF5 file")
    with reading(path, CutoutError), h5py.File(path, "r") as file:
        yield file


def cutout_name(path: str | Path) -> str:
    """Return the name of the galaxy in a cutout without reading its particles."""
    with _opened(Path(path)) as file:
        return Header.read(file, Path(path)).name


def read_cutout(
    path: str | Path, *, center_kpc: Sequence[float] | Array | None = None,
    radius_kpc: float | None = None,
) -> Galaxy:  # fmt: skip
    """Read a galaxy from a cutout of IllustrisTNG, or from one that `write_cutout` wrote.

    Parameters
    ----------
    path : HDF5 file with the groups Header and PartType0 (gas), 1 (dark matter) and 4 (stars);
        others, as black holes, are passed over. Wind particles are no stars and are left out.
    center_kpc : (3,) physical kpc in the box. Where None: the center in the header of our own
        files, else the particle of lowest potential, else the end of a shrinking sphere.
    radius_kpc : physical; keeps what lies within this distance of the center. None keeps all.

    Returns
    -------
    A Galaxy in physical kpc around the center, unwrapped across the periodic box in float64.
    Fields that the file lacks are left out; `data.maps.missing_reason` says what that costs.
    Velocities are peculiar, in the frame of the box.

    Raises
    ------
    CutoutError : one sentence on what is wrong with the file, or on a sphere without particles.
    """
    if radius_kpc is not None and not radius_kpc > 0:
        raise ValueError(f"radius_kpc must be above zero, got {radius_kpc}")
    given = None if center_kpc is None else _checked_center(center_kpc)
    path = Path(path)
    particles: dict[str, Particles] = {}
    with _opened(path) as file:
        header = Header.read(file, path)
        readers = {t: _Reader(file[g], t, header, path) for t, g in GROUPS.items() if g in file}
        readers = {t: reader for t, reader in readers.items() if len(reader)}
        positions = {t: reader.read(COORDINATES) for t, reader in readers.items()}
        if not readers:
            raise CutoutError(f"{path} holds no gas, dark matter or stars")
        for name, xyz in positions.items():
            if np.abs(xyz).max() > _FARTHEST * header.box_kpc:
                raise CutoutError(
                    f"{readers[name].group.name}/Coordinates in {path} lie far outside the box"
                )
        center = _find_center(given, header, readers, positions)
        if not np.isfinite(center).all():
            raise CutoutError(f"{path} has no center that can be computed")
        for name, reader in readers.items():
            offsets = unwrap(positions[name], center, header.box_kpc)
            keep = reader.is_wanted()
            if radius_kpc is not None:
                keep &= np.sum(offsets**2, axis=1) <= radius_kpc**2
            if keep.any():
                particles[name] = Particles(
                    offsets[keep], reader.masses()[keep], reader.fields(keep)
                )
    if not particles:
        raise CutoutError(f"{path} holds no particles within {radius_kpc} kpc of {center.tolist()}")
    name = header.name
    if center_kpc is not None and name == path.stem:  # one file, several objects
        name = f"{name}@{','.join(f'{c:.0f}' for c in center)}"
    return Galaxy(name, header.redshift, particles, header.kind, header.properties, header.lineage)


class _Reader:
    """Datasets of one particle group, checked and in our units."""

    def __init__(self, group: h5py.Group, particle_type: str, header: Header, path: Path) -> None:
        self.group, self.particle_type, self.header, self.path = group, particle_type, header, path
        if not isinstance(group, h5py.Group):
            raise CutoutError(f"{group.name} in {path} must be a group, got a dataset")
        if group.keys() and COORDINATES not in self:
            raise CutoutError(f"{group.name} in {path} has no Coordinates")
        if COORDINATES in self and not getattr(group[COORDINATES.dataset], "shape", None):
            raise CutoutError(f"{group.name}/Coordinates in {path} must hold an array")

    def __len__(self) -> int:
        return self.group[COORDINATES.dataset].shape[0] if COORDINATES in self else 0

    def __contains__(self, quantity: Quantity) -> bool:
        return quantity.dataset in self.group

    def read(self, quantity: Quantity) -> Array:
        """Return (n,) or (n, columns) float64; CutoutError on a wrong shape or a bad value."""
        data = self.group[quantity.dataset]
        where = f"{data.name} in {self.path}"
        shape = (len(self),) if quantity.columns == 1 else (len(self), quantity.columns)
        found = getattr(data, "shape", "a group")
        if found != shape or data.dtype.kind not in "fiu":
            raise CutoutError(f"{where} must hold numbers of shape {shape}, got {found}")
        unit = quantity.unit(self.header.scale_factor, self.header.hubble)
        with np.errstate(over="ignore"):
            values = read_array(data).astype(np.float64) * unit
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise CutoutError(f"{where} must be finite, got {count} NaN or infinite values")
        if quantity.must_be_positive and not (values > 0).all():
            raise CutoutError(f"{where} must be above zero, got {values.min() / unit:g}")
        return values

    def is_wanted(self) -> NDArray[np.bool_]:
        """Return (n,) False for wind, stored with the stars at a formation time <= 0."""
        if self.particle_type != "stars" or FORMATION_TIME not in self:
            return np.ones(len(self), bool)
        return self.read(FORMATION_TIME) > 0

    def masses(self) -> Array:
        """Return (n,) Msun, from the header's table where particles share one mass."""
        if MASSES in self:
            return self.read(MASSES)
        index, table = int(GROUPS[self.particle_type][-1]), self.header.mass_table
        if index >= len(table) or not table[index] > 0:
            raise CutoutError(
                f"{self.group.name} in {self.path} has no Masses, nor has the Header's MassTable"
            )
        unit = MASSES.unit(self.header.scale_factor, self.header.hubble)
        return np.full(len(self), table[index] * unit)

    def fields(self, keep: NDArray[np.bool_]) -> dict[str, Array]:
        """Return what there is of `FIELDS`, energy and temperature, and age (Gyr), where `keep`."""
        fields = {name: self.read(q)[keep] for name, q in FIELDS.items() if q in self}
        if self.particle_type == "gas" and INTERNAL_ENERGY in self:
            fields["internal_energy"] = energy = self.read(INTERNAL_ENERGY)[keep]
            if "electron_abundance" in fields:
                fields["temperature"] = temperature(
                    energy, fields["electron_abundance"], fields.get("star_formation_rate")
                )
        if self.particle_type == "stars" and FORMATION_TIME in self:
            now = cosmo.cosmic_time_gyr(self.header.scale_factor)
            fields["age"] = now - cosmo.cosmic_time_gyr(self.read(FORMATION_TIME)[keep])
        return fields


def _checked_center(center_kpc: Sequence[float] | Array) -> Array:
    center = np.asarray(center_kpc, np.float64)
    if center.shape != (3,) or not np.isfinite(center).all():
        raise ValueError(f"center_kpc must be three finite numbers, got {center_kpc}")
    return center


def _find_center(
    given: Array | None, header: Header, readers: dict[str, _Reader], positions: dict[str, Array]
) -> Array:
    if given is not None:
        return given
    if header.center_kpc is not None:
        return header.center_kpc
    deep = [t for t in readers if POTENTIAL in readers[t]]
    if deep:
        potential = np.concatenate([readers[t].read(POTENTIAL) for t in deep])
        return potential_minimum(np.concatenate([positions[t] for t in deep]), potential)
    masses = np.concatenate([reader.masses() for reader in readers.values()])
    return shrinking_sphere(np.concatenate(list(positions.values())), masses, header.box_kpc)


def write_cutout(galaxy: Galaxy, path: str | Path) -> None:
    """Write a galaxy in the format of a TNG cutout; `read_cutout` returns it to 1e-6.

    The file appears whole or not at all: it is written aside, synced and renamed. Fields that the
    format does not know, as smoothing lengths, are left out. The energy of gas is its
    internal_energy, or where it has none that of its temperature.

    Parameters
    ----------
    galaxy : with masses and fields in physical units.
    path : file to write; one that exists is replaced.

    Raises
    ------
    ValueError : where gas has a temperature without the electron abundance that its energy needs.
    """
    path = Path(path)
    gas = galaxy.particles.get("gas")
    if gas is not None and "temperature" in gas and "electron_abundance" not in gas:
        raise ValueError(f"{galaxy.name} has a temperature but no electron_abundance to write")
    if not path.parent.is_dir():
        raise ValueError(f"path must lie in a folder that exists, got {path}")
    a = 1.0 / (1.0 + galaxy.redshift)
    length = COORDINATES.unit(a, cosmo.HUBBLE)
    reach = [float(np.abs(p.coordinates).max()) for p in galaxy.particles.values() if len(p)]
    box = max(_BOX, 4.0 * max(reach, default=0.0) / length)
    mass_table = np.zeros(6)
    with replacing(path) as aside, writing_hdf5(aside) as file:
        for name, particles in galaxy.particles.items():
            group = file.create_group(GROUPS[name])
            group["Coordinates"] = particles.coordinates / length + box / 2
            stored = _stored(name, particles, a)
            if name == "dark_matter" and len(particles) and np.ptp(particles.masses) == 0:
                mass_table[1] = stored.pop("Masses")[0]
            for dataset, values in stored.items():
                group.create_dataset(dataset, data=values.astype(np.float32), compression="lzf")
        file.create_group("Header").attrs.update(_header(galaxy, a, box, mass_table))


def _stored(particle_type: str, particles: Particles, a: float) -> dict[str, NDArray[Any]]:
    """Return the datasets of one group in the units of the format, less the coordinates."""
    values = {MASSES.dataset: particles.masses / MASSES.unit(a, cosmo.HUBBLE)}
    for name, quantity in FIELDS.items():
        if name in particles:
            values[quantity.dataset] = particles[name] / quantity.unit(a, cosmo.HUBBLE)
    if "internal_energy" in particles:
        values[INTERNAL_ENERGY.dataset] = particles["internal_energy"]
    elif particle_type == "gas" and "temperature" in particles:
        values[INTERNAL_ENERGY.dataset] = internal_energy(
            particles["temperature"], particles["electron_abundance"]
        )
    if particle_type == "stars":
        age = particles["age"] if "age" in particles else np.zeros(len(particles))
        born = np.maximum(cosmo.cosmic_time_gyr(a) - age, _FIRST_STARS_GYR)
        values[FORMATION_TIME.dataset] = cosmo.scale_factor_at(born)
    return values


def _header(galaxy: Galaxy, a: float, box: float, mass_table: Array) -> dict[str, Any]:
    counts = np.zeros(6, np.int32)
    for name, particles in galaxy.particles.items():
        counts[int(GROUPS[name][-1])] = len(particles)
    return {
        "BoxSize": box, "HubbleParam": cosmo.HUBBLE, "Time": a, "Redshift": galaxy.redshift,
        "Omega0": cosmo.OMEGA_MATTER, "OmegaLambda": cosmo.OMEGA_LAMBDA,
        "OmegaBaryon": cosmo.OMEGA_BARYON, "MassTable": mass_table, "NumFilesPerSnapshot": 1,
        "NumPart_ThisFile": counts, "NumPart_Total": counts, "UnitLength_in_cm": 3.085678e21,
        "UnitMass_in_g": 1.989e43, "UnitVelocity_in_cm_per_s": 1e5,
        "SimulationName": "Synthetic" if galaxy.name.startswith("synthetic") else "Cutout",
        "GalaxyName": galaxy.name, "GalaxyKind": galaxy.kind, "GalaxyLineage": galaxy.lineage,
        "GalaxyCenter": np.full(3, box / 2),
        **{f"Galaxy_{key}": value for key, value in galaxy.properties.items()},
    }  # fmt: skip
