"""How figures of the report look: one type, and one order, name and color for each method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data.domains import get_domain

P = ParamSpec("P")
T = TypeVar("T")

INK, MUTED, PALE, BLUE = "#222222", "#666666", "#d0d0d0", "#2166ac"
STYLE: dict[str, Any] = {
    "font.family": "sans-serif", "font.size": 8.0, "axes.titlesize": 8.5, "axes.labelsize": 8.0,
    "axes.linewidth": 0.6, "axes.edgecolor": INK, "text.color": INK, "axes.labelcolor": INK,
    "xtick.direction": "in", "ytick.direction": "in", "xtick.top": True, "ytick.right": True,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "xtick.major.width": 0.6,
    "ytick.major.width": 0.6, "mathtext.fontset": "dejavusans", "legend.frameon": False,
    "legend.fontsize": 7.5, "lines.linewidth": 1.3, "savefig.facecolor": "white",
    "pdf.fonttype": 42, "svg.fonttype": "none",
}  # fmt: skip
WIDTH = 9.6  # inches; a page's column
_LEAST_PANELS = 4  # across: fewer are not drawn wider


@dataclass(frozen=True)
class Look:
    """How a method is drawn: color, line and marker tell it apart without color as well."""

    label: str
    color: str
    line: Any = "-"
    marker: str = "o"

    @property
    def curve(self) -> dict[str, Any]:
        """What `Axes.plot` needs."""
        return {"color": self.color, "ls": self.line, "label": self.label}


# Colors of Okabe & Ito (2008) for what draws samples, grays for what does not.
_LOOKS: dict[str, tuple[str, Any, str]] = {
    "identity": ("#b3b3b3", ":", "v"),
    "pixelwise": ("#808080", (0, (5, 1.5)), "^"),
    "l1": (INK, (0, (5, 1.5, 1, 1.5)), "s"),
    "pix2pix": ("#d55e00", (0, (3, 1)), "P"),
    "crps": ("#882255", (0, (5, 1.5, 1, 1.5)), "D"),
    "ddpm": ("#0072b2", "-", "o"),
    "indi": ("#e69f00", "-", "X"),
    "score_sde": ("#56b4e9", (0, (6, 1)), "p"),
    "edm": ("#009e73", "-", "h"),
    "flow": ("#cc79a7", "-", "*"),
    "dim": ("#332288", (0, (1, 1)), "d"),
}
# For methods that the table does not know, in the order in which they come.
_SPARE = ("#999933", "#44aa99", "#aa4499", "#117733", "#ddcc77", "#661100")
_MARKERS = "<>8HsD"


def ordered(methods: Iterable[str]) -> list[str]:
    """Return methods in the one order: simple ones first, unknown ones last."""
    known = list(_LOOKS)
    return sorted(methods, key=lambda m: (known.index(m) if m in known else len(known), m))


def looks(titles: Mapping[str, str]) -> dict[str, Look]:
    """Return the look of each method, in the one order.

    Parameters
    ----------
    titles : {method: name for people}.
    """
    found, spare = {}, 0
    for method in ordered(titles):
        if method in _LOOKS:
            found[method] = Look(titles[method], *_LOOKS[method])
            continue
        color, marker = _SPARE[spare % len(_SPARE)], _MARKERS[spare % len(_MARKERS)]
        found[method] = Look(titles[method], color, (0, (2 + spare, 1)), marker)
        spare += 1
    return found


def short(domain: str) -> str:
    """Return what a domain is called where there is little room."""
    names = {"hi": "HI", "brightness_temperature": "21 cm", "magnetic_field": "magn. field"}
    return names.get(domain, get_domain(domain).label.lower())


def arrow(source: str, target: str) -> str:
    """Return a direction in words."""
    return f"{short(source)} → {short(target)}"


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw, or write, under `STYLE` and leave matplotlib's settings as they were."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return inside


def panels(
    count: int, most: int, ratio: float, *, margin: float = 0.0, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `WIDTH` and `count` axes in as few rows as hold them, filled alike.

    Parameters
    ----------
    most : panels in a row.
    ratio : height over width of a panel with its labels.
    margin : height in inches for what all have in common, labels and legends.
    options : of `Figure.subplots`. Shared axes have labels where no panel is beneath or left.
    """
    down = max(1, -(-count // most))
    across = max(1, -(-count // down))
    width = WIDTH / max(across, _LEAST_PANELS)
    figure = Figure(figsize=(across * width, down * width * ratio + margin), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, **options)
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    for axes in grid.flat[max(count - across, 0) : count]:
        axes.tick_params(labelbottom=True)
    return figure, list(grid.flat[:count])


def bands(values: Any) -> tuple[Any, Any, Any]:
    """Return the 16th, 50th and 84th percentiles (k,) over galaxies of (n, k), NaN left out."""
    values = np.asarray(values, np.float64)
    out = np.full((3, values.shape[-1]), np.nan)
    some = np.isfinite(values).any(axis=0)
    out[:, some] = np.nanpercentile(
        np.where(np.isfinite(values), values, np.nan)[:, some], (16.0, 50.0, 84.0), axis=0
    )
    return out[0], out[1], out[2]
