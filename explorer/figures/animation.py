"""The steps of a translation as moving pictures, drawn in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from engine.metrics.profile import radial_profile, residual_dex
from explorer.figures.film import Film, state_panel
from explorer.figures.layout import Plan, SmallPrint
from explorer.figures.panels import draw_color_bar, draw_map, draw_scale_bar, label_axes
from explorer.figures.profiles import NUM_BINS, draw_profiles
from explorer.figures.sheet import Sheet, publication_style
from explorer.sizes import SIZES

_SIZE = SIZES["slide"]


def animate(film: Film, dpi: int) -> Iterator[NDArray[np.uint8]]:
    """Yield a picture of each step: input, state, estimate and truth above the profiles.

    What rests is drawn once; each picture is a copy of that with what moves drawn on top.

    Parameters
    ----------
    film : what the steps were.
    dpi : of a picture, which is 40/3 by 7.5 inches: 96 makes 1280 by 720 pixels.

    Yields
    ------
    (height, width, 3), row 0 on top.
    """
    with publication_style(_SIZE.font):
        stage = _Stage(film, dpi)
    for index in range(len(film)):
        with publication_style(_SIZE.font):
            picture = stage.picture(index)
        yield picture


class _Stage:
    """A sheet and what moves on it."""

    def __init__(self, film: Film, dpi: int):
        self._film = film
        self._states, self._divided = film.scaled_states()
        self._measure()
        small_print = SmallPrint.of(film.comparison.caption, _SIZE)
        plan = Plan.of(_SIZE, small_print)
        self._sheet = Sheet(_SIZE.width, plan.height, _SIZE.font)
        self._sheet.set_dpi(dpi)
        self._draw_maps(plan)
        upper, lower = draw_profiles(self._sheet, plan, film.comparison)
        self._curves = (upper.lines[0], lower.lines[0])
        small_print.write(self._sheet)
        for artist in self._moving():
            artist.set_animated(True)
        self._canvas = FigureCanvasAgg(self._sheet)
        self._canvas.draw()
        self._resting = self._canvas.copy_from_bbox(self._sheet.bbox)

    def _measure(self) -> None:
        """Take the profiles of all estimates, and what lies between them and the truth's."""
        c = self._film.comparison
        self._profiles = radial_profile(self._film.estimates, c.extent_kpc, NUM_BINS)[1]
        truth = np.full(NUM_BINS, np.nan)
        if c.truth is not None:
            truth = radial_profile(c.truth, c.extent_kpc, NUM_BINS)[1]
        self._residuals = residual_dex(self._profiles, truth)

    def _draw_maps(self, plan: Plan) -> None:
        comparison, grid = self._film.comparison, plan.grid
        source, output, truth = comparison.panels()
        state = state_panel(self._states[0], self._divided, "State")
        drawn = []
        for index, panel in enumerate((source, state, output, truth)):
            left, top = grid.corner(index)
            axes = self._sheet.place(left, top, grid.side, grid.side)
            drawn.append((draw_map(axes, panel, comparison.extent_kpc), axes.texts[0]))
            label_axes(axes, x=True, y=index == 0)
            if index == 0:
                draw_scale_bar(axes, comparison.extent_kpc)
            if index < 3:
                width = grid.side if index < 2 else 2 * grid.side + grid.gap
                draw_color_bar(self._sheet, (left, top), width, panel)
        self._images = [image for image, _ in drawn[1:3]]
        self._titles = [title for _, title in drawn[1:3]]

    def _moving(self) -> list[Artist]:
        """Return what moves, from back to front."""
        return [*self._images, *self._titles, *self._curves]

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Return the picture of a step counted from 0."""
        film = self._film
        sigma = f", σ = {film.sigmas[index]:.2g}" if np.any(film.sigmas) else ""
        self._titles[0].set_text(f"State\nt = {film.times[index]:.2f}{sigma}")
        self._titles[1].set_text(f"Estimate\nstep {index + 1} of {len(film)}")
        self._images[0].set_data(self._states[index])
        self._images[1].set_data(film.estimates[index])
        self._curves[0].set_ydata(self._profiles[index])
        self._curves[1].set_ydata(self._residuals[index])
        self._canvas.restore_region(self._resting)
        for artist in self._moving():
            artist.draw(self._canvas.get_renderer())
        return np.array(self._canvas.buffer_rgba())[..., :3]
