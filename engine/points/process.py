"""The processes of maps, on sets of points.

Points (n, k, 3) are to a process as maps (n, 1, k, 3): nothing in `engine.processes` or
`engine.samplers` knows of pixels. Their path then mixes each point with noise of its own, and the
network, which sees all of them, turns the velocities of single points into those of the set.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.points.network import Condition
from engine.processes import Network, Process

# (points (n, k, 3), time (n,), condition, target (n,)) -> (n, k, 3)
PointNetwork = Callable[[Tensor, Tensor, Condition, Tensor], Tensor]


def conditioned(
    network: PointNetwork, condition: Condition, target: Tensor, *, batch: int | None = None
) -> Network:
    """Return the network of a process, for n galaxies and targets (n,).

    `batch` is how many sets are evaluated at once, all where None: it bounds the memory.
    """

    def run(stacked: Tensor, time: Tensor) -> Tensor:
        x = stacked[:, 0]
        size = batch or len(x)
        parts = [
            network(
                x[i : i + size], time[i : i + size],
                Condition(*(c[i : i + size] for c in condition)), target[i : i + size],
            ).float()
            for i in range(0, len(x), size)
        ]  # fmt: skip
        return torch.cat(parts)[:, None]

    return run


def point_loss(
    process: Process, network: PointNetwork, x: Tensor, condition: Condition, target: Tensor,
    time: Tensor, noise: Tensor,
) -> Tensor:  # fmt: skip
    """Return the process's loss (n,) at points x and noise (n, k, 3) and times (n,)."""
    run = conditioned(network, condition, target)
    return process.loss(run, x[:, None], torch.zeros_like(x)[:, None], time, noise[:, None])
