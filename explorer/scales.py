"""How numbers become colors and words: limits, palettes, powers of ten."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from data.domains import get_domain

MAX_DECADES = 5.0
MIN_DECADES = 1.0
DIVERGING = "bkr"  # blue, black, red: agreement recedes into a dark page (colorcet)

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def power_of_ten(value: float, digits: int = 1) -> str:
    """Write `value` as people do: 0.32, 45, 3.2×10⁷; a true minus sign; '–' where not finite."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = int(np.floor(np.log10(abs(value))))
    if -2 <= exponent < 4:
        places = max(0, -exponent, digits + 1 - max(exponent, 0))
        return f"{value:.{places}f}".replace("-", "\u2212")
    mantissa = f"{value / 10.0**exponent:.{digits}f}".replace("-", "\u2212")
    return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"


def log_limits(maps: Sequence[NDArray[Any] | None], domain: str) -> tuple[float, float]:
    """Return limits of a logarithmic color scale shared by `maps`, in the domain's unit.

    The 1st and 99.8th percentiles of the positive pixels, at least one and at most five decades
    apart; the domain's default range where nothing is positive.
    """
    values = [np.asarray(m, np.float64).ravel() for m in maps if m is not None]
    joined = np.concatenate(values) if values else np.empty(0)
    joined = joined[np.isfinite(joined) & (joined > 0)]
    if not len(joined):
        return get_domain(domain).display_range
    low, high = np.percentile(np.log10(joined), [1.0, 99.8])
    floor = np.log10(get_domain(domain).floor)
    low = max(low, high - MAX_DECADES, min(floor, high - MIN_DECADES))
    if high - low < MIN_DECADES:
        middle = 0.5 * (low + high)
        low, high = middle - 0.5 * MIN_DECADES, middle + 0.5 * MIN_DECADES
    return float(10.0**low), float(10.0**high)


def linear_limits(maps: Sequence[NDArray[Any] | None], domain: str) -> tuple[float, float]:
    """Return limits of a linear color scale from zero, as high as those of `log_limits`."""
    return 0.0, log_limits(maps, domain)[1]


def tick_label(value: float) -> str:
    """Write a tick of a logarithmic scale: 10⁶, 3×10⁶, 30, 0.3."""
    exponent = np.log10(value)
    if np.isclose(exponent, np.rint(exponent)):
        n = int(np.rint(exponent))
        return {0: "1", 1: "10"}.get(n, "10" + str(n).translate(_SUPERSCRIPT))
    return power_of_ten(value, 0)


def log_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Return at most about `most` round ticks between the limits of a logarithmic scale."""
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        ticks = [m * 10.0**e for e in exponents for m in mantissas]
        ticks = [t for t in ticks if low * 0.999 <= t <= high * 1.001]
        if len(ticks) <= most:
            break
    return ticks[:: 1 + len(ticks) // (most + 1)]


def bar_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Return `log_ticks` less long labels at the very end, which would reach the next map."""
    ticks = log_ticks(low, high, most)
    edge = low * (high / low) ** 0.92
    return [t for t in ticks if t < edge or np.isclose(np.log10(t) % 1.0, 0.0)]


def linear_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Return at most about `most` round ticks between the limits of a linear scale."""
    ticks = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
    slack = 1e-6 * (high - low)
    return [float(t) for t in ticks if low - slack <= t <= low + 0.94 * (high - low)]


def dex_limit(residual: NDArray[Any] | None) -> float:
    """Return the half-width in dex of a symmetric residual scale: 0.5, 1, 1.5 or 2."""
    if residual is None or not np.isfinite(residual).any():
        return 1.0
    spread = float(np.nanpercentile(np.abs(residual), 98.0))
    return float(np.clip(np.ceil(2.0 * spread) / 2.0, 0.5, 2.0))


def palette(name: str, colors: int = 256) -> list[str]:
    """Return hex colors of a colormap known to matplotlib, or of `DIVERGING`."""
    return list(_palette(name, colors))


def palette_words(name: str) -> str:
    """Return `palette` in one text, for components of the page, not a list.

    All that a component is told is looked through for other models, value by value.
    """
    return " ".join(palette(name))


@lru_cache(maxsize=32)
def _palette(name: str, colors: int) -> tuple[str, ...]:
    if name == DIVERGING:
        import colorcet  # comes with HoloViews; its maps also register with matplotlib

        return tuple(str(color) for color in colorcet.palette["bkr"])
    colormap = matplotlib.colormaps[name]
    return tuple(to_hex(colormap(x)) for x in np.linspace(0.0, 1.0, colors))


def mapped(
    values: NDArray[Any], limits: NDArray[Any], colormap: str, no_data: str
) -> NDArray[np.uint8]:
    """Return the colors (H, W, 3) that Bokeh's linear color mapper gives values (H, W).

    Parameters
    ----------
    limits : (2,) of the color scale, in the values' unit; what is beyond has the color of its end.
    colormap : as for `palette`.
    no_data : hex color of NaN.
    """
    table = np.array([to_rgb(color) for color in palette(colormap)])
    share = (values - limits[0]) / (limits[1] - limits[0])
    known = ~np.isnan(share)
    index = np.clip(np.where(known, share, 0.0) * len(table), 0, len(table) - 1).astype(int)
    shown = np.where(known[..., None], table[index], to_rgb(no_data))
    return np.rint(255 * shown).astype(np.uint8)


def scale_bar_kpc(extent_kpc: float) -> float:
    """Return a round length (1, 2 or 5 times a power of ten) of about a quarter of the map."""
    target = 0.3 * extent_kpc
    power = 10.0 ** np.floor(np.log10(target))
    return float(max(m * power for m in (1.0, 2.0, 5.0) if m * power <= target))


# The same wording in the browser, for ticks and hover.
POWER_OF_TEN_JS = (Path(__file__).parent / "numbers.js").read_text(encoding="utf-8")

TICK_JS = (
    POWER_OF_TEN_JS
    + """
const e = Math.log10(tick);
if (Math.abs(e - Math.round(e)) < 1e-6) {
  const n = Math.round(e);
  return n == 0 ? '1' : n == 1 ? '10' : '10' + sup(n);
}
return powerOfTen(tick, 0);
"""
)
