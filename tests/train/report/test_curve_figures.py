"""Curves by scale, calibration, the matrix of directions and the cost carry the numbers given."""

import numpy as np
import pytest

from train.report.figures.calibration import Calibration, rank_histograms, reliability
from train.report.figures.scales import Scales, by_scale
from train.report.figures.summary import Cost, cost_and_quality, direction_matrices
from train.report.style import Look

FLOW, OTHER = Look("Flow", "#123456"), Look("Other", "#654321", "--", "s")


def test_curves_by_scale():
    waves = np.arange(1.0, 9.0)
    curves = {"flow": 1 / waves, "other": np.full(8, np.nan)}
    scales = Scales("gas", "hi", waves, 16, curves, curves, {"flow": waves})
    axes = by_scale([scales], {"flow": FLOW, "other": OTHER}).axes
    assert np.array_equal(axes[0].get_lines()[0].get_ydata(), 1 / waves)
    assert np.array_equal(axes[2].get_lines()[0].get_ydata(), waves)
    assert len(axes[2].get_lines()) == 2  # Flow and the line at 1.
    lengths = axes[0].child_axes[0]
    assert lengths.get_xlabel() == "wavelength (pixels)"


def test_ranks_are_relative_to_a_flat_histogram():
    methods = {"flow": Calibration(FLOW, {"pixels": np.array([10, 30, 20])}, {})}
    axes = rank_histograms(methods).axes[0]
    values, edges, _ = axes.patches[0].get_data()
    assert values == pytest.approx([0.5, 1.5, 1.0])
    assert edges == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_reliability_shows_coverage_and_tarp():
    levels = (0.5, 0.68, 0.95)
    curve = np.linspace(0, 1, 6), np.linspace(0, 1, 6) ** 2
    methods = {
        "flow": Calibration(FLOW, {}, {"pixels": np.array([0.4, 0.5, np.nan])}, curve),
        "other": Calibration(OTHER, {}, {"pixels": np.array([0.5, 0.68, 0.95])}, None),
    }
    pixels, tarp = reliability(methods, levels).axes
    assert pixels.get_lines()[0].get_ydata()[:2] == pytest.approx([0.4, 0.5])
    assert pixels.get_lines()[1].get_ydata() == pytest.approx(levels)
    assert np.array_equal(tarp.get_lines()[0].get_xydata(), np.stack(curve, axis=1))


def test_a_matrix_has_a_number_in_every_cell_that_has_one():
    ratio = np.array([[np.nan, 0.25, 1.5], [0.5, np.nan, np.nan], [1.0, 0.1, np.nan]])
    domains = ("gas", "stars", "hi")
    axes = direction_matrices({"flow": (FLOW, ratio)}, domains, relative=True).axes[0]
    image = axes.images[0]
    assert np.array_equal(image.get_array().filled(np.nan), ratio, equal_nan=True)
    assert image.norm(1.0) == pytest.approx(0.5)  # White where equal to the baseline.
    words = {t.get_position(): t.get_text() for t in axes.texts}
    assert words == {(1, 0): "0.25", (2, 0): "1.50", (0, 1): "0.50", (2, 1): "–",
                     (0, 2): "1.00", (1, 2): "0.10"}  # fmt: skip
    assert [label.get_text() for label in axes.get_xticklabels()] == ["gas", "stars", "HI"]


def test_costs_are_where_they_were_measured():
    points = [Cost(FLOW, 0.4, 0.15, 4_000_000, 16), Cost(FLOW, 0.1, 0.2, 4_000_000, 4),
              Cost(OTHER, 0.01, 0.3, 0, 1), Cost(OTHER, np.nan, 0.3, 0, 1)]  # fmt: skip
    figure = cost_and_quality(points, "a CPU")
    axes = figure.axes[0]
    places = {tuple(c.get_offsets()[0]): c.get_sizes()[0] for c in axes.collections}
    assert set(places) == {(0.4, 0.15), (0.1, 0.2), (0.01, 0.3)}
    assert places[0.4, 0.15] == places[0.1, 0.2] > places[0.01, 0.3]
    assert [t.get_text() for t in axes.texts] == ["4", "16"]
    words = [t.get_text() for t in figure.legends[0].get_texts()]
    assert words == ["Flow", "Other"]
