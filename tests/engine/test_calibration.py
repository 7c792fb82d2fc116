"""Calibration of Gaussian samples that are as wide as the truth, or not."""

import numpy as np
import pytest

from engine.metrics.calibration import (
    central_coverage,
    rank_histogram,
    spread_skill_by_scale,
    tarp,
)

LEVELS = np.array([0.5, 0.68, 0.95])


def ensemble(rng, *, count, size, width=1.0, bias=0.0):
    return bias + width * rng.normal(size=(count, size)), rng.normal(size=size)


def test_ranks_by_hand(rng):
    samples = np.array([[1.0, 5.0, 3.0, 0.0], [2.0, 6.0, 1.0, np.nan]])
    counts = rank_histogram(samples, np.array([0.0, 7.0, 2.0, 1.0]), rng)
    np.testing.assert_array_equal(counts, [1, 1, 1])
    swapped = rank_histogram(samples.T, np.array([0.0, 7.0, 2.0, 1.0]), rng, axis=1)
    np.testing.assert_array_equal(swapped, counts)


def test_ranks_are_flat_for_the_right_distribution_only(rng):
    """chi^2 of 9 bins: below 26 in 999 of 1000."""

    def chi_squared(**options):
        counts = rank_histogram(*ensemble(rng, count=8, size=9000, **options), rng)
        assert counts.sum() == 9000
        return (np.square(counts - 1000) / 1000).sum(), counts

    assert chi_squared()[0] < 26
    sure, ranks = chi_squared(width=0.5)
    assert sure > 1000
    assert min(ranks[0], ranks[-1]) > 1500 > 700 > ranks[4]
    unsure, ranks = chi_squared(width=2.0)
    assert unsure > 1000
    assert ranks[4] > 1300 > 500 > max(ranks[0], ranks[-1])
    biased, ranks = chi_squared(bias=0.5)
    assert biased > 500
    assert ranks[0] > 2 * ranks[-1]


def test_equal_values_fall_to_all_ranks_alike(rng):
    counts = rank_histogram(np.zeros((4, 5000)), np.zeros(5000), rng)
    np.testing.assert_allclose(counts, 1000, atol=120)


@pytest.mark.parametrize("count", [39, 64])
def test_coverage_of_the_right_distribution_is_nominal(rng, count):
    """To four standard errors of 20,000 truths, and far less for half the width."""
    ranks = rank_histogram(*ensemble(rng, count=count, size=20_000), rng)
    error = np.sqrt(LEVELS * (1 - LEVELS) / 20_000)
    np.testing.assert_array_less(np.abs(central_coverage(ranks) - LEVELS), 4 * error)
    sure = rank_histogram(*ensemble(rng, count=count, size=20_000, width=0.5), rng)
    # P(|z| < 0.5 z_p) of a normal truth, as far as many samples know their quantiles.
    np.testing.assert_allclose(central_coverage(sure), [0.264, 0.381, 0.673], atol=0.04)


def test_coverage_is_exact_for_few_samples(rng):
    """Of five samples, between the second and fourth 1/3, between the outer two 2/3."""
    ranks = np.ones(6)
    np.testing.assert_allclose(central_coverage(ranks, [1 / 3, 0.5, 2 / 3]), [1 / 3, 0.5, 2 / 3])
    assert np.isnan(central_coverage(ranks, [0.68])[0])
    np.testing.assert_allclose(central_coverage([1, 0, 2, 2, 0, 1], [1 / 3, 2 / 3]), [2 / 3, 2 / 3])
    enough = [np.isfinite(central_coverage(np.ones(m + 1))).tolist() for m in (2, 3, 5, 6, 38, 39)]
    assert [sum(e) for e in enough] == [0, 1, 1, 2, 2, 3]
    assert np.isnan(central_coverage(np.zeros(6))).all()


def white(rng, shape, fine=1.0):
    """White noise whose modes of less than four pixels have `fine` times their amplitude."""
    wave = np.fft.fftfreq(shape[-1])
    cycles = np.hypot(wave[:, None], wave[None, :])
    filtered = np.fft.fft2(rng.normal(size=shape)) * np.where(cycles > 0.25, fine, 1.0)
    return np.fft.ifft2(filtered).real


def test_spread_and_error_agree_at_the_scales_where_samples_are_right(rng):
    mean = rng.normal(size=(150, 32, 32)).cumsum(axis=-1)
    truth = mean + white(rng, mean.shape)
    k, right = spread_skill_by_scale(mean + white(rng, (4, *mean.shape)), truth, 10.0)
    assert len(k) == 16
    np.testing.assert_allclose(right[1:], 1.0, atol=0.06)
    _, wrong = spread_skill_by_scale(mean + white(rng, (4, *mean.shape), fine=0.0), truth, 10.0)
    np.testing.assert_allclose(wrong[1:6], 1.0, atol=0.08)
    np.testing.assert_array_less(wrong[10:], 0.1)
    single = spread_skill_by_scale(truth[None], truth, 10.0)[1]
    assert np.isnan(single).all()


def posterior(rng, *, width=1.0, bias=0.0, blind=False, n_obs=3000, count=19, d=2):
    """Truths N(m, 1) about means N(0, 4) that the observation tells, and samples of a model."""
    mean = 2.0 * rng.normal(size=(n_obs, d))
    truth = mean + rng.normal(size=(n_obs, d))
    noise = rng.normal(size=(n_obs, count, d))
    if blind:
        return np.sqrt(5.0) * noise, truth, mean
    return mean[:, None] + bias + width * noise, truth, mean


def deviation(rng, samples, truth, **options):
    credibility, coverage = tarp(samples, truth, rng, **options)
    assert len(credibility) == samples.shape[1] + 2
    assert coverage[0] == 0
    assert coverage[-1] == pytest.approx(1.0)
    return coverage - credibility


# Largest deviation of a distribution function of 3000 draws in 999 of 1000: 1.95 / sqrt(3000).
LARGEST = 0.036


def test_tarp_lies_on_the_diagonal_for_the_right_posterior_only(rng):
    assert np.abs(deviation(rng, *posterior(rng)[:2])).max() < LARGEST
    sure = deviation(rng, *posterior(rng, width=0.4)[:2])
    assert sure[3] > 0.06
    assert sure[-4] < -0.06
    assert np.abs(deviation(rng, *posterior(rng, bias=1.0)[:2])).max() > 0.06


def test_balls_of_a_sure_model_about_the_true_center_hold_the_truth_too_seldom(rng):
    samples, truth, mean = posterior(rng, width=0.4)
    about = deviation(rng, samples, truth, references=mean)
    assert about[10] < -0.3
    assert about.max() < LARGEST


def test_tarp_does_not_depend_on_the_units_of_summaries(rng):
    samples, truth, _ = posterior(rng, width=0.4, n_obs=500)
    scale = np.array([1e9, 1e-3])
    one = tarp(samples, truth, np.random.default_rng(3))[1]
    other = tarp(samples * scale + 5.0, truth * scale + 5.0, np.random.default_rng(3))[1]
    np.testing.assert_allclose(one, other, atol=2 / 500)


def test_a_blind_model_is_seen_from_references_that_know_the_observation(rng):
    samples, truth, mean = posterior(rng, blind=True)
    assert np.abs(deviation(rng, samples, truth)).max() < LARGEST
    assert np.abs(deviation(rng, samples, truth, references=mean)).max() > 0.3


def test_bad_input_is_named(rng):
    with pytest.raises(ValueError, match="samples must have shape"):
        rank_histogram(np.zeros((3, 4)), np.zeros(5), rng)
    with pytest.raises(ValueError, match="samples must have shape"):
        spread_skill_by_scale(np.zeros((3, 8, 8)), np.zeros((4, 4)), 1.0)
    with pytest.raises(ValueError, match="counts"):
        central_coverage(np.ones((2, 2)))
    with pytest.raises(ValueError, match="levels"):
        central_coverage(np.ones(5), [50.0])
    with pytest.raises(ValueError, match="n_samples"):
        tarp(np.zeros((4, 3, 2)), np.zeros((4, 3)), rng)
    with pytest.raises(ValueError, match="vary"):
        tarp(np.zeros((4, 3, 2)), np.zeros((4, 2)), rng)
    with pytest.raises(ValueError, match="finite"):
        tarp(np.zeros((2, 3, 1)), np.array([[np.nan], [1.0]]), rng)
    with pytest.raises(ValueError, match="references"):
        tarp(np.zeros((2, 3, 1)), np.array([[0.0], [1.0]]), rng, references=np.zeros((3, 1)))
