"""What a network is told of source and target, and how strongly it is to heed the source."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.memory import Parts
from engine.processes import Network


def guided(
    network: nn.Module, source: int | Tensor | None, target: int | Tensor, *,
    guidance: float = 1.0, parts: Parts | None = None,
) -> Network:  # fmt: skip
    """Return the network of one direction, as processes call it.

    Parameters
    ----------
    network : one of `engine.networks`.
    source, target : indices of the domains, or (n,) of them, one a map, on the network's device; a
        source of None makes it the prior of the target.
    guidance : of the estimates, prior + guidance (conditional - prior): 0 for the prior p(x), 1 for
        p(x | y), which is one evaluation as the prior is; above 1, samples keep closer to what the
        source makes more probable, and spread less than p(x | y) does.
    parts : in which the network takes a batch that memory does not hold.

    Raises
    ------
    ValueError : where the prior is needed and the network was trained without `null_source`.

    Notes
    -----
    Ho & Salimans (2022), eq. 6, (1 + w) eps(x_t, y) - w eps(x_t) with w = guidance - 1. They mix
    the noise; estimate, noise, velocity and score are affine in each other and in what the network
    gives, at the same x_t, and the weights sum to one, so that to mix any of these is the same.
    """
    config: Any = network.config
    if (source is None or guidance != 1.0) and not config.null_source:
        raise ValueError("the source was never hidden in training, so that there is no prior")
    null = int(config.num_domains)
    sources: list[int | Tensor]
    if source is None or guidance == 0.0:
        sources = [null]
    else:
        sources = [source] if guidance == 1.0 else [null, source]

    evaluate = network if parts is None else parts.network(network)

    def call(maps: Tensor, time: Tensor) -> Tensor:
        n, times = len(maps), len(sources)
        told = torch.cat([_rows(one, n, maps.device) for one in sources])
        wanted = _rows(target, n, maps.device).repeat(times)
        maps = maps.repeat(times, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        given = evaluate(maps, time.repeat(times), told, wanted)
        if times == 1:
            return given
        prior, conditional = given.chunk(2)
        return prior + guidance * (conditional - prior)

    return call


def _rows(index: int | Tensor, n: int, device: torch.device) -> Tensor:
    """Return an index for each of n maps."""
    return torch.as_tensor(index, device=device).expand(n)
