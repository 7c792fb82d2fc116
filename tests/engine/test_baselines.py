"""Baselines: exact where a single pixel says all, and no worse than they have to be elsewhere."""

import numpy as np
import pytest

from engine.baselines import BASELINES, AffineIdentity, PixelwiseRegression

RNG = np.random.default_rng(0)


def test_an_affine_map_is_met_by_both():
    y = RNG.uniform(-2.0, 2.0, size=(20, 16, 16))
    x = 3.0 + 0.5 * y
    np.testing.assert_allclose(AffineIdentity(y, x)(y), x)
    np.testing.assert_allclose(PixelwiseRegression(y, x)(y), x, atol=0.03)


def test_the_identity_has_the_targets_mean_and_spread_and_the_sources_structure():
    y, x = RNG.normal(2.0, 3.0, (2000, 2)), RNG.normal(-1.0, 0.25, (2000, 2))
    made = AffineIdentity(y, x)(y)
    assert (made.mean(), made.std()) == pytest.approx((x.mean(), x.std()))
    assert np.corrcoef(made.ravel(), y.ravel())[0, 1] == pytest.approx(1.0)
    # Without any relation the conditional mean is the mean, and half the squared error.
    regression = PixelwiseRegression(y, x, num_bins=4)(y)
    assert np.square(regression - x).mean() < 0.6 * np.square(made - x).mean()


def test_a_curve_is_met_in_bins():
    y = RNG.uniform(-2.0, 2.0, 100_000)
    inner = np.linspace(-1.9, 1.9, 50)
    np.testing.assert_allclose(PixelwiseRegression(y, y**2)(inner), inner**2, atol=2e-3)


def test_a_source_that_is_the_same_throughout_gives_the_mean():
    x = RNG.normal(size=100)
    for baseline in BASELINES.values():
        np.testing.assert_allclose(baseline(np.ones(100), x)(np.ones(3)), x.mean())


@pytest.mark.parametrize("baseline", BASELINES.values())
def test_maps_that_do_not_fit_are_refused(baseline):
    with pytest.raises(ValueError, match="one shape and be not empty, got 3 and 4 values"):
        baseline(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="got 0 and 0 values"):
        baseline(np.ones(0), np.ones(0))
