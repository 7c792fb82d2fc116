"""Scores of ensembles: by hand, and at distributions where they are known."""

import numpy as np
import pytest

from engine.metrics.ensemble import fair_crps, spread_over_error


def test_crps_is_its_formula(rng):
    samples, truth = rng.normal(size=(5, 3, 4)), rng.normal(size=(3, 4))
    pairs = np.abs(samples[:, None] - samples[None]).sum(axis=(0, 1))
    expected = np.abs(samples - truth).mean(axis=0) - pairs / (2 * 5 * 4)
    np.testing.assert_allclose(fair_crps(samples, truth), expected)
    np.testing.assert_allclose(fair_crps(np.moveaxis(samples, 0, 1), truth, axis=1), expected)


def test_crps_of_one_sample_is_the_absolute_error():
    np.testing.assert_allclose(fair_crps(np.array([[1.0, 5.0]]), np.array([3.0, 4.0])), [2.0, 1.0])


@pytest.mark.parametrize("count", [2, 4, 16])
def test_crps_of_the_right_normal_distribution(rng, count):
    """sigma / sqrt(pi), whatever the number of samples; more for a wrong width or place."""
    truth = rng.normal(size=200_000)
    draws = rng.normal(size=(count, 200_000))
    score = fair_crps(draws, truth).mean()
    assert score == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)
    for wrong in (0.4 * draws, 2.0 * draws, draws + 0.5):
        assert fair_crps(wrong, truth).mean() > score + 0.02


@pytest.mark.parametrize(("width", "expected"), [(1.0, 1.0), (0.5, 0.5)])
def test_spread_of_the_right_distribution_is_its_error(rng, width, expected):
    truth, draws = rng.normal(size=200_000), width * rng.normal(size=(64, 200_000))
    assert spread_over_error(draws, truth) == pytest.approx(expected, rel=0.02)
    assert np.isnan(spread_over_error(draws[:1], truth))


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="samples must have shape"):
        fair_crps(np.zeros((3, 4)), np.zeros(5))
