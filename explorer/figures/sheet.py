"""What figures are drawn on: the style, and places in points."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, BLUE, MUTED = "#222222", "#2166ac", "#555555"
# Blue, then colors that people of any color vision tell apart (Okabe & Ito 2008); the truth's curve
# alone is dashed.
_HUES = (BLUE, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
CURVES: tuple[dict[str, Any], ...] = tuple(
    {"color": hue, "ls": style} for style in ("-", "-.") for hue in _HUES
)

# Settings are matplotlib's own but for these, whatever the user's matplotlibrc says, so that a
# figure comes out the same everywhere. Fonts are embedded as TrueType, and SVG keeps text as text.
_STYLE: dict[str, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans", "axes.titlesize": "medium", "axes.labelsize": "medium",
    "xtick.labelsize": "small", "ytick.labelsize": "small", "xtick.direction": "in",
    "ytick.direction": "in", "xtick.top": True, "ytick.right": True, "legend.frameon": False,
    "legend.fontsize": "small", "legend.borderaxespad": 0.4, "pdf.fonttype": 42,
    "svg.fonttype": "none", "svg.hashsalt": "galactic-alchemy", "savefig.facecolor": "white",
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK,
    "ytick.color": INK,
}  # fmt: skip
# Lines in points at a font of 8 points; they grow with the font.
_LINES = {
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4, "ytick.minor.width": 0.4, "xtick.major.size": 3.0,
    "ytick.major.size": 3.0, "xtick.minor.size": 1.6, "ytick.minor.size": 1.6,
    "xtick.major.pad": 3.0, "ytick.major.pad": 3.0, "axes.labelpad": 2.5,
}  # fmt: skip
# Settings are matplotlib's, and so shared by all threads.
_SETTINGS = threading.RLock()


@contextmanager
def publication_style(font: float) -> Iterator[None]:
    """Apply the style of publications with text of `font` points; one thread at a time."""
    lines = {name: value * font / 8.0 for name, value in _LINES.items()}
    with _SETTINGS, matplotlib.style.context(["default", {**_STYLE, **lines, "font.size": font}]):
        yield


class Sheet(Figure):
    """A figure on which places are points from the upper left corner."""

    def __init__(self, width: float, height: float, font: float):
        self.width, self.height, self.font = width, height, font
        super().__init__(figsize=(width / 72.0, height / 72.0), facecolor="white")

    def place(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return new axes at a place."""
        return self.add_axes(
            (left / self.width, 1.0 - (top + height) / self.height,
             width / self.width, height / self.height)
        )  # fmt: skip

    def write(self, left: float, top: float, text: str, **style: Any) -> Any:
        """Write text whose upper left corner is at a place."""
        style = {"va": "top", "ha": "left", **style}
        return self.text(left / self.width, 1.0 - top / self.height, text, **style)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """Save as `Figure.savefig` does, in the style in which the sheet was drawn."""
        with publication_style(self.font):
            super().savefig(*arguments, **options)
