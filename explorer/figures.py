"""The comparison figure for papers and talks; needs no browser and no pyplot state.

from explorer.figures import Comparison, comparison_figure
figure = comparison_figure(Comparison(source_map, output, truth, "gas", "dark_matter", 80.0))
figure.savefig("comparison.pdf")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter
from numpy.typing import NDArray

from data.domains import Domain, get_domain
from engine.metrics.profile import radial_profile, residual_dex
from explorer.scales import dex_limit, log_limits, log_ticks, scale_bar_kpc

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif", "font.size": 8.0, "axes.titlesize": 9.0, "axes.labelsize": 8.0,
    "axes.linewidth": 0.6, "xtick.direction": "in", "ytick.direction": "in",
    "xtick.top": True, "ytick.right": True, "xtick.labelsize": 7.5, "ytick.labelsize": 7.5,
    "mathtext.fontset": "dejavusans", "pdf.fonttype": 42, "svg.fonttype": "none",
    "legend.frameon": False, "legend.fontsize": 7.5,
}  # fmt: skip
_BLUE, _INK = "#2166ac", "#222222"


@dataclass(frozen=True)
class Comparison:
    """What a comparison figure shows.

    Attributes
    ----------
    source_map, output : (H, W) in the units of `source` and `target`; row = y upwards.
    truth : (H, W) in the unit of `target`, or None.
    source, target : names of domains.
    extent_kpc : side of the maps.
    caption : one line beneath: galaxy, rotation, redshift, translator, seed, steps.
    """

    source_map: NDArray[Any]
    output: NDArray[Any]
    truth: NDArray[Any] | None
    source: str
    target: str
    extent_kpc: float
    caption: str = ""

    def __post_init__(self) -> None:
        for name in ("source_map", "output", "truth"):
            value = getattr(self, name)
            if value is not None and (np.ndim(value) != 2 or not np.size(value)):
                raise ValueError(f"{name} must have shape (H, W), got {np.shape(value)}")
        if self.truth is not None and np.shape(self.truth) != np.shape(self.output):
            raise ValueError(
                f"truth must have the output's shape {np.shape(self.output)}, "
                f"got {np.shape(self.truth)}"
            )
        if not (np.isfinite(self.extent_kpc) and self.extent_kpc > 0):
            raise ValueError(f"extent_kpc must be finite and above zero, got {self.extent_kpc}")

    def residual(self) -> NDArray[np.float64] | None:
        """Return log10(output / truth) in dex (H, W), NaN where both are empty."""
        if self.truth is None:
            return None
        return residual_dex(self.output, self.truth, get_domain(self.target).floor)


def comparison_figure(comparison: Comparison, *, num_bins: int = 20) -> Figure:
    """Draw input, output, truth and residual above the radial profile and its residual.

    Parameters
    ----------
    comparison : maps and words.
    num_bins : annuli of the profile.

    Returns
    -------
    A figure 9.6 by 5.3 inches, not attached to pyplot.
    """
    source, target = get_domain(comparison.source), get_domain(comparison.target)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 5.3), facecolor="white")
        _draw_maps(figure, comparison, source, target)
        _draw_profile(figure, comparison, target, num_bins)
        figure.text(_LEFT, 0.018, comparison.caption, fontsize=7.5, color="#555555", va="bottom")
    return figure


_LEFT, _SIZE, _STEP, _BOTTOM, _HEIGHT = 0.075, 0.208, 0.2290, 0.555, 0.377


def _draw_maps(figure: Figure, c: Comparison, source: Domain, target: Domain) -> None:
    residual = c.residual()
    limit = dex_limit(residual)
    shared = LogNorm(*log_limits([c.output if c.truth is None else c.truth], target.name))
    own = LogNorm(*log_limits([c.source_map], source.name))
    panels = (
        (f"Input: {source.label.lower()}", c.source_map, own, source.colormap),
        (f"Output: {target.label.lower()}", c.output, shared, target.colormap),
        (f"Truth: {target.label.lower()}", c.truth, shared, target.colormap),
        ("Residual", residual, Normalize(-limit, limit), "RdBu_r"),
    )
    half = 0.5 * c.extent_kpc
    for index, (title, values, norm, name) in enumerate(panels):
        left = _LEFT + index * _STEP
        axes = figure.add_axes((left, _BOTTOM, _SIZE, _HEIGHT))
        colormap = mpl.colormaps[name].with_extremes(bad="#d0d0d0")
        if index < 3:
            colormap = colormap.with_extremes(bad=colormap(0.0), under=colormap(0.0))
        if values is not None:
            shown = np.where(values > 0, values, np.nan) if index < 3 else values
            axes.imshow(
                shown, origin="lower", extent=(-half, half, -half, half), norm=norm, cmap=colormap,
                interpolation="nearest",
            )  # fmt: skip
        else:
            axes.text(0.5, 0.5, "no ground truth", transform=axes.transAxes, ha="center")
            axes.set(xlim=(-half, half), ylim=(-half, half))
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
        if index == 0:
            _draw_scale_bar(axes, c.extent_kpc)
        words = "" if index == 3 else (source if index == 0 else target)
        if index != 2:
            width = _SIZE if index != 1 else _SIZE + _STEP
            _draw_color_bar(figure, (left, width), norm, colormap, words)


def _draw_color_bar(
    figure: Figure, place: tuple[float, float], norm: Normalize, colormap: Any, domain: Domain | str
) -> None:
    axes = figure.add_axes((place[0], _BOTTOM - 0.034, place[1], 0.02))
    bar = figure.colorbar(ScalarMappable(norm, colormap), cax=axes, orientation="horizontal")
    if isinstance(domain, str):
        bar.set_label(r"$\log_{10}$ output / truth (dex)")
    else:
        bar.set_label(f"{domain.symbol} ({domain.unit_tex})")
    bar.ax.tick_params(top=False, length=2.5, direction="out", which="both")
    bar.ax.spines[:].set_linewidth(0.5)


def _draw_scale_bar(axes: Axes, extent_kpc: float) -> None:
    length = scale_bar_kpc(extent_kpc)
    x, y = -0.45 * extent_kpc, -0.43 * extent_kpc
    stroke = [withStroke(linewidth=2.2, foreground="black", alpha=0.6)]
    axes.plot([x, x + length], [y, y], color="white", lw=1.8, path_effects=stroke)
    axes.text(
        x + 0.5 * length, y + 0.025 * extent_kpc, f"{length:g} kpc", color="white", ha="center",
        va="bottom", fontsize=7.5, path_effects=stroke,
    )  # fmt: skip


def _power_of_ten(value: float, position: int | None = None) -> str:
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = round(value / 10.0**exponent)
    power = f"10^{{{exponent}}}"
    return f"${power}$" if mantissa == 1 else rf"${mantissa}\times{power}$"


def _draw_profile(figure: Figure, c: Comparison, target: Domain, num_bins: int) -> None:
    radii, profile = radial_profile(c.output, c.extent_kpc, num_bins)
    width = 3 * _STEP + _SIZE
    top = figure.add_axes((_LEFT, 0.228, width, 0.19))
    bottom = figure.add_axes((_LEFT, 0.13, width, 0.085), sharex=top)
    top.semilogy(radii, profile, color=_BLUE, lw=1.5, label="output")
    if c.truth is not None:
        truth = radial_profile(c.truth, c.extent_kpc, num_bins)[1]
        top.semilogy(radii, truth, color=_INK, lw=1.2, ls="--", label="truth")
        difference = residual_dex(profile, truth)
        bottom.plot(radii, difference, color=_BLUE, lw=1.5)
        limit = dex_limit(difference)
        bottom.set_ylim(-limit, limit)
    bottom.axhline(0.0, color=_INK, lw=0.7, ls=":")
    top.set_ylabel(f"{target.symbol} ({target.unit_tex})")
    top.yaxis.set_major_locator(FixedLocator(log_ticks(*top.get_ylim())))
    top.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    top.yaxis.set_minor_formatter(NullFormatter())
    top.legend(loc="upper right", ncols=2)
    top.tick_params(labelbottom=False, which="both")
    bottom.set_ylabel(r"$\Delta$ (dex)")
    bottom.set_xlabel("projected radius (kpc)")
    bottom.set_xlim(0.0, 0.5 * c.extent_kpc)
    figure.align_ylabels([top, bottom])
