"""The one step behind DDIM and ancestral sampling, on any path x_t = a x + b y + s n."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from engine.processes import Process
from engine.processes.ddpm import Network

# Returns a fresh standard normal of the sample's shape at each call.
Noise = Callable[[], Tensor]


@dataclass(frozen=True)
class Sample:
    """What a sampler yields: the state after step `index` at `time`, and the estimate behind it."""

    index: int
    time: float
    x: Tensor
    estimate: Tensor


def walk(
    process: Process, network: Network, y: Tensor, noise: Noise, *, num_steps: int, eta: float
) -> Iterator[Sample]:
    """Walk from t = 1 to 0.

    Parameters
    ----------
    process : its path, and how the network's output becomes an estimate of x.
    network : (stacked maps (n, c, h, w), times (n,)) -> (n, 1, h, w).
    y : (n, 1, h, w) normalized sources.
    noise : returns a fresh standard normal (n, 1, h, w) at each call.
    num_steps : evaluations of the network.
    eta : 0 for DDIM, 1 for ancestral sampling.

    Yields
    ------
    Sample, num_steps times; x and estimate (n, 1, h, w) float32. Close the iterator to cancel.
    """
    times = process.times(num_steps).tolist()
    x = process.start(y, noise())
    for index, (now, later) in enumerate(pairwise(times), start=1):
        # no_grad ends before the yield: a generator must not hold it for its caller.
        with torch.no_grad():
            moments = torch.full((len(y),), now, dtype=torch.float32, device=y.device)
            estimate = process.denoise(network, x, moments, y)
            x = _advance(process, (x, estimate, y), (now, later), eta, noise)
        yield Sample(index, later, x, estimate)


def _advance(
    process: Process, maps: tuple[Tensor, Tensor, Tensor], times: tuple[float, float],
    eta: float, noise: Noise,
) -> Tensor:  # fmt: skip
    """Return x at the later time from (x, estimate, y) at the earlier one.

    n_hat = (x_t - a x_hat - b y) / s, then x_t' = a' x_hat + b' y + sqrt(s'^2 - tau^2) n_hat +
    tau z with tau = eta (s'/s) sqrt(1 - a^2/a'^2), the standard deviation of the posterior
    q(x_t' | x_t, x) between two *sampled* times (Song, Meng & Ermon 2021, eqs. 12 and 16).
    """
    x, estimate, y = maps
    if times[1] <= 0.0:
        return estimate
    path = process.path(torch.tensor(times, dtype=torch.float64))
    (a, a_later), (b, b_later), (s, s_later) = ([float(v) for v in pair] for pair in path)
    direction = (x - a * estimate - b * y) / s
    tau = eta * s_later / s * max(1.0 - (a / a_later) ** 2, 0.0) ** 0.5
    later = a_later * estimate + b_later * y
    later = later + max(s_later**2 - tau**2, 0.0) ** 0.5 * direction
    return later + tau * noise() if tau > 0 else later
