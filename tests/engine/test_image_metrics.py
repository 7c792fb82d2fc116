"""Image metrics where they are known, and beside torchmetrics."""

import sys

import numpy as np
import pytest

from engine.metrics.image import mae_dex, psnr, ssim


def test_error_in_dex():
    truth = np.full((2, 4, 4), 9.0)
    estimate = truth.copy()
    estimate[0] = 99.0
    estimate[1, :2] = 0.0
    np.testing.assert_allclose(mae_dex(estimate, truth, floor=1.0), [1.0, 0.5])


def test_psnr_of_a_known_error_in_one_range(rng):
    truth = rng.normal(size=(3, 8, 8))
    estimate = truth + np.array([0.6, -0.06, 0.0])[:, None, None]
    np.testing.assert_allclose(psnr(estimate, truth, low=1.0, high=7.0), [20.0, 40.0, np.inf])
    # The range is that of the set: a truth of ten times the contrast has the same score.
    wide = psnr(10 * truth + 0.6, 10 * truth, low=1.0, high=7.0)
    np.testing.assert_allclose(wide, 20.0)


def test_ssim_of_equal_and_of_constant_maps():
    pytest.importorskip("torchmetrics")
    a, b, low, width = 6.0, 5.0, 4.0, 6.0
    one, other = np.full((2, 3, 16, 20), a), np.full((2, 3, 16, 20), b)
    constant = (0.01 * width) ** 2
    expected = (2 * (a - low) * (b - low) + constant) / ((a - low) ** 2 + (b - low) ** 2 + constant)
    np.testing.assert_allclose(ssim(one, other, low=low, high=low + width), expected, rtol=1e-6)
    np.testing.assert_allclose(ssim(one, one, low=low, high=low + width), np.ones((2, 3)))


def test_ssim_is_its_formula(rng):
    """By hand, a window about each pixel, of maps mirrored at their edges."""
    pytest.importorskip("torchmetrics")
    a, b = rng.normal(2.0, 1.0, size=(2, 12, 12))
    taper = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window = np.outer(taper, taper) / taper.sum() ** 2
    c1, c2 = (0.01 * 6.0) ** 2, (0.03 * 6.0) ** 2
    scores = []
    for row, column in np.ndindex(a.shape):
        p, q = (np.pad(m, 5, "reflect")[row : row + 11, column : column + 11] for m in (a, b))
        mean_p, mean_q = (window * p).sum(), (window * q).sum()
        var_p, var_q = (window * p**2).sum() - mean_p**2, (window * q**2).sum() - mean_q**2
        both = (window * p * q).sum() - mean_p * mean_q
        light = (2 * mean_p * mean_q + c1) / (mean_p**2 + mean_q**2 + c1)
        scores.append(light * (2 * both + c2) / (var_p + var_q + c2))
    assert ssim(a, b, low=0.0, high=6.0) == pytest.approx(np.mean(scores), abs=1e-5)


@pytest.mark.parametrize("score", [psnr, ssim])
def test_bad_input_is_named(score):
    with pytest.raises(ValueError, match="one shape"):
        score(np.ones((16, 16)), np.ones((2, 16, 16)), low=0.0, high=1.0)
    with pytest.raises(ValueError, match="high must be above low"):
        score(np.ones((16, 16)), np.ones((16, 16)), low=1.0, high=1.0)
    with pytest.raises(ValueError, match="finite"):
        score(np.full((16, 16), np.nan), np.ones((16, 16)), low=0.0, high=1.0)


def test_maps_without_logarithm_and_too_small_ones_are_refused():
    with pytest.raises(ValueError, match="above zero"):
        mae_dex(np.zeros((4, 4)), np.ones((4, 4)), floor=0.0)
    with pytest.raises(ValueError, match="floor"):
        mae_dex(np.ones((4, 4)), np.ones((4, 4)), floor=-1.0)
    with pytest.raises(ValueError, match="at least 12 pixels"):
        ssim(np.ones((8, 16)), np.ones((8, 16)), low=0.0, high=1.0)


def test_ssim_without_torchmetrics_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image", None)
    with pytest.raises(ImportError, match="galactic-alchemy\\[metrics\\]"):
        ssim(np.ones((16, 16)), np.ones((16, 16)), low=0.0, high=1.0)
