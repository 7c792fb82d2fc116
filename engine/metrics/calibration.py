"""Whether samples are spread as the truth is about them: ranks, coverage, scales and TARP.

All compare the truth with M samples as one more draw of the same distribution, which is exact for
any M: nothing has to be infinite for a perfect model to be called one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.metrics.spectrum import power_spectrum

Array = NDArray[np.float64]


def rank_histogram(
    samples: NDArray[Any], truth: NDArray[Any], generator: np.random.Generator, axis: int = 0
) -> NDArray[np.int64]:
    """Count how often the truth has each rank among the samples (Talagrand; Hamill 2001).

    Parameters
    ----------
    samples : M draws along `axis`, else of the shape of `truth`.
    truth : any shape: pixels, profiles, masses. Where it or a sample is NaN nothing is counted.
    generator : draws the rank where samples equal the truth, as in pixels of nothing.

    Returns
    -------
    (M + 1,) counts by the number of samples below the truth. Flat in the mean for samples of the
    truth's own distribution; like a U where they are too sure, like a hill where they are not sure
    enough, a slope where they are biased.

    Raises
    ------
    ValueError : on shapes that do not fit.
    """
    x, y = _members(samples, truth, axis)
    ranks = _ranks(x, y, generator)[np.isfinite(y) & np.isfinite(x).all(axis=0)]
    return np.bincount(ranks, minlength=len(x) + 1)


def central_coverage(ranks: NDArray[Any], levels: Sequence[float] = (0.5, 0.68, 0.95)) -> Array:
    """Return how often the truth lies in central intervals of the samples.

    Parameters
    ----------
    ranks : (M + 1,) counts of `rank_histogram`.
    levels : nominal coverage of each interval, between 0 and 1.

    Returns
    -------
    (len(levels),): the level itself, in the mean, for samples of the truth's own distribution; less
    where they are too sure. NaN where there are too few samples for it, (1 + level) / (1 - level)
    being needed: 3, 6 and 39 for the default levels; and where nothing was counted.

    Raises
    ------
    ValueError : on ranks that are not counts of one axis, or levels not between 0 and 1.

    Notes
    -----
    The truth is equally likely to have any of the M + 1 ranks. So it lies between the k-th smallest
    and the k-th largest sample with probability (M + 1 - 2 k) / (M + 1), and levels between two
    such are interpolated. Quantiles of the samples, such as numpy.quantile's, would cover less: of
    10 samples, 0.41 instead of 0.5.
    """
    counts = np.asarray(ranks, np.float64)
    if counts.ndim != 1 or len(counts) < 2 or (counts < 0).any():
        raise ValueError(f"ranks must be counts of shape (M + 1,), got shape {counts.shape}")
    wanted = np.asarray(levels, np.float64)
    if not ((wanted > 0) & (wanted < 1)).all():
        raise ValueError(f"levels must be between 0 and 1, got {tuple(levels)}")
    bins, total = len(counts), counts.sum()
    if total == 0:
        return np.full(len(wanted), np.nan)
    k = np.arange(1, (bins + 1) // 2 + 1)
    covered = np.array([counts[i : bins - i].sum() for i in k]) / total
    nominal = np.maximum(bins - 2 * k, 0) / bins
    return np.interp(wanted, nominal[::-1], covered[::-1], right=np.nan)


def spread_skill_by_scale(
    samples: NDArray[Any], truth: NDArray[Any], extent_kpc: float, axis: int = 0
) -> tuple[Array, Array]:
    """Return spread over error at each scale, of Fourier amplitudes.

    Parameters
    ----------
    samples : M maps along `axis`, else of the shape of `truth`; normalized or in dex.
    truth : (..., N, N) maps of one extent.
    extent_kpc : full side in kpc.

    Returns
    -------
    k : (bins,) in 1/kpc, as in `spectrum.power_spectrum`.
    ratio : (bins,) sqrt((M + 1) / M) times the samples' standard deviation over the root mean
        square error of their mean, both over all maps and all modes of a bin. 1 for samples of the
        truth's own distribution, less where they are too sure (Fortin et al. 2014, eq. 15, for
        each mode). NaN of a single sample.

    Raises
    ------
    ValueError : on shapes that do not fit, or as `power_spectrum`.
    """
    x, y = _members(samples, truth, axis)
    count, mean = len(x), x.mean(axis=0)
    k, error = power_spectrum(mean - y, extent_kpc)
    if count < 2:
        return k, np.full(len(k), np.nan)
    spread = power_spectrum(x - mean, extent_kpc)[1].sum(axis=0) / (count - 1)
    error, spread = (power.reshape(-1, len(k)).mean(axis=0) for power in (error, spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        return k, np.sqrt((count + 1) / count * spread / error)


def tarp(
    samples: NDArray[Any],
    truth: NDArray[Any],
    generator: np.random.Generator,
    references: NDArray[Any] | None = None,
) -> tuple[Array, Array]:
    """Return the expected coverage of balls about random points (TARP, Lemos et al. 2023).

    Parameters
    ----------
    samples : (n_obs, n_samples, d) summaries of the samples of each observation.
    truth : (n_obs, d) summaries of the truth.
    generator : draws the reference points, and ranks among equals.
    references : (n_obs, d) in place of points uniform in the box that the truths fill. To see that
        a model ignores its observation, they have to depend on it.

    Returns
    -------
    credibility : (n_samples + 2,) from 0 to 1.
    coverage : of that shape, how often the ball about the reference point that holds that share of
        the samples holds the truth: equal to the credibility, in the mean, for samples of the
        truth's own distribution. A biased model lies on one side, one that is too sure above it at
        small credibilities and below it at large ones.

    Raises
    ------
    ValueError : on shapes that do not fit, values that are not finite, or truths all alike in one
        summary.

    Notes
    -----
    Distances are Euclidean, with each summary in units of the range of the truths. The truth's
    distance has one of n_samples + 1 ranks, k of them below a credibility of k / (n_samples + 1),
    so that the curve is exact for few samples too.
    """
    x, y = np.asarray(samples, np.float64), np.asarray(truth, np.float64)
    if x.ndim != 3 or y.shape != (x.shape[0], x.shape[2]) or not x.size:
        raise ValueError(
            f"samples (n_obs, n_samples, d) must fit truth (n_obs, d), got {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("samples and truth must be finite, got NaN or infinity")
    low, width = y.min(axis=0), np.ptp(y, axis=0)
    if not (width > 0).all():
        raise ValueError("truth must vary in each summary for TARP, one is the same throughout")
    points = generator.uniform(low, low + width, y.shape) if references is None else references
    points = np.asarray(points, np.float64)
    if points.shape != y.shape:
        raise ValueError(f"references must have shape {y.shape}, got {points.shape}")
    own = np.linalg.norm((y - points) / width, axis=-1)
    others = np.linalg.norm((x - points[:, None]) / width, axis=-1)
    count = x.shape[1]
    ranks = np.bincount(_ranks(others.T, own, generator), minlength=count + 1)
    credibility = np.arange(count + 2) / (count + 1)
    return credibility, np.concatenate([[0.0], ranks.cumsum() / len(y)])


def _members(samples: NDArray[Any], truth: NDArray[Any], axis: int) -> tuple[Array, Array]:
    """Return samples (M, ...), from `axis`, and truth (...), which fit."""
    x = np.moveaxis(np.asarray(samples, np.float64), axis, 0)
    y = np.asarray(truth, np.float64)
    if x.shape[1:] != y.shape or not len(x):
        raise ValueError(f"samples must have shape (M, ...) over {y.shape}, got {x.shape}")
    return x, y


def _ranks(x: Array, y: Array, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return how many of x along its first axis are below y, equals falling to either side."""
    below, equal = (x < y).sum(axis=0), (x == y).sum(axis=0)
    return below + generator.integers(0, equal + 1)
