"""Maps side by side: input, outputs and truth of single galaxies, and mean maps of an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from data.domains import get_domain
from train.report.style import PALE, WIDTH, arrow, styled

_DECADES = 1.0, 5.0  # least and most of a color scale
_STROKE = [withStroke(linewidth=2.0, foreground="black", alpha=0.6)]


@dataclass(frozen=True)
class Case:
    """One galaxy in one direction.

    Attributes
    ----------
    title : what kind of galaxy it is.
    source, target : names of domains.
    source_map, truth : (H, W) in the units of `source` and `target`; row = y upwards.
    outputs : {label: (H, W)} in the unit of `target`, a sample a method.
    extent_kpc : side of the maps.
    """

    title: str
    source: str
    target: str
    source_map: NDArray[Any]
    truth: NDArray[Any]
    outputs: Mapping[str, NDArray[Any]]
    extent_kpc: float


# In inches: from the top of a row to its maps, from there to color bars, and all beneath the maps.
_GAP, _TITLE, _BAR, _BENEATH = 0.04, 0.24, 0.055, 0.44


# So that few maps in a row are not drawn large, by cases in a row.
_LEAST_COLUMNS = {1: 6, 2: 3}


@styled
def triptychs(cases: Sequence[Case]) -> Figure:
    """Draw input | output | truth of each case, two cases in a row; of each its first output."""
    first = [dict([next(iter(case.outputs.items()))]) for case in cases]
    return _figure([replace(c, outputs=o) for c, o in zip(cases, first, strict=True)], 2)


@styled
def gallery(cases: Sequence[Case]) -> Figure:
    """Draw input | one sample of each method | truth, one case in a row.

    All cases must have the same methods.
    """
    return _figure(cases, 1)


def _figure(cases: Sequence[Case], across: int) -> Figure:
    """Draw cases in rows of so many; all have the same number of maps."""
    columns = len(cases[0].outputs) + 2
    step = (WIDTH / across - 0.1) / max(columns, _LEAST_COLUMNS[across])
    side = step - _GAP
    block, row = columns * step + 0.1, _TITLE + side + _BENEATH
    figure = Figure(figsize=(across * block, row * -(-len(cases) // across)))
    for number, case in enumerate(cases):
        left = (number % across) * block + 0.05 + 0.5 * _GAP
        bottom = figure.get_figheight() - (number // across) * row - _TITLE - side
        under = bottom - 0.03 - _BAR
        axes = [
            _add_axes(figure, (left + column * step, bottom), (side, side))
            for column in range(columns)
        ]
        bars = (
            _add_axes(figure, (left, under), (side, _BAR)),
            _add_axes(figure, (left + step, under), ((columns - 1) * step - _GAP, _BAR)),
        )
        _draw_case(case, axes, bars)
    return figure


def _add_axes(figure: Figure, corner: tuple[float, float], size: tuple[float, float]) -> Axes:
    """Add axes whose lower left corner and size are in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (corner[0] / width, corner[1] / height, size[0] / width, size[1] / height)
    )


def _draw_case(case: Case, axes: Sequence[Axes], bars: tuple[Axes, Axes]) -> None:
    """Draw input, outputs and truth into axes, the color scale of the input and of the rest."""
    own, shared = log_norm(case.source_map, case.source), log_norm(case.truth, case.target)
    first = _show(axes[0], case.source_map, own, case.source, case.extent_kpc)
    for place, values in zip(axes[1:], (*case.outputs.values(), case.truth), strict=True):
        last = _show(place, values, shared, case.target, case.extent_kpc)
    axes[0].set_title(f"{arrow(case.source, case.target)}: {case.title}", loc="left", pad=3)
    for place, words in zip(axes, ("input", *case.outputs, "truth"), strict=True):
        place.text(0.04, 0.96, words, transform=place.transAxes, color="white", fontsize=7,
                   va="top", path_effects=_STROKE)  # fmt: skip
    _scale_bar(axes[0], case.extent_kpc)
    for image, axis, name in ((first, bars[0], case.source), (last, bars[1], case.target)):
        _color_bar(image, axis, name)


def _color_bar(image: AxesImage, axes: Axes, name: str) -> None:
    """Draw a color bar with few labels, none at its very ends, for others may be near."""
    domain = get_domain(name)
    bar = axes.figure.colorbar(image, cax=axes, orientation="horizontal")
    bar.set_ticks(_ticks(*image.get_clim()).tolist())
    bar.ax.xaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    bar.minorticks_off()
    bar.ax.tick_params(top=False, length=2, pad=1.5, labelsize=6.5, which="major")
    bar.outline.set_linewidth(0.4)
    bar.set_label(f"{domain.symbol} ({domain.unit_tex})", fontsize=6.5, labelpad=0.5)


def _ticks(low: float | None, high: float | None) -> NDArray[np.float64]:
    """Return round numbers well within limits: 1 and 3 times powers of ten, or every such power.

    Every second power where there are more than four.
    """
    start, end = np.log10(np.array([low, high], float))
    margin = 0.05 * (end - start)
    exponents = np.arange(np.floor(start), np.ceil(end) + 1)
    if end - start < 2.0:
        exponents = np.sort(np.concatenate([exponents, exponents + np.log10(3.0)]))
    inside = exponents[(exponents > start + margin) & (exponents < end - margin)]
    return 10.0 ** inside[:: 1 if len(inside) < 5 else 2]


def _power_of_ten(value: float, _: int | None = None) -> str:
    if 0.01 < value < 1000:
        return f"{value:.1g}" if value < 10 else f"{value:.0f}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = round(value / 10.0**exponent)
    return f"$10^{{{exponent}}}$" if mantissa == 1 else rf"${mantissa}\times10^{{{exponent}}}$"


def log_norm(values: NDArray[Any], domain: str) -> LogNorm:
    """Return a color scale from the 1st to the 99.8th percentile of what is above zero.

    From one to five decades, not far below the domain's floor; the domain's own range where
    nothing is above zero.
    """
    d = get_domain(domain)
    good = values[np.isfinite(values) & (values > 0)]
    if not good.size:
        return LogNorm(*d.display_range)
    low, high = np.percentile(np.log10(good), (1.0, 99.8))
    low = max(low, high - _DECADES[1], min(np.log10(d.floor), high - _DECADES[0]))
    low = min(low, high - _DECADES[0])
    return LogNorm(10.0**low, 10.0**high)


def _show(
    axes: Axes, values: NDArray[Any], norm: Normalize, domain: str, extent_kpc: float
) -> AxesImage:
    half = 0.5 * extent_kpc
    colors = mpl.colormaps[get_domain(domain).colormap]
    colors = colors.with_extremes(bad=PALE, under=colors(0.0))
    least = 1e-3 * float(norm.vmin or 0.0)  # zeros are under the scale, not missing
    shown = np.where(np.isfinite(values), np.maximum(values, least), np.nan)
    axes.set(xticks=[], yticks=[])
    return axes.imshow(
        shown, origin="lower", extent=(-half, half, -half, half), norm=norm, cmap=colors,
        interpolation="nearest",
    )  # fmt: skip


def _scale_bar(axes: Axes, extent_kpc: float) -> None:
    """Draw a bar of 1, 2 or 5 times a power of ten kpc, about a quarter of the map."""
    power = 10.0 ** np.floor(np.log10(0.3 * extent_kpc))
    length = max(m * power for m in (1.0, 2.0, 5.0) if m * power <= 0.3 * extent_kpc)
    x, y = -0.45 * extent_kpc, -0.44 * extent_kpc
    axes.plot([x, x + length], [y, y], color="white", lw=1.6, path_effects=_STROKE)
    axes.text(
        x, y + 0.02 * extent_kpc, f"{length:g} kpc", color="white", va="bottom", fontsize=6.5,
        path_effects=_STROKE,
    )  # fmt: skip


@styled
def mean_maps(rows: Mapping[str, Mapping[str, NDArray[Any]]], label: str) -> Figure:
    """Draw mean maps, a row a direction and a column a method, in one scale about zero.

    Parameters
    ----------
    rows : {direction: {method: (H, W)}} signed; row = y upwards.
    label : what it is, with its unit, beneath the color bar.
    """
    columns = list(dict.fromkeys(method for row in rows.values() for method in row))
    side = WIDTH / max(5, len(columns) + 0.5)
    figure = Figure(
        figsize=(side * (len(columns) + 0.5), side * len(rows) + 0.75),
        layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0),
    )
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    joined = np.concatenate(
        [np.abs(m[np.isfinite(m)]) for row in rows.values() for m in row.values()]
    )
    limit = max(float(np.percentile(joined, 99.0)) if joined.size else 1.0, 1e-12)
    norm, colors = Normalize(-limit, limit), mpl.colormaps["RdBu_r"].with_extremes(bad=PALE)
    for line, (direction, row) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(direction.replace("→ ", "→\n"), fontsize=7)
        for place, method in zip(line, columns, strict=True):
            place.set(xticks=[], yticks=[], xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
            if method in row:
                place.imshow(row[method], origin="lower", extent=(-1, 1, -1, 1), norm=norm,
                             cmap=colors, interpolation="nearest")  # fmt: skip
    for place, method in zip(axes[0], columns, strict=True):
        place.set_title(method, fontsize=7, pad=3)
    bar = figure.colorbar(
        ScalarMappable(norm, colors), ax=axes, orientation="horizontal", shrink=0.6, aspect=45,
        pad=0.02, extend="both",
    )  # fmt: skip
    bar.set_label(label)
    bar.outline.set_linewidth(0.4)
    return figure
