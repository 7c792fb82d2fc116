"""What a store is built from: seeds of synthetic galaxies, and objects in cutout files."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

from data.cutouts import cutout_name, read_cutout
from data.galaxy import Galaxy
from data.synthetic import synthesize

_CENTER_COLUMNS = ("x_kpc", "y_kpc", "z_kpc")


@dataclass(frozen=True)
class Synthetic:
    """A synthetic galaxy at one redshift; each is one galaxy to the splits at all of them."""

    seed: int
    redshift: float = 0.0

    @property
    def name(self) -> str:
        """Name in a store, known without making the galaxy."""
        at = f"/z{self.redshift:g}" if self.redshift else ""
        return f"synthetic-{self.seed:06d}{at}"

    def load(self) -> Galaxy:
        """Make the galaxy."""
        return replace(synthesize(self.seed, redshift=self.redshift), name=self.name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Cutout:
    """A galaxy in a cutout file.

    Attributes
    ----------
    path : an absolute path, for other machines.
    label : what to call one of several objects in the file; "" for the name that the file has.
    center_kpc, radius_kpc : the sphere that holds the object, physical; None for the whole file.
    """

    path: Path
    label: str = ""
    center_kpc: tuple[float, float, float] | None = None
    radius_kpc: float | None = None

    @property
    def name(self) -> str:
        """Name in a store, from the label or the file's header; CutoutError where there is none."""
        return self.label or cutout_name(self.path)

    def load(self) -> Galaxy:
        """Read the galaxy."""
        galaxy = read_cutout(self.path, center_kpc=self.center_kpc, radius_kpc=self.radius_kpc)
        return replace(galaxy, name=self.name)

    def __str__(self) -> str:
        return f"{self.path} {self.label}".rstrip()


Source = Synthetic | Cutout


def read_centers(table: str | Path, path: str | Path) -> list[Cutout]:
    """Return the objects of the cutout at `path` that a CSV table lists.

    The table has the columns name, x_kpc, y_kpc, z_kpc and radius_kpc, a header line, and one
    object a line: center in the box and radius of the sphere to keep, physical kpc.
    """
    objects = []
    try:
        text = Path(table).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} is no table of centers ({error})") from None
    for number, row in enumerate(rows, start=2):
        try:
            x, y, z = (float(row[column]) for column in _CENTER_COLUMNS)
            objects.append(
                Cutout(Path(path).resolve(), row["name"], (x, y, z), float(row["radius_kpc"]))
            )
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"line {number} of {table} must have name, {', '.join(_CENTER_COLUMNS)} and "
                f"radius_kpc, got {dict(row)!s:.200}"
            ) from None
    return objects
