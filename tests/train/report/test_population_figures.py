"""Masses and centers of a population: counts, relation and directions."""

import numpy as np
import pytest

from data.cosmology import stellar_mass
from train.report.figures.population import Masses, abundance_matching, center_drift, integrated
from train.report.style import Look

RNG = np.random.default_rng(0)
HALO = 10 ** RNG.uniform(11, 13, 40)
FLOW = Look("Flow", "#123456")


def test_abundance_matching_shows_truth_model_and_the_relation():
    truth = Masses(HALO, 0.02 * HALO)
    model = Masses(2 * HALO, 0.01 * HALO)
    figure = abundance_matching(truth, {"flow": (FLOW, model)}, 0.5)
    for axes, masses in zip(figure.axes, (truth, model), strict=False):
        relation, median, points = axes.get_lines()
        assert np.array_equal(points.get_xdata(), masses.dark_matter)
        assert np.array_equal(points.get_ydata(), masses.stars)
        x, y = relation.get_data()
        assert y == pytest.approx([stellar_mass(m, 0.5) for m in x])
        assert median.get_ydata() == pytest.approx(0.02 * median.get_xdata(), rel=1e-6)


def test_integrated_counts_every_galaxy_and_says_how_far_it_is_off():
    values = 10**0.3 * HALO
    values[:3] = np.nan
    figure = integrated(HALO, {"flow": (FLOW, values)}, "mass")
    axes = figure.axes[0]
    assert axes.collections[0].get_array().sum() == 37
    assert axes.texts[0].get_text() == "+0.30 ± 0.00 dex"


@pytest.mark.parametrize(("drift", "sector"), [((1, 0), 0), ((0, 1), 3), ((-1, 0), 6)])
def test_a_rose_points_where_centers_went(drift, sector):
    """Sectors are 30 degrees each, counterclockwise from the right."""
    drifts = np.tile(0.02 * np.array(drift, float), (10, 1))
    drifts[0] = np.nan
    axes = center_drift({"flow": (FLOW, drifts)}).axes[0]
    share = np.zeros(12)
    for bars in axes.containers:
        share += [bar.get_height() for bar in bars]
    assert share[sector] == pytest.approx(100.0)
    assert share.sum() == pytest.approx(100.0)


def test_sizes_of_a_rose_are_told_by_color():
    drifts = np.array([[0.001, 0], [0.02, 0], [0.02, 0], [0.5, 0]])
    figure = center_drift({"flow": (FLOW, drifts)})
    heights = [bars[0].get_height() for bars in figure.axes[0].containers]
    assert heights == [25.0, 0.0, 50.0, 25.0]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["below 1", "1 to 2", "2 to 4", "above 4"]
