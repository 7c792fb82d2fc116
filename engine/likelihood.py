"""How probable a map is under a diffusion: log-densities by the probability-flow ODE."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from torch import Tensor

from engine.processes import Network, Process

FIRST_TIME, LAST_TIME = 1e-3, 1.0


def log_density(
    process: Process, network: Network, x: Tensor, y: Tensor, *, probes: Tensor,
    tolerance: float = 1e-4,
) -> Tensor:  # fmt: skip
    """Return log p(x | y) of one normalized map in nats.

    Parameters
    ----------
    process, network : as in `engine.samplers.task.Task`.
    x, y : (1, 1, h, w) target and source.
    probes : (m, 1, h, w) of unit variance a pixel, as signs; the divergence is their mean.
    tolerance : of the adaptive solver, relative and absolute; it bounds the root mean square over
        all pixels and the log-density, a step.

    Returns
    -------
    0-d float64, of normalized maps; plus the sum of `data.normalize.log_jacobian` over the target,
    of physical ones. Its Monte-Carlo error falls as 1/sqrt(m), and vanishes where the network's
    Jacobian is diagonal.

    Raises
    ------
    ValueError : for a process without a path through noise (no density is known then), or where
        the solver gives up.

    Notes
    -----
    d log p / dt = -div(dx/dt) along the ODE (Chen et al. 2018, eq. 8; Song et al. 2021, eq. 39),
    from t = 0.001, below which x_t is taken for x, to t = 1, where x_t is normal with mean b y and
    variance s^2 + a^2 (x of unit variance). The divergence is that of Hutchinson, the mean of
    v^T (d velocity / dx) v (Song et al., eq. 40), with the same probes all the way.
    """
    shape, count = x.shape, x.numel()
    a, b, s = (float(c) for c in process.path(torch.tensor(LAST_TIME, dtype=torch.float64)))
    if not process.has_density:
        raise ValueError(f"{process} has no density: no path of it leads through noise")

    def rates(time: float, state: NDArray[Any]) -> NDArray[Any]:
        x_t = torch.from_numpy(state[:-1]).to(x).reshape(shape)
        velocity, divergence = _velocity_and_divergence(process, network, (x_t, y), time, probes)
        return np.append(velocity.double().cpu().numpy().ravel(), float(divergence))

    state = np.append(x.double().cpu().numpy().ravel(), 0.0)
    solved = solve_ivp(rates, (FIRST_TIME, LAST_TIME), state, rtol=tolerance, atol=tolerance)
    if not solved.success:
        raise ValueError(f"the ODE could not be solved to {tolerance}: {solved.message}")
    end = solved.y[:, -1]
    variance = s * s + a * a
    rest = end[:-1] - b * y.double().cpu().numpy().ravel()
    normal = -0.5 * (rest @ rest / variance + count * math.log(2.0 * math.pi * variance))
    return torch.tensor(normal + end[-1], dtype=torch.float64)


def _velocity_and_divergence(
    process: Process, network: Network, maps: tuple[Tensor, Tensor], time: float, probes: Tensor
) -> tuple[Tensor, Tensor]:
    x, y = (m.expand(len(probes), *m.shape[1:]) for m in maps)
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
        velocity = process.velocity(x, process.denoise(network, x, times, y), y, time)
        (pulled,) = torch.autograd.grad((velocity * probes).sum(), x)
    return velocity[:1].detach(), (pulled * probes).flatten(1).sum(1).mean().detach()


def signs(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return (count, *shape) random signs: the probes of least variance (Hutchinson 1990)."""
    return torch.randint(2, (count, *shape), generator=generator).float() * 2.0 - 1.0
