"""Small pictures of galaxies in their first rotation, made once and kept."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.domains import DOMAINS
from explorer import library
from explorer.scales import log_limits, mapped, palette

SIDE = 64
_PICTURE_PX = 96


@dataclass(frozen=True)
class Sketch:
    """Coarse maps of a galaxy, and its masses.

    Attributes
    ----------
    maps : (`SIDE`, `SIDE`) or what a store holds, by domain; physical units.
    stellar_mass : Msun, of all its stars where that is known, or else in the map; or NaN.
    dark_matter_mass : Msun in the map, NaN where there is none.
    """

    maps: dict[str, NDArray[np.float32]]
    stellar_mass: float
    dark_matter_mass: float

    @property
    def nbytes(self) -> int:
        """Memory that its maps take."""
        return sum(values.nbytes for values in self.maps.values())


SKETCHES = library.Shelf(capacity=1000, max_bytes=200_000_000)


def sketch(name: str) -> Sketch:
    """Return the coarse maps of a galaxy on offer, made where they are not kept."""
    kept = SKETCHES.get(name)
    if kept is None:
        scene = library.load_scene(name, 1, SIDE)
        pixel = scene.extent_kpc / SIDE
        stars, dark_matter = (
            float(scene.maps[domain].sum(dtype=np.float64) * pixel**2)
            if domain in scene.maps and scene.maps[domain].shape[0] == SIDE
            else np.nan
            for domain in ("stars", "dark_matter")
        )
        # As beside the maps: of a large galaxy there is much more than what the map shows.
        stars = float(scene.properties.get("stellar_mass", stars))
        kept = Sketch(scene.maps, stars, dark_matter)
        SKETCHES.put(name, kept)
    return kept


def picture(name: str, domain: str) -> str:
    """Return a galaxy's map of a domain as an address of data, a PNG; "" where it has none."""
    values = sketch(name).maps.get(domain)
    return "" if values is None else _address(values.tobytes(), values.shape[0], domain)


@lru_cache(maxsize=2000)
def _address(values: bytes, side: int, domain: str) -> str:
    pixels = np.frombuffer(values, np.float32).reshape(side, side)
    limits = np.log10(log_limits([pixels], domain))
    with np.errstate(divide="ignore", invalid="ignore"):
        dex = np.log10(pixels)
    colormap = DOMAINS[domain].colormap
    colors = mapped(dex, limits, colormap, no_data=palette(colormap)[0])
    image = Image.fromarray(colors[::-1]).resize(
        (_PICTURE_PX, _PICTURE_PX), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(buffer.getvalue()).decode()
