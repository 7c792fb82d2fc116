"""DDIM: the deterministic walk from noise to a map."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from engine.processes import Process
from engine.processes.ddpm import Network
from engine.samplers.posterior import Noise, Sample, walk


def ddim(
    process: Process, network: Network, y: Tensor, noise: Noise, *, num_steps: int
) -> Iterator[Sample]:
    """Sample with eta = 0 (Song, Meng & Ermon 2021, eq. 12); parameters as in `walk`."""
    return walk(process, network, y, noise, num_steps=num_steps, eta=0.0)
