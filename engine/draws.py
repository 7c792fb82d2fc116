"""The random numbers of samples: each sample has a generator of its own, on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.samplers import Noise

Draw = tuple[int, int]  # The seed that was asked for, and the number of the sample.


def copies(y: Tensor, count: int, seed: int) -> tuple[Tensor, list[Draw]]:
    """Return y (h, w) `count` times, (count, 1, h, w), and the draw of each."""
    return y.expand(count, 1, *y.shape), [(int(seed), index) for index in range(count)]


def generator_of(draw: Draw) -> torch.Generator:
    """Return the CPU generator of one sample, so that no sample depends on its neighbors."""
    state = np.random.SeedSequence(draw).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state))


def noise_of(draws: Sequence[Draw], shape: Sequence[int], device: torch.device) -> Noise:
    """Return a function that draws a map (1, h, w) for each sample and puts them on the device."""
    generators = [generator_of(draw) for draw in draws]

    def noise() -> Tensor:
        drawn = [torch.randn(tuple(shape), generator=one) for one in generators]
        return torch.stack(drawn).to(device)

    return noise
