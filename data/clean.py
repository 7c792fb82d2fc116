"""CLEAN: the sky as points, by taking the dirty beam off the brightest pixel again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.signal import fftconvolve

Array = NDArray[np.float64]

GAIN = 0.1


def clean(
    dirty: Array, beam: Array, *, threshold: float, gain: float = GAIN,
    max_iterations: int = 100_000,
) -> tuple[Array, Array]:  # fmt: skip
    """Return components (n, n) and residual (n, n) of a dirty image.

    Parameters
    ----------
    dirty : (n, n) flux a beam.
    beam : (2n, 2n), one at the pixel (n, n).
    threshold : flux a beam at which to stop; above zero.
    gain : share of a peak that is taken off at a time.

    Returns
    -------
    components : flux of each point, also below zero. residual : `dirty` less the components seen
    through the beam.

    Notes
    -----
    Hogbom (1974, A&AS 15, 417), with the whole beam at each step: slower than with its inner part
    (Clark 1980), but sure to converge for any weights that are not negative (Schwarz 1978, A&A 65,
    345), which with smooth, extended sources the inner part alone is not.
    """
    number = len(dirty)
    if beam.shape != (2 * number, 2 * number) or dirty.shape != (number, number):
        raise ValueError(f"beam must be twice as large as dirty, {dirty.shape}, got {beam.shape}")
    if not threshold > 0:
        raise ValueError(f"threshold must be above zero, got {threshold}")
    components = np.zeros_like(dirty)
    _take_peaks(dirty.astype(np.float32), components, beam.astype(np.float32),
                np.float32(gain), threshold, max_iterations)  # fmt: skip
    seen = fftconvolve(components, beam)[number : 2 * number, number : 2 * number]
    return components, dirty - seen


def restore(components: Array, residual: Array, kernel: Array) -> Array:
    """Return components seen through the clean beam `kernel`, of odd size, and the residual."""
    return fftconvolve(components, kernel, mode="same") + residual


@njit(cache=True, nogil=True, fastmath=True)
def _take_peaks(
    residual: Any, components: Any, beam: Any, gain: Any, threshold: float, most: int
) -> None:  # pragma: no cover
    """Move peaks from `residual` to `components` until none is above `threshold`."""
    number = residual.shape[0]
    highest = np.zeros(number, np.float32)  # of each row
    for i in range(number):
        highest[i] = np.abs(residual[i]).max()
    for _ in range(most):
        row = np.argmax(highest)
        if highest[row] <= threshold:
            return
        column = np.argmax(np.abs(residual[row]))
        flux = gain * residual[row, column]
        components[row, column] += flux
        for i in range(number):
            lobes, line = beam[i - row + number], residual[i]
            peak = np.float32(0.0)
            for j in range(number):
                line[j] -= flux * lobes[j - column + number]
                peak = max(peak, abs(line[j]))
            highest[i] = peak
