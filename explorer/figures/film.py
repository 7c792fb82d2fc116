"""The steps of a translation side by side: the sampler's state above, the estimate beneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from engine.metrics.profile import radial_profile
from explorer.figures.layout import FOOT, HEAD, LEFT, RIGHT, SmallPrint
from explorer.figures.maps import Comparison
from explorer.figures.panels import Panel, draw_color_bar, draw_map, quantity, set_log_ticks
from explorer.figures.profiles import NUM_BINS
from explorer.figures.sheet import INK, Sheet, publication_style
from explorer.frames import film_steps, noise_scales
from explorer.sizes import Size, size_of

NUM_PICTURES = 8
# In units of the text's size. Below a width of _NARROW, eight pictures do not fit in a row.
_NARROW, _LEFT, _GAP, _TITLE, _BLOCK_GAP = 36.0, 1.7, 0.35, 1.6, 0.6
_LEAST_CURVES = 9.0  # height of a profile


@dataclass(frozen=True)
class Film:
    """The steps of a translation.

    Attributes
    ----------
    comparison : input, output, truth and words.
    times, sigmas : (n,) time after each step, and standard deviation of the noise in the state.
    states : (n, H, W) x_t after each step, in the network's normalized units; row = y upwards.
    estimates : (n, H, W) in the target's unit.
    """

    comparison: Comparison
    times: NDArray[Any]
    sigmas: NDArray[Any]
    states: NDArray[Any]
    estimates: NDArray[Any]

    def __post_init__(self) -> None:
        shape = (len(self.times), *np.shape(self.comparison.output))
        for name in ("states", "estimates"):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(
                    f"{name} must have shape {shape}, one map a step, "
                    f"got {np.shape(getattr(self, name))}"
                )

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.times)

    def scaled_states(self) -> tuple[NDArray[Any], bool]:
        """Return the states on one scale of -3 to 3, and whether they had to be divided for it.

        The state of a process whose noise grows is many times wider at its start: it is then
        divided by its root mean square, a whole number of 1 at least.
        """
        widths = np.array([scale.high / 3.0 for scale in noise_scales(self.states)], np.float32)
        return self.states / widths[:, None, None], bool((widths != 1.0).any())


def state_panel(values: NDArray[Any], divided: bool, title: str = "") -> Panel:
    """Return the panel of a state from `Film.scaled_states`."""
    label = r"$x_t\,/\,\mathrm{rms}$" if divided else r"$x_t$ (normalized)"
    return Panel(title, values, (-3.0, 3.0), mpl.colormaps["gray"], label, logarithmic=False)


def film_figure(film: Film, *, size: str = "two-columns") -> Sheet:
    """Draw eight steps, at times as even as they come: states above, estimates beneath.

    Where it is wide enough, input and truth stand at the end of the rows; where it is high enough,
    as a slide is, the profiles of the estimates beneath.

    Parameters
    ----------
    film : what the steps were.
    size : name in `explorer.sizes.SIZES` or a width such as "120mm"; where that is narrow, the film
        has two rows.

    Returns
    -------
    A figure that is not attached to pyplot.
    """
    chosen = size_of(size)
    f = chosen.font
    strip = Strip.of(film, chosen)
    small_print = SmallPrint.of(film.comparison.caption, chosen, _LEFT)
    height = chosen.height or strip.bottom + 0.6 * f + small_print.height
    with publication_style(f):
        sheet = Sheet(chosen.width, height, f)
        _draw_strip(sheet, strip, film)
        curves = sheet.height - strip.bottom - small_print.height - (FOOT + 1.6) * f
        if curves >= _LEAST_CURVES * f:
            _draw_curves(sheet, strip, film, curves)
        small_print.write(sheet)
    return sheet


@dataclass(frozen=True)
class Strip:
    """Places of the pictures of a film; lengths in points from the upper left corner.

    Attributes
    ----------
    steps : from 1, those that are shown.
    columns : pictures in a row.
    side, font : of a picture, and of the text.
    has_ends : whether there is room for input and truth.
    """

    steps: tuple[int, ...]
    columns: int
    side: float
    font: float
    has_ends: bool

    @classmethod
    def of(cls, film: Film, size: Size) -> Strip:
        """Return the places of a film's pictures on a sheet of a size."""
        steps, f = tuple(film_steps(film.times, NUM_PICTURES)), size.font
        wide = size.width >= _NARROW * f
        columns = len(steps) if wide else -(-len(steps) // 2)
        gaps = (columns - 1 + 3 * wide) * _GAP
        side = (size.width - (_LEFT + RIGHT + gaps) * f) / (columns + wide)
        return cls(steps, columns, min(side, 0.25 * size.width), f, wide)

    @property
    def top(self) -> float:
        """Lower edge of the color bars."""
        return (HEAD + 0.5) * self.font

    @property
    def width(self) -> float:
        """Width of a row."""
        return self.columns * self.side + (self.columns - 1) * _GAP * self.font

    @property
    def _block(self) -> float:
        return 2 * self.side + (_TITLE + _GAP + _BLOCK_GAP) * self.font

    @property
    def bottom(self) -> float:
        """Lower edge of the last row."""
        blocks = -(-len(self.steps) // self.columns)
        return self.top + blocks * self._block - _BLOCK_GAP * self.font

    def corners(self, index: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return left and upper edge of a step's state, and of its estimate."""
        block, column = divmod(index, self.columns)
        left = _LEFT * self.font + column * (self.side + _GAP * self.font)
        top = self.top + block * self._block + _TITLE * self.font
        return (left, top), (left, top + self.side + _GAP * self.font)

    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return left and upper edge of the input, and of the truth."""
        left = _LEFT * self.font + self.width + 3 * _GAP * self.font
        (_, upper), (_, lower) = self.corners(0)
        return (left, upper), (left, lower)


def _draw_strip(sheet: Sheet, strip: Strip, film: Film) -> None:
    f = sheet.font
    states, divided = film.scaled_states()
    source, output, truth = film.comparison.panels()
    for index, step in enumerate(strip.steps):
        upper, lower = strip.corners(index)
        _draw_picture(sheet, strip, upper, state_panel(states[step - 1], divided))
        _draw_picture(sheet, strip, lower, output.with_values("", film.estimates[step - 1]))
        time = f"$t$ = {film.times[step - 1]:.2f}"
        sheet.write(upper[0] + 0.5 * strip.side, upper[1] - 0.4 * f, time, ha="center", va="bottom")
        if index % strip.columns == 0:
            for corner, words in ((upper, "state $x_t$"), (lower, "estimate")):
                middle = corner[1] + 0.5 * strip.side
                sheet.write(0.4 * f, middle, words, rotation=90, va="center")
    if strip.has_ends:
        ends = (
            source.with_values("Input", source.values),
            truth.with_values("Truth", truth.values),
        )
        for corner, panel in zip(strip.ends(), ends, strict=True):
            _draw_picture(sheet, strip, corner, panel)
    half = 0.5 * strip.width - f
    draw_color_bar(sheet, (_LEFT * f, strip.top), half, state_panel(states[0], divided))
    draw_color_bar(sheet, (_LEFT * f + strip.width - half, strip.top), half, output)


def _draw_picture(sheet: Sheet, strip: Strip, corner: tuple[float, float], panel: Panel) -> None:
    axes = sheet.place(*corner, strip.side, strip.side)
    draw_map(axes, panel, 1.0)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_curves(sheet: Sheet, strip: Strip, film: Film, height: float) -> None:
    """Draw the profiles of the estimates, the darker the later, and that of the truth."""
    f, c = sheet.font, film.comparison
    left = LEFT * f
    top = strip.bottom + 1.6 * f
    axes = sheet.place(left, top, sheet.width - left - RIGHT * f, height)
    shown = np.array(strip.steps) - 1
    radii, profiles = radial_profile(film.estimates[shown], c.extent_kpc, NUM_BINS)
    shades = mpl.colormaps["Blues"](np.linspace(0.3, 1.0, len(shown)))
    for index, profile, shade in zip(shown, profiles, shades, strict=True):
        words = f"$t$ = {film.times[index]:.2f}"
        axes.semilogy(radii, profile, color=shade, lw=0.17 * f, label=words)
    if c.truth is not None:
        truth = radial_profile(c.truth, c.extent_kpc, NUM_BINS)[1]
        axes.semilogy(radii, truth, color=INK, lw=0.13 * f, ls="--", label="truth")
    axes.legend(loc="upper right", ncols=3)
    axes.set_xlim(0.0, 0.5 * c.extent_kpc)
    axes.set_xlabel("projected radius (kpc)")
    axes.set_ylabel(quantity(get_domain(c.target)))
    set_log_ticks(axes.yaxis, axes.get_ylim())
