"""The frames of a run as the browser gets them: bytes, in pieces, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.translation import Run

NOISE_LIMIT = 3.0
CHUNK_BYTES = 4_000_000
NUM_THUMBNAILS = 8
NO_DATA_LEVEL, TOP_LEVEL = 0, 255
Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Scale:
    """What a level means: 1 is `low` or less, 255 `high` or more, 0 no data; linear between.

    A level is 1/254 of the scale, 0.02 dex on one of five decades.
    """

    low: float
    high: float
    logarithmic: bool

    def levels(self, values: NDArray[Any]) -> Levels:
        """Return the level of each value, of its shape."""
        values = np.asarray(values, np.float32)
        finite = np.isfinite(values)
        low, high = self.low, self.high
        if self.logarithmic:
            low, high = np.log10(low), np.log10(high)
            # What is not above zero lies below every limit.
            values = np.log10(np.maximum(values, np.finfo(np.float32).tiny))
        share = np.where(finite, (values - low) / (high - low), 0.0)
        levels = 1 + np.rint((TOP_LEVEL - 1) * np.clip(share, 0.0, 1.0))
        return np.where(finite, levels, NO_DATA_LEVEL).astype(np.uint8)


@dataclass(frozen=True)
class Reel:
    """A run whose frames the browser holds under a number.

    Attributes
    ----------
    number : other for other frames.
    scale : of the estimates.
    """

    number: int
    run: Run
    scale: Scale


def noise_scales(noisy: NDArray[np.float32]) -> list[Scale]:
    """Return a linear scale for each of the states (n, H, W): 3 standard deviations, 3 at least.

    The state of a process whose noise grows (VE, EDM) is many times wider at its start.
    """
    finite = np.where(np.isfinite(noisy), noisy, 0.0)
    widths = np.maximum(1.0, np.rint(np.sqrt(np.mean(np.square(finite), axis=(1, 2)))))
    return [Scale(-NOISE_LIMIT * w, NOISE_LIMIT * w, logarithmic=False) for w in widths.tolist()]


def chunk_steps(shape: tuple[int, int]) -> int:
    """Return how many steps of two maps of `shape` make one message of `CHUNK_BYTES` at most."""
    return max(1, CHUNK_BYTES // (2 * shape[0] * shape[1]))


def chunk(reel: Reel, start: int) -> bytes:
    """Return x_t and estimate of the steps from `start` (counted from 0) that one message holds.

    Returns
    -------
    bytes : (steps, 2, H, W) levels, row 0 at the bottom as everywhere.
    """
    run, scale = reel.run, reel.scale
    part = slice(start, start + chunk_steps(run.output.shape))
    noisy = run.noisy[part]
    states = [s.levels(x) for s, x in zip(noise_scales(noisy), noisy, strict=True)]
    return np.stack([np.stack(states), scale.levels(run.estimates[part])], axis=1).tobytes()


def step_labels(run: Run) -> list[str]:
    """Return "step 23/64, t = 0.31" for each step, with σ where the process has noise."""
    noise = [f", σ = {s:.2g}" if s < 10 else f", σ = {s:.0f}" for s in run.sigmas]
    if not run.sigmas.any():
        noise = [""] * run.num_steps
    numbers = enumerate(zip(run.times, noise, strict=True), 1)
    return [f"step {i}/{run.num_steps}, t = {t:.2f}{sigma}" for i, (t, sigma) in numbers]


def film_steps(times: NDArray[np.float64], count: int = NUM_THUMBNAILS) -> list[int]:
    """Return at most `count` steps, from 1, at times as even as they come; all where they are few.

    Parameters
    ----------
    times : (n,) after each step, falling.
    """
    if len(times) <= count:
        return list(range(1, len(times) + 1))
    wanted = np.linspace(times[0], times[-1], count)
    return sorted({int(np.abs(times - t).argmin()) + 1 for t in wanted})
