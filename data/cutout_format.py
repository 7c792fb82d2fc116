"""The format of IllustrisTNG cutouts: groups, datasets and their units, and the header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from data.gas import code_field_in_gauss

Array = NDArray[np.float64]

GROUPS = {"gas": "PartType0", "dark_matter": "PartType1", "stars": "PartType4"}

# The public names of the boxes, by the name in the header (Nelson et al. 2019, table 1).
SIMULATIONS = {
    "L35n2160TNG": "TNG50-1", "L35n1080TNG": "TNG50-2", "L35n540TNG": "TNG50-3",
    "L35n270TNG": "TNG50-4", "L75n1820TNG": "TNG100-1", "L75n910TNG": "TNG100-2",
    "L75n455TNG": "TNG100-3", "L205n2500TNG": "TNG300-1", "L205n1250TNG": "TNG300-2",
    "L205n625TNG": "TNG300-3",
}  # fmt: skip


class CutoutError(ValueError):
    """A file is no cutout that a galaxy can be read from."""


@dataclass(frozen=True)
class Quantity:
    """A dataset of a cutout: its name there, how many columns, and its unit in ours.

    `unit` takes the scale factor and h and returns what one stored unit is in ours
    (Nelson et al. 2019, data specification of the snapshots).
    """

    dataset: str
    unit: Callable[[float, float], float] = lambda a, h: 1.0
    columns: int = 1
    must_be_positive: bool = False


COORDINATES = Quantity("Coordinates", lambda a, h: a / h, 3)
MASSES = Quantity("Masses", lambda a, h: 1e10 / h, must_be_positive=True)
INTERNAL_ENERGY = Quantity("InternalEnergy", must_be_positive=True)
POTENTIAL = Quantity("Potential", lambda a, h: 1.0 / a)
FORMATION_TIME = Quantity("GFM_StellarFormationTime")
FIELDS: dict[str, Quantity] = {
    "density": Quantity("Density", lambda a, h: 1e10 * h**2 / a**3, must_be_positive=True),
    "electron_abundance": Quantity("ElectronAbundance"),
    "magnetic_field": Quantity("MagneticField", code_field_in_gauss, 3),
    "metallicity": Quantity("GFM_Metallicity"),
    "star_formation_rate": Quantity("StarFormationRate"),
    "neutral_fraction": Quantity("NeutralHydrogenAbundance"),
    "velocities": Quantity("Velocities", lambda a, h: a**0.5, 3),
}


@dataclass(frozen=True)
class Header:
    """What a reader needs of a cutout's header.

    `box_kpc` and `center_kpc` are physical; `mass_table` is in 1e10 Msun/h by particle type;
    `name`, `kind` and `lineage` are those of the galaxy. Our own files alone know the center and
    the lineage.
    """

    scale_factor: float
    hubble: float
    redshift: float
    box_kpc: float
    mass_table: Array
    name: str
    kind: str
    center_kpc: Array | None
    properties: dict[str, float]
    lineage: str

    @classmethod
    def read(cls, file: h5py.File, path: Path) -> Header:
        """Read the header of an open cutout; CutoutError where it lacks what units need."""
        if "Header" not in file:
            raise CutoutError(f"{path} has no group Header, so it is no TNG cutout")
        attributes = {str(name): value for name, value in file["Header"].attrs.items()}
        missing = [n for n in ("Time", "HubbleParam", "BoxSize") if n not in attributes]
        if missing:
            raise CutoutError(f"the Header of {path} lacks {', '.join(missing)}")
        # The web API writes one-element arrays where snapshots have scalars.
        a, h, box = (_number(attributes[n]) for n in ("Time", "HubbleParam", "BoxSize"))
        if not (1e-3 < a <= 1.001 and 0.1 < h < 2 and 0 < box < 1e12):
            raise CutoutError(
                f"the Header of {path} must have Time in 0 to 1, HubbleParam near 0.7 and BoxSize "
                f"above 0, got {a:g}, {h:g} and {box:g}"
            )
        redshift = _number(attributes.get("Redshift", 1.0 / a - 1.0))
        if not -0.01 < redshift < 1e3:
            raise CutoutError(f"the Header of {path} must have Redshift from 0, got {redshift:g}")
        center = attributes.get("GalaxyCenter")
        if center is not None and np.shape(center) != (3,):
            raise CutoutError(f"GalaxyCenter in {path} must be three numbers, got {center!r:.60}")
        prefix = "Galaxy_"
        return cls(
            # Snapshots of today say 2e-16, 1 / a - 1 in rounding.
            a, h, redshift if redshift > 1e-9 else 0.0, box * a / h,
            np.ravel(np.asarray(attributes.get("MassTable", np.zeros(6)), np.float64)),
            _galaxy_name(attributes, path), _text(attributes.get("GalaxyKind", "")),
            None if center is None else np.asarray(center, np.float64) * a / h,
            {k[len(prefix):]: _number(v) for k, v in attributes.items() if k.startswith(prefix)},
            _text(attributes.get("GalaxyLineage", "")),
        )  # fmt: skip


def _number(value: Any) -> float:
    return float(np.ravel(value)[0])


def _text(value: Any) -> str:
    item = np.ravel(np.asarray(value, dtype=object))[0]
    raw = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "replace")


def _galaxy_name(attributes: dict[str, Any], path: Path) -> str:
    """Name a galaxy as "TNG50-1/99/subhalo-12", or by its file where the header does not tell."""
    if "GalaxyName" in attributes:
        return _text(attributes["GalaxyName"])
    if "CutoutID" not in attributes or "SnapshotNumber" not in attributes:
        return path.stem
    simulation = _text(attributes.get("SimulationName", "unknown"))
    kind = _text(attributes.get("CutoutType", "subhalo"))
    snapshot, number = (int(_number(attributes[n])) for n in ("SnapshotNumber", "CutoutID"))
    return f"{SIMULATIONS.get(simulation, simulation)}/{snapshot}/{kind}-{number}"
