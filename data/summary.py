"""What a store holds: lines for people, statistics, and a contact sheet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.normalize import to_log
from data.splits import SPLITS
from data.store import MapStore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Enough for two digits of a percentile, little enough for a store of any size.
_STACKS, _PIXELS = 256, 64


@dataclass(frozen=True)
class Statistics:
    """Pixels of one domain.

    Attributes
    ----------
    missing : share of map stacks that lack the domain.
    empty : share of pixels that are zero.
    low, median, high : 1st, 50th and 99th percentile of the pixels, in the domain's unit.
    mean_dex, spread_dex : of log10(value + floor), as the normalizer sees them.
    """

    missing: float
    empty: float
    low: float
    median: float
    high: float
    mean_dex: float
    spread_dex: float


def spread_out(count: int, wanted: int) -> NDArray[np.intp]:
    """Return up to `wanted` of `count` rows, evenly spaced, each once."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int))


def statistics(store: MapStore) -> dict[str, Statistics]:
    """Return the statistics of each domain that a store has maps of, from a sample of it.

    The sample is every pixel of a 64 x 64 subset of up to 256 map stacks, evenly spaced.
    """
    rows, step = spread_out(len(store), _STACKS), max(1, store.grid_size // _PIXELS)
    sample = np.concatenate([store.read([row])[:, :, ::step, ::step] for row in rows])
    have = store.column("available")
    found = {}
    for channel, name in enumerate(store.domains):
        if have[rows, channel].any():
            values = sample[have[rows, channel], channel]
            dex = to_log(values, name)
            low, median, high = (float(v) for v in np.percentile(values, (1, 50, 99)))
            found[name] = Statistics(
                1.0 - float(have[:, channel].mean()), float((values == 0).mean()),
                low, median, high,
                float(dex.mean(dtype=np.float64)), float(dex.std(dtype=np.float64)),
            )  # fmt: skip
    return found


def describe_store(store: MapStore) -> str:
    """Return what a store holds, in lines for people."""
    names, splits = store.column("name"), store.column("split")
    options = ", ".join(f"{k} {v}" for k, v in store.layout.options.items())
    lines = [
        f"map store: {len(store)} stacks of {len(set(names))} galaxies, "
        f"{store.grid_size} x {store.grid_size} pixels" + (f"; {options}" if options else ""),
    ]
    lines += [
        f"{split}: {(splits == split).sum()} stacks of {len(set(names[splits == split]))} galaxies"
        for split in SPLITS
    ]
    if not len(store):
        return "\n".join(lines)
    known = len(set(names[store.column("lineage") != ""]))
    others = "" if known == len(set(names)) else ", others split by name"
    lines.append(f"lineage: known of {known} of {len(set(names))} galaxies{others}")
    kinds = Counter(kind or "unknown" for kind in store.column("kind"))
    lines.append("kinds: " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())))
    for title, column, unit in (
        ("redshift", "redshift", ""), ("side", "extent_kpc", " kpc"), ("gas", "gas_mass", " Msun"),
        ("dark matter", "dark_matter_mass", " Msun"), ("stars", "stellar_mass", " Msun"),
    ):  # fmt: skip
        values = store.column(column)
        if np.isfinite(values).any():
            lines.append(f"{title}: {np.nanmin(values):.3g} to {np.nanmax(values):.3g}{unit}")
    size = store.num_bytes()
    maps = max(1, int(store.column("available").sum()))
    lines.append(f"size: {size / 1e6:.1f} MB, {size / maps:.0f} bytes a map")
    return "\n".join([*lines, "", *_table(statistics(store))])


def _table(found: dict[str, Statistics]) -> list[str]:
    columns = ("missing", "empty", "1 %", "median", "99 %", "mean/dex", "spread/dex", "unit")
    lines = [f"{'domain':23}" + "".join(f"{c:>11}" for c in columns)]
    for name, s in found.items():
        cells = [
            f"{s.missing:.1%}", f"{s.empty:.1%}", *(f"{v:.3g}" for v in (s.low, s.median, s.high)),
            f"{s.mean_dex:.2f}", f"{s.spread_dex:.2f}", get_domain(name).unit,
        ]  # fmt: skip
        lines.append(f"{name:23}" + "".join(f"{c:>11}" for c in cells))
    return lines


def contact_sheet(store: MapStore, count: int = 6) -> Figure:
    """Return a figure of `count` galaxies spread over a store, one a line, one domain a column.

    Colors are logarithmic, with the limits and the color map of `data.domains`.
    """
    from matplotlib.figure import Figure

    first = np.unique(store.column("name"), return_index=True)[1]
    rows = first[spread_out(len(first), count)]
    figure = Figure((1.75 * len(store.domains), 1.55 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots(len(rows), len(store.domains), squeeze=False)
    maps = store.read(rows)
    for line, row in enumerate(rows):
        for channel, name in enumerate(store.domains):
            _panel(axes[line, channel], maps[line, channel], name)
        entry = store.index[row]
        where = f"z = {entry['redshift']:.2g}, {entry['extent_kpc']:.0f} kpc"
        axes[line, 0].set_ylabel(f"{entry['name'].decode()}\n{where}", fontsize=6)
    for channel, name in enumerate(store.domains):
        domain = get_domain(name)
        bar = figure.colorbar(axes[0, channel].images[0], ax=axes[:, channel], location="top",
                              aspect=12, pad=0.01)  # fmt: skip
        bar.set_label(f"{domain.label}\n{domain.symbol} [{domain.unit_tex}]", fontsize=7)
        bar.ax.tick_params(labelsize=6)
    return figure


def _panel(axes: Any, values: NDArray[Any], name: str) -> None:
    """Draw one map, row 0 at the bottom; what is missing or empty has the lowest color."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    domain = get_domain(name)
    low, high = domain.display_range
    shown = np.clip(np.nan_to_num(values), low, high)
    axes.imshow(shown, norm=LogNorm(low, high), cmap=colormaps[domain.colormap], origin="lower")
    axes.set_xticks([])
    axes.set_yticks([])
