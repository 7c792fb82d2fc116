"""A run as a file: figures, profile, maps, moving pictures, and one archive of all of it."""

from explorer.export.formats import FORMATS, Format, export_bytes, export_name, unavailable
from explorer.export.options import FIGURES, FigureOptions

__all__ = [
    "FIGURES", "FORMATS", "FigureOptions", "Format", "export_bytes", "export_name", "unavailable",
]  # fmt: skip
