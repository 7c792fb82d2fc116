"""How far maps are from the truth, pixel by pixel and in small windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mae_dex(estimate: NDArray[Any], truth: NDArray[Any], floor: float) -> Array:
    """Return the mean absolute error of log10(value + floor) in dex.

    Parameters
    ----------
    estimate, truth : (..., H, W) in one unit, of one shape; row = y, column = x.
    floor : added to both, in that unit, so that pixels of nothing can be compared.

    Returns
    -------
    (...) mean over the pixels of each map.

    Raises
    ------
    ValueError : on shapes that differ, a floor below zero, or values + floor not above zero.
    """
    a, b = _checked(estimate, truth)
    if not (np.isfinite(floor) and floor >= 0):
        raise ValueError(f"floor must be finite and not below zero, got {floor}")
    if min(a.min(), b.min()) + floor <= 0:
        raise ValueError("estimate and truth plus floor must be above zero for their logarithm")
    return np.abs(np.log10(a + floor) - np.log10(b + floor)).mean(axis=(-2, -1))


def psnr(estimate: NDArray[Any], truth: NDArray[Any], *, low: float, high: float) -> Array:
    """Return the peak signal-to-noise ratio in decibel, 10 log10((high - low)^2 / MSE).

    Parameters
    ----------
    estimate, truth : (..., H, W) of one shape and unit, for maps of galaxies their log10.
    low, high : the range, in that unit: one for all maps of a domain. A range that each map brings
        along would make the same error count less in a map of large contrast.

    Returns
    -------
    (...) one a map; infinite for equal maps.

    Raises
    ------
    ValueError : on shapes that differ, values that are not finite, or high not above low.
    """
    a, b = _checked(estimate, truth)
    width = _width(low, high)
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(width**2 / np.square(a - b).mean(axis=(-2, -1)))


def ssim(estimate: NDArray[Any], truth: NDArray[Any], *, low: float, high: float) -> Array:
    """Return the structural similarity of maps (Wang et al. 2004, eq. 13), at most 1.

    Parameters
    ----------
    estimate, truth : (..., H, W) of one shape and unit, sides from 12, for maps of galaxies their
        log10.
    low, high : the range in that unit, one for all maps of a domain. `low` becomes zero, since the
        index compares local means by their ratio; nothing is clipped.

    Returns
    -------
    (...) mean over Gaussian windows about all pixels (11 pixels, standard deviation 1.5; K1 = 0.01,
    K2 = 0.03); those that reach over the edge see the map mirrored there.

    Raises
    ------
    ValueError : as `psnr`, or on maps smaller than a window.
    ImportError : where torchmetrics, of the extra "metrics", is not installed.
    """
    a, b = _checked(estimate, truth)
    width = _width(low, high)
    if min(a.shape[-2:]) < 12:
        raise ValueError(f"maps must be at least 12 pixels wide and high, got {a.shape[-2:]}")
    try:
        import torch
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ImportError as error:
        raise ImportError("ssim needs torchmetrics: pip install 'galactic-alchemy[metrics]'") from (
            error
        )
    # Single precision is right to 1e-5 where values are a few ranges, and takes an eighth the time.
    x, y = (torch.from_numpy((m - low).reshape(-1, 1, *m.shape[-2:])).float() for m in (a, b))
    value = structural_similarity_index_measure(x, y, data_range=width, reduction="none")
    assert isinstance(value, torch.Tensor)  # a tuple only where the full image is asked for
    return value.double().numpy().reshape(a.shape[:-2])


def _width(low: float, high: float) -> float:
    if not (np.isfinite(low) and np.isfinite(high) and high > low):
        raise ValueError(f"high must be above low, both finite, got low {low} and high {high}")
    return float(high - low)


def _checked(estimate: NDArray[Any], truth: NDArray[Any]) -> tuple[Array, Array]:
    a, b = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.ndim < 2 or not a.size:
        raise ValueError(
            f"estimate and truth must have one shape (..., H, W), got {a.shape} and {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("estimate and truth must be finite, got NaN or infinity")
    return a, b
