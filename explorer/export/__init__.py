"""A run as a file: figures, profile, maps, moving pictures, and one archive of all of it."""

from explorer.export.formats import (
    BESIDE_ALLOWED,
    FORMATS,
    Format,
    export_bytes,
    export_name,
    takes_others,
    unavailable,
)
from explorer.export.options import FIGURES, FigureOptions

__all__ = [
    "BESIDE_ALLOWED", "FIGURES", "FORMATS", "FigureOptions", "Format", "export_bytes",
    "export_name", "takes_others", "unavailable",
]  # fmt: skip
