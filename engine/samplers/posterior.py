"""One step for DDIM and ancestral sampling alike, on any path x_t = a x + b y + s n."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from engine.processes import Process
from engine.processes.ddpm import Network


class Sample(NamedTuple):
    """What a sampler yields: the state after the step, the estimate it was made of, and the time."""

    index: int
    time: float
    x: Tensor
    estimate: Tensor


def sample(
    process: Process, network: Network, y: Tensor, noise: Callable[[], Tensor], *, num_steps: int,
    eta: float = 0.0,
) -> Iterator[Sample]:
    """Walk from t = 1 to 0.

    n_hat = (x_t - a x_hat - b y) / s, then x_t' = a' x_hat + b' y + sqrt(s'^2 - tau^2) n_hat +
    tau z with tau = eta (s'/s) sqrt(1 - a^2/a'^2): the standard deviation of the
    posterior q(x_t' | x_t, x), taken between the times that are sampled (Song, Meng & Ermon 2021,
    eqs. 12 and 16). eta = 0 is DDIM, eta = 1 ancestral sampling (Ho et al. 2020, algorithm 2).

    Parameters
    ----------
    network : the raw network, without its process.
    y : (n, 1, h, w) normalized sources.
    noise : returns a fresh standard normal (n, 1, h, w) at each call.
    num_steps : evaluations of the network.

    Yields
    ------
    Sample, num_steps times; x and estimate (n, 1, h, w) float32. Close the iterator to cancel.
    """  # fmt: skip
    times = process.times(num_steps).tolist()
    with torch.no_grad():
        x = process.start(y, noise())
    for index, (now, later) in enumerate(zip(times[:-1], times[1:], strict=True), start=1):
        # no_grad ends before the yield: a generator must not hold it for its caller.
        with torch.no_grad():
            moments = torch.full((len(y),), now, dtype=torch.float32, device=y.device)
            estimate = process.denoise(network, x, moments, y)
            x = _step(process, x, estimate, y, (now, later), eta, noise)
        yield Sample(index, later, x, estimate)


def _step(
    process: Process, x: Tensor, estimate: Tensor, y: Tensor, times: tuple[float, float],
    eta: float, noise: Callable[[], Tensor],
) -> Tensor:  # fmt: skip
    if times[1] <= 0.0:
        return estimate
    path = process.path(torch.tensor(times, dtype=torch.float64))
    (a, a2), (b, b2), (s, s2) = ([float(v) for v in column] for column in path)
    direction = (x - a * estimate - b * y) / s
    tau = eta * s2 / s * max(1.0 - (a / a2) ** 2, 0.0) ** 0.5
    x = a2 * estimate + b2 * y + max(s2**2 - tau**2, 0.0) ** 0.5 * direction
    return x + tau * noise() if tau > 0 else x
