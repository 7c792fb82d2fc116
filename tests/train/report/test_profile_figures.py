"""Lines, medians and residuals are those of the profiles."""

import numpy as np
import pytest

from train.report.figures.profiles import Profiles, profile_lines, profile_residuals
from train.report.style import Look

RADII = np.linspace(0.1, 0.9, 5)
RNG = np.random.default_rng(0)
TRUTH = 10 ** RNG.normal(6, 0.3, (20, 5))


def _profiles(**model):
    return Profiles("gas", "stars", RADII, TRUTH, model)


def test_a_line_a_galaxy_and_their_median():
    model = 2 * TRUTH
    model[3] = np.nan
    figure = profile_lines([_profiles(flow=model)], Look("Flow", "#123456"), "flow", "r")
    top, bottom = figure.axes
    lines = top.get_lines()
    assert len(lines) == 21
    assert np.array_equal([line.get_ydata() for line in lines[:20]], TRUTH)
    assert lines[20].get_ydata() == pytest.approx(np.median(TRUTH, axis=0))
    median, dashed = bottom.get_lines()[20:]
    assert median.get_ydata() == pytest.approx(2 * np.median(np.delete(TRUTH, 3, axis=0), axis=0))
    assert dashed.get_ydata() == pytest.approx(np.median(TRUTH, axis=0))
    assert top.get_ylim() == bottom.get_ylim()


def test_residuals_of_known_factors():
    """Half of the galaxies are twice too bright, half as the truth: bias and scatter follow."""
    mixed = TRUTH * np.where(np.arange(20) < 10, 2.0, 1.0)[:, None]
    looks = {"double": Look("Double", "b"), "mixed": Look("Mixed", "r"), "absent": Look("-", "k")}
    figure = profile_residuals([_profiles(double=2 * TRUTH, mixed=mixed)], looks, "r")
    bias, scatter, square = (axes.get_lines() for axes in figure.axes[:3])
    # The floor of stars, 1e3, takes a thousandth.
    assert bias[0].get_ydata() == pytest.approx(np.log10(2), abs=1e-3)
    assert bias[1].get_ydata() == pytest.approx(0.5 * np.log10(2), abs=1e-3)
    assert scatter[0].get_ydata() == pytest.approx(0, abs=1e-3)
    assert scatter[1].get_ydata() == pytest.approx(0.5 * np.log10(2), abs=1e-3)
    assert square[0].get_ydata() == pytest.approx(1.0)


def test_next_to_nothing_over_nothing_is_no_error():
    """The floor of stars is 1e3: below it there is neither a residual nor a squared one."""
    faint = Profiles("gas", "stars", RADII, np.full((20, 5), 1.0), {"flow": np.full((20, 5), 9.0)})
    figure = profile_residuals([faint], {"flow": Look("Flow", "b")}, "r")
    for axes in figure.axes[:3]:
        assert np.isnan(axes.get_lines()[0].get_ydata()).all()


def test_profiles_of_nothing_are_drawn_as_nothing():
    empty = np.full_like(TRUTH, np.nan)
    figure = profile_residuals([_profiles(flow=empty)], {"flow": Look("Flow", "b")}, "r")
    assert np.isnan(figure.axes[0].get_lines()[0].get_ydata()).all()
    figure.draw_without_rendering()
