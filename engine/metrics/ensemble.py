"""How good several samples of one map are together: a proper score, and whether they know it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fair_crps(samples: NDArray[Any], truth: NDArray[Any], axis: int = 0) -> NDArray[np.float64]:
    """Return the continuous ranked probability score of an ensemble, in the unit of `truth`.

    Parameters
    ----------
    samples : M draws along `axis`, else of the shape of `truth`.
    truth : any shape.

    Returns
    -------
    mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), the shape of `truth`. Of one sample, as
    of a map without samples, it is the absolute error. The smaller the better; in the mean it is
    smallest for draws from the truth's own distribution, whatever M (Ferro 2014, eq. 8).
    """
    x = np.moveaxis(np.asarray(samples, np.float64), axis, 0)
    y = np.asarray(truth, np.float64)
    if x.shape[1:] != y.shape:
        raise ValueError(f"samples must have shape (M, ...) over {y.shape}, got {x.shape}")
    count = len(x)
    error = np.abs(x - y).mean(axis=0)
    if count < 2:
        return error
    # The sum over pairs from the sorted samples: each of rank k stands (2 k - M + 1) times.
    ranks = 2.0 * np.arange(count) - count + 1.0
    pairs = np.tensordot(ranks, np.sort(x, axis=0), axes=1)
    return error - pairs / (count * (count - 1))


def spread_over_error(samples: NDArray[Any], truth: NDArray[Any], axis: int = 0) -> float:
    """Return sqrt((M + 1) / M) times the samples' spread over the error of their mean.

    One for samples of the truth's own distribution, less where they are too sure of themselves
    (Fortin et al. 2014, eq. 15). Parameters as in `fair_crps`; NaN of a single sample.
    """
    x = np.moveaxis(np.asarray(samples, np.float64), axis, 0)
    count = len(x)
    if count < 2:
        return float("nan")
    variance = x.var(axis=0, ddof=1).mean()
    error = np.square(x.mean(axis=0) - truth).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt((count + 1) / count * variance / error))
