"""CLEAN: the sky as points, by taking the dirty beam off the brightest pixel again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.signal import fftconvolve

Array = NDArray[np.float64]

GAIN = 0.1
# Minor cycles see no more of the beam than this far from its peak, in pixels.
_PATCH = 32
# The shallowest that a round of minor cycles goes, as a share of the peak that it began with.
_SHALLOW = 0.05


def clean(
    dirty: Array, beam: Array, *, threshold: float, gain: float = GAIN,
    max_iterations: int = 200_000,
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
    through the whole beam, to rounding.

    Notes
    -----
    Clark (1980, A&A 89, 377): minor cycles as those of Hogbom (1974, A&AS 15, 417), with the inner
    part of the beam, until what the rest of it leaves counts; then all components are taken off
    the dirty image through the whole beam.
    """
    number = len(dirty)
    if beam.shape != (2 * number, 2 * number) or dirty.shape != (number, number):
        raise ValueError(f"beam must be twice as large as dirty, {dirty.shape}, got {beam.shape}")
    if not threshold > 0:
        raise ValueError(f"threshold must be above zero, got {threshold}")
    half = min(_PATCH, number - 1)
    inner = slice(number - half, number + half + 1)
    patch = np.ascontiguousarray(beam[inner, inner])
    outside = beam.copy()
    outside[inner, inner] = 0.0
    depth = max(_SHALLOW, 2.0 * float(np.abs(outside).max()))
    components, residual = np.zeros_like(dirty), dirty.copy()
    left = max_iterations
    while left > 0:
        peak = float(np.abs(residual).max())
        if peak <= threshold:
            break
        stop = max(threshold, min(depth, 0.8) * peak)
        left -= _minor_cycles(residual, components, patch, gain, stop, left)
        residual = dirty - _seen(components, beam)
    return components, residual


def restore(components: Array, residual: Array, kernel: Array) -> Array:
    """Return components seen through the clean beam `kernel`, of odd size, and the residual."""
    return fftconvolve(components, kernel, mode="same") + residual


def _seen(components: Array, beam: Array) -> Array:
    """Return the components through the whole dirty beam."""
    number = len(components)
    return fftconvolve(components, beam, mode="full")[number : 2 * number, number : 2 * number]


@njit(cache=True, nogil=True)
def _minor_cycles(
    residual: Any, components: Any, patch: Any, gain: float, stop: float, most: int
) -> int:  # pragma: no cover
    """Take peaks off `residual` until all are below `stop`; return how many."""
    number, half = residual.shape[0], patch.shape[0] // 2
    for count in range(most):
        row, column, highest = 0, 0, 0.0
        for i in range(number):
            for j in range(number):
                if abs(residual[i, j]) > highest:
                    row, column, highest = i, j, abs(residual[i, j])
        if highest <= stop:
            return max(count, 1)
        flux = gain * residual[row, column]
        components[row, column] += flux
        for i in range(max(0, row - half), min(number, row + half + 1)):
            for j in range(max(0, column - half), min(number, column + half + 1)):
                residual[i, j] -= flux * patch[i - row + half, j - column + half]
    return most
