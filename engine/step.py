"""What a translation yields on its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """One step of a translation.

    Attributes
    ----------
    index : from 1 to `num_steps`.
    time : the process's time after the step, 0 at the end.
    x : (num_samples, H, W) float32, the sampler's state in the network's normalized units.
    estimate : (num_samples, H, W) float32, the current estimate in the target's physical unit.
    num_steps : steps in all.
    sigma : standard deviation of the noise in `x`, normalized: s(time) of the process.
    """

    index: int
    time: float
    x: Maps
    estimate: Maps
    num_steps: int
    sigma: float = 0.0
