"""Sizes of figures: columns of journals, slides, or any width."""

from __future__ import annotations

import re
from dataclasses import dataclass

_POINTS_PER_MM = 72.0 / 25.4
_NARROWEST_MM, _WIDEST_MM = 60, 600


@dataclass(frozen=True)
class Size:
    """Where a figure goes.

    Attributes
    ----------
    label : for people.
    width, height : points; a height of None is whatever the content takes.
    font : size of the text in points.
    """

    label: str
    width: float
    height: float | None
    font: float


SIZES: dict[str, Size] = {
    "one-column": Size("journal, one column (88 mm)", 88 * _POINTS_PER_MM, None, 7.0),
    "two-columns": Size("journal, two columns (180 mm)", 180 * _POINTS_PER_MM, None, 8.0),
    "slide": Size("slide, 16:9", 960.0, 540.0, 14.0),
}


def size_of(name: str) -> Size:
    """Return a size by its name in `SIZES`, or by a width such as "120mm", in 8 point text.

    Raises
    ------
    ValueError : on anything else.
    """
    if name in SIZES:
        return SIZES[name]
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?mm", name)
    if found is None or not _NARROWEST_MM <= float(found[1]) <= _WIDEST_MM:
        raise ValueError(
            f"size must be {', '.join(SIZES)}, or a width from {_NARROWEST_MM}mm to "
            f"{_WIDEST_MM}mm, got {name!r}"
        )
    return Size(f"{found[1]} mm wide", float(found[1]) * _POINTS_PER_MM, None, 8.0)
