"""What a figure is to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explorer.sizes import size_of

FIGURES: dict[str, str] = {
    "comparison": "input, output, truth and residual, with radial profiles; also of several",
    "triptych": "input, output and truth",
    "film": "eight of the steps",
}
_LOWEST_DPI, _HIGHEST_DPI = 50, 1200


@dataclass(frozen=True)
class FigureOptions:
    """What a figure is to be; `Format.options` says what of it matters to a format.

    Attributes
    ----------
    figure : name in `FIGURES`.
    size : name in `explorer.sizes.SIZES`, or a width such as "120mm".
    dpi : dots per inch of a PNG, and of the maps in PDF and SVG.
    caption : whether small print says what the figure shows.

    Raises
    ------
    ValueError : on anything else.
    """

    figure: str = "comparison"
    size: str = "two-columns"
    dpi: int = 300
    caption: bool = True

    def __post_init__(self) -> None:
        if self.figure not in FIGURES:
            raise ValueError(f"figure must be one of {', '.join(FIGURES)}, got {self.figure!r}")
        if not _LOWEST_DPI <= self.dpi <= _HIGHEST_DPI:
            raise ValueError(f"dpi must be from {_LOWEST_DPI} to {_HIGHEST_DPI}, got {self.dpi}")
        size_of(self.size)

    def words(self, names: Iterable[str]) -> list[str]:
        """Return the options of these names as words of the command line."""
        words = []
        for name in names:
            if name != "caption":
                words += [f"--{name}", str(getattr(self, name))]
            elif not self.caption:
                words.append("--no-caption")
        return words


DEFAULT = FigureOptions()
