"""Ancestral sampling: each step draws from the posterior of its process."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from engine.processes import Process
from engine.processes.ddpm import Network
from engine.samplers.posterior import Noise, Sample, walk


def ancestral(
    process: Process, network: Network, y: Tensor, noise: Noise, *, num_steps: int
) -> Iterator[Sample]:
    """Sample with eta = 1 (Ho, Jain & Abbeel 2020, algorithm 2); parameters as in `walk`."""
    return walk(process, network, y, noise, num_steps=num_steps, eta=1.0)
