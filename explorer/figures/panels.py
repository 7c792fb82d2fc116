"""Maps as panels: square, in physical axes, each with a color bar above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from numpy.typing import NDArray

from data.domains import Domain
from explorer.figures.sheet import Sheet
from explorer.scales import log_limits, log_ticks, scale_bar_kpc

_BAR, _BAR_GAP = 0.7, 0.45  # in units of the text's size
_SHADE = {"facecolor": "black", "alpha": 0.6, "linewidth": 0.0, "pad": 1.6}


@dataclass(frozen=True)
class Panel:
    """One map and how it is colored.

    Attributes
    ----------
    title : words in its upper left corner.
    values : (H, W), row = y upwards; None where there is no such map.
    limits : of the color scale.
    colormap : matplotlib's.
    label : of the color bar.
    logarithmic : the color scale.
    """

    title: str
    values: NDArray[Any] | None
    limits: tuple[float, float]
    colormap: Colormap
    label: str
    logarithmic: bool = True

    @property
    def norm(self) -> Normalize:
        """From values to shares of the color map."""
        return LogNorm(*self.limits) if self.logarithmic else Normalize(*self.limits)

    def with_values(self, title: str, values: NDArray[Any] | None) -> Panel:
        """Return the panel of another map on the same scale."""
        return replace(self, title=title, values=values)


def domain_panel(
    title: str, values: NDArray[Any] | None, domain: Domain, limits_of: Sequence[NDArray[Any]]
) -> Panel:
    """Return the panel of a map of `domain` on the logarithmic scale that suits `limits_of`."""
    colormap = mpl.colormaps[domain.colormap]
    lowest = colormap(0.0)  # where there is nothing, there is less than the scale shows
    return Panel(
        f"{title}\n{domain.label.lower()}",
        values,
        log_limits(limits_of, domain.name),
        colormap.with_extremes(bad=lowest, under=lowest),
        quantity(domain),
    )  # fmt: skip


def residual_panel(residual: NDArray[Any] | None, limit: float) -> Panel:
    """Return the panel of a residual up to `limit` dex, NaN where there is nothing to compare."""
    return Panel(
        "Residual", residual, (-limit, limit),
        mpl.colormaps["RdBu_r"].with_extremes(bad="#d0d0d0"), r"$\log_{10}$ output/truth (dex)",
        logarithmic=False,
    )  # fmt: skip


def quantity(domain: Domain) -> str:
    """Return symbol and unit of a domain for an axis, in math text."""
    return f"{domain.symbol} ({domain.unit_tex})"


def tick_text(value: float, position: int | None = None) -> str:
    """Write a tick of a logarithmic axis in math text: 0.1, 30, 10^6, 3 x 10^6."""
    if 0.0099 < value < 999.0:
        return f"{value:g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = round(value / 10.0**exponent)
    power = f"10^{{{exponent}}}"
    return f"${power}$" if mantissa == 1 else rf"${mantissa}\times{power}$"


def number(value: float, position: int | None = None) -> str:
    """Write a tick of a linear axis as short as it goes, with a true minus sign."""
    return f"{value:g}".replace("-", "\u2212")


def set_log_ticks(axis: Any, limits: tuple[float, float], most: int = 4) -> None:
    """Put round ticks on a logarithmic axis, `most` or so."""
    axis.set_major_locator(FixedLocator(log_ticks(*limits, most=most)))
    axis.set_major_formatter(FuncFormatter(tick_text))
    axis.set_minor_formatter(NullFormatter())


def draw_map(axes: Axes, panel: Panel, extent_kpc: float) -> Any:
    """Draw a panel's map with its title; return the image, None where there is no map."""
    half, image = 0.5 * extent_kpc, None
    axes.set(xlim=(-half, half), ylim=(-half, half))
    if panel.values is None:
        axes.text(0.5, 0.5, "no ground truth", transform=axes.transAxes, ha="center", va="center")
    else:
        image = axes.imshow(
            panel.values, origin="lower", extent=(-half, half, -half, half), norm=panel.norm,
            cmap=panel.colormap, interpolation="nearest", aspect="auto",
        )  # fmt: skip
    write_on_map(axes, panel.title)
    step = scale_bar_kpc(1.2 * extent_kpc)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([-step, 0.0, step]))
        axis.set_major_formatter(FuncFormatter(number))
    axes.tick_params(color="white", labelbottom=False, labelleft=False)
    return image


def write_on_map(axes: Axes, text: str) -> Any:
    """Write white text on a dark shade into the upper left corner, legible on any color."""
    return axes.text(
        0.035, 0.965, text, transform=axes.transAxes, ha="left", va="top", color="white",
        fontsize="small", linespacing=1.05, bbox=_SHADE, zorder=5,
    )  # fmt: skip


def label_axes(axes: Axes, *, x: bool, y: bool) -> None:
    """Label the ticks and axes of a map, in kpc, at its bottom and on its left."""
    axes.tick_params(labelbottom=x, labelleft=y)
    if x:
        axes.set_xlabel("x (kpc)")
    if y:
        axes.set_ylabel("y (kpc)")


def draw_scale_bar(axes: Axes, extent_kpc: float) -> None:
    """Draw a bar of a round length into the lower left corner of a map."""
    length = scale_bar_kpc(extent_kpc)
    x, y = -0.45 * extent_kpc, -0.44 * extent_kpc
    axes.add_patch(Rectangle((x, y), length, 0.016 * extent_kpc, color="white", lw=0, zorder=6))
    axes.text(
        x, y + 0.045 * extent_kpc, f"{length:g} kpc", color="white", ha="left", va="bottom",
        fontsize="small", bbox=_SHADE, zorder=5,
    )  # fmt: skip


def draw_color_bar(sheet: Sheet, corner: tuple[float, float], width: float, panel: Panel) -> None:
    """Draw the color bar above a map, or a row of maps, with this left and upper edge."""
    f = sheet.font
    axes = sheet.place(corner[0], corner[1] - (_BAR_GAP + _BAR) * f, width, _BAR * f)
    bar = sheet.colorbar(
        ScalarMappable(panel.norm, panel.colormap), cax=axes, orientation="horizontal"
    )
    bar.outline.set_linewidth(0.06 * f)
    if panel.logarithmic:
        low, high = panel.limits
        inset = (high / low) ** (f / width)  # labels at the ends would reach the next bar
        most = max(2, min(5, int(width / (4.4 * f))))
        set_log_ticks(axes.xaxis, (low * inset, high / inset), most)
    else:
        limit = panel.limits[1]
        axes.xaxis.set_major_locator(FixedLocator([-0.5 * limit, 0.0, 0.5 * limit]))
        axes.xaxis.set_major_formatter(FuncFormatter(number))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(
        which="both", direction="out", top=True, bottom=False, labeltop=True, labelbottom=False,
        pad=0.15 * f, length=0.25 * f,
    )  # fmt: skip
    axes.tick_params(which="minor", length=0.14 * f)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(panel.label, labelpad=0.45 * f)
