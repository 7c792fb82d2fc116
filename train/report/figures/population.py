"""All hold-out galaxies as a population: their masses, and where models put their centers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from data.cosmology import stellar_mass
from engine.metrics.profile import residual_dex
from train.report.style import INK, MUTED, Look, bands, panels, styled

_COLUMNS = 6
_SECTORS = 12
_MANY = 100  # galaxies from which on points are small
_BINS, _LEAST_IN_BIN = 8, 5  # of the running median


@dataclass(frozen=True)
class Masses:
    """Masses of n galaxies.

    Attributes
    ----------
    dark_matter, stars : (n,) Msun, NaN where not known.
    """

    dark_matter: NDArray[Any]
    stars: NDArray[Any]


@styled
def abundance_matching(
    truth: Masses, models: Mapping[str, tuple[Look, Masses]], redshift: float
) -> Figure:
    """Draw the stellar against the dark matter mass within maps, of the truth and of models.

    Parameters
    ----------
    truth : of the hold-out maps.
    models : {method: (look, masses)}; all in the field of view, as the truth's.
    redshift : at which the relation is drawn.

    Returns
    -------
    A panel for the truth and one a model, with the truth's running median in all. The dotted line
    is the relation of whole halos, M200 and all stars, of Moster, Naab & White (2013, eq. 2); maps
    end within the halo, so that it lies to their right.
    """
    figure, axes = panels(len(models) + 1, _COLUMNS, 1.0, margin=0.55, sharex=True, sharey=True)
    everyone = [truth, *(masses for _, masses in models.values())]
    x_limits, y_limits = (
        _log_limits([getattr(m, name) for m in everyone]) for name in ("dark_matter", "stars")
    )
    halo = np.geomspace(x_limits[0], x_limits[1] * 3, 80)
    relation = [stellar_mass(mass, redshift) for mass in halo]
    middle = _running_median(truth)
    size = 3.5 if len(truth.stars) < _MANY else 2.2
    points = {"truth": (Look("truth", INK), truth), **models}
    for place, (look, masses) in zip(axes, points.values(), strict=True):
        place.loglog(halo, relation, color=MUTED, ls=":", lw=1.0)
        place.plot(*middle, color=INK, lw=1.2, ls="-" if masses is truth else "--")
        place.plot(
            masses.dark_matter, masses.stars, ls="", marker="o", ms=size, mew=0, alpha=0.65,
            color=look.color,
        )  # fmt: skip
        place.set(xlim=x_limits, ylim=y_limits)
        place.set_title(look.label, pad=3)
        _decades(place)
    figure.supxlabel(r"dark matter within the map ($M_\odot$)", fontsize=8)
    figure.supylabel(r"stars within the map ($M_\odot$)", fontsize=8)
    lines = [
        Line2D([], [], color=INK, lw=1.2, ls="--"), Line2D([], [], color=MUTED, ls=":", lw=1.0)
    ]  # fmt: skip
    words = ["median of the truth", f"whole halos, Moster et al. (2013), z = {redshift:.2g}"]
    figure.legend(lines, words, loc="outside upper center", ncols=2)
    return figure


def _running_median(masses: Masses) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return medians of dark matter and stars in bins of equal numbers of galaxies."""
    good = (masses.dark_matter > 0) & (masses.stars > 0)
    x, y = np.log10(masses.dark_matter[good]), np.log10(masses.stars[good])
    order = np.argsort(x)
    parts = np.array_split(order, max(1, min(_BINS, len(order) // _LEAST_IN_BIN)))
    parts = [part for part in parts if len(part)]
    return (
        10.0 ** np.array([np.median(x[part]) for part in parts]),
        10.0 ** np.array([np.median(y[part]) for part in parts]),
    )


def _log_limits(values: list[NDArray[Any]]) -> tuple[float, float]:
    joined = np.concatenate([np.ravel(v) for v in values])
    joined = joined[np.isfinite(joined) & (joined > 0)]
    if not joined.size:
        return 0.1, 10.0
    low, high = np.percentile(np.log10(joined), (0.5, 99.5))
    margin = 0.08 * (high - low) + 0.1
    return float(10.0 ** (low - margin)), float(10.0 ** (high + margin))


def _decades(axes: Axes) -> None:
    """Put a label at each decade, or at every second or third where there are many."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_minor_formatter(NullFormatter())


@styled
def integrated(
    truth: NDArray[Any], models: Mapping[str, tuple[Look, NDArray[Any]]], label: str
) -> Figure:
    """Draw what models say a map holds in all against the truth, families side by side.

    Parameters
    ----------
    truth : (n,) above zero.
    models : {method: (look, (n,))}, in one unit with the truth.
    label : of that quantity, with its unit.

    Returns
    -------
    A panel a model: hexagons colored by the number of galaxies, the 1:1 line, and the median and
    half of the 16-84 % range of log10(model / truth) in dex.
    """
    figure, axes = panels(len(models), _COLUMNS, 1.0, margin=0.5, sharex=True, sharey=True)
    limits = _log_limits([truth, *(values for _, values in models.values())])
    drawn = []
    for place, (look, values) in zip(axes, models.values(), strict=True):
        good = np.isfinite(truth) & np.isfinite(values) & (truth > 0) & (values > 0)
        drawn.append(place.hexbin(
            truth[good], values[good], gridsize=26, xscale="log", yscale="log", mincnt=1,
            extent=(*np.log10(limits), *np.log10(limits)), cmap="viridis_r", linewidths=0.1,
        ))  # fmt: skip
        place.plot(limits, limits, color=INK, lw=0.8, ls="--")
        low, median, high = (float(b[0]) for b in bands(residual_dex(values, truth)[:, None]))
        words = f"{median:+.2f} ± {0.5 * (high - low):.2f} dex".replace("-", "\u2212")
        place.text(0.05, 0.95, words, transform=place.transAxes, va="top", fontsize=7)
        place.set(xlim=limits, ylim=limits, box_aspect=1)
        place.set_title(look.label, pad=3)
        _decades(place)
    counts = np.concatenate([np.asarray(hexagons.get_array(), float) for hexagons in drawn])
    most = float(counts.max(initial=1.0))
    for hexagons in drawn:
        hexagons.set_clim(0.0, most)
    figure.supxlabel(f"truth: {label}", fontsize=8)
    figure.supylabel("model", fontsize=8)
    bar = figure.colorbar(drawn[-1], ax=axes, shrink=0.8, aspect=30, pad=0.01)
    bar.set_label("galaxies")
    bar.locator = MaxNLocator(4, integer=True)
    bar.outline.set_linewidth(0.4)
    return figure


@styled
def center_drift(models: Mapping[str, tuple[Look, NDArray[Any]]]) -> Figure:
    """Draw where models move centers of mass, as a rose: how many galaxies, whither, how far.

    Parameters
    ----------
    models : {method: (look, (n, 2))}, x and y of the drift, model less truth, as a share of half
        the map's side.

    Returns
    -------
    A polar histogram a model: angles are directions in the map (right, up, left, down), the length
    of a sector is the share of galaxies, its colors how far their centers moved.
    """
    figure, axes = panels(
        len(models), _COLUMNS, 1.12, margin=0.55, sharey=True,
        subplot_kw={"projection": "polar"},
    )  # fmt: skip
    sizes = [np.hypot(*drift.T) for _, drift in models.values()]
    edges = _round_edges(np.concatenate(sizes))
    colors = mpl.colormaps["viridis"](np.linspace(0.15, 0.95, len(edges) - 1))
    width = 2 * np.pi / _SECTORS
    middles = np.arange(_SECTORS) * width
    for place, (look, drift), size in zip(axes, models.values(), sizes, strict=True):
        good = np.isfinite(size)
        angle = np.arctan2(drift[good, 1], drift[good, 0])
        sector = np.rint(angle / width).astype(int) % _SECTORS
        below = np.zeros(_SECTORS)
        for low, high, color in zip(edges[:-1], edges[1:], colors, strict=True):
            inside = (size[good] >= low) & (size[good] < high)
            share = 100.0 * np.bincount(sector[inside], minlength=_SECTORS) / max(good.sum(), 1)
            place.bar(middles, share, width * 0.94, bottom=below, color=color, lw=0)
            below += share
        place.set_title(look.label, pad=4)
        _dress_rose(place, 100.0 / _SECTORS)
    words = [_interval(low, high) for low, high in pairwise(edges)]
    patches = [Patch(color=color, label=label) for color, label in zip(colors, words, strict=True)]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=len(patches),
        title="drift, % of half the map's side", title_fontsize=7.5,
    )  # fmt: skip
    return figure


def _dress_rose(axes: Axes, even: float) -> None:
    """Label directions and shares; a dashed circle where all directions are alike."""
    turn = np.linspace(0, 2 * np.pi, 181)
    axes.plot(turn, np.full(181, even), color=MUTED, lw=0.7, ls="--")
    axes.set_xticks(np.arange(4) * np.pi / 2, ["+x", "+y", "\u2212x", "\u2212y"])
    axes.tick_params(axis="x", pad=-1, labelsize=6.5, labelcolor=MUTED)
    axes.tick_params(axis="y", labelsize=6)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g} %" if share else ""))
    assert isinstance(axes, PolarAxes)
    axes.set_rlabel_position(40)
    axes.grid(lw=0.4, color="#cccccc")
    axes.spines["polar"].set_linewidth(0.5)


def _round_edges(sizes: NDArray[Any]) -> NDArray[Any]:
    """Return edges 0, s/2, s, 2 s, infinity about a round size near the median."""
    good = sizes[np.isfinite(sizes) & (sizes > 0)]
    middle = float(np.median(good)) if good.size else 0.01
    power = 10.0 ** np.floor(np.log10(middle))
    nearest = min((m * power for m in (1, 2, 4, 10)), key=lambda m: abs(np.log(m / middle)))
    return np.array([0.0, 0.5 * nearest, nearest, 2.0 * nearest, np.inf])


def _interval(low: float, high: float) -> str:
    if low == 0:
        return f"below {100 * high:.2g}"
    return f"above {100 * low:.2g}" if np.isinf(high) else f"{100 * low:.2g} to {100 * high:.2g}"
