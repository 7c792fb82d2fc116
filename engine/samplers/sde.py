"""Samplers of the reverse-time SDE: Euler-Maruyama, and predictor-corrector."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engine.samplers.task import Sample, Task

# Signal-to-noise ratio r of the corrector: Song et al. (2021), table 5 in appendix G, who find 0.16
# best for their VE SDE, 0.01 for VP.
CORRECTOR_RATIO = 0.16


def reverse_sde(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample by Euler-Maruyama steps of the reverse SDE (Song et al. 2021, eq. 6).

    The last step returns the estimate, as removing the last noise is best (their appendix G). It
    needs short steps: where g^2 dt is not small beside s^2, as near t = 1 of the cosine schedule,
    the states are noisier than any in training.

    Raises
    ------
    ValueError : at the call, for a path on which nothing of the target is left at t = 1
        (a = 0), where its SDE is singular.
    """
    _check(task)
    return _walk(task, num_steps, correct=False)


def predictor_corrector(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample by reverse SDE steps, each followed by one of Langevin dynamics.

    Song et al. (2021), algorithm 1. 2 num_steps - 1 evaluations. Raises as `reverse_sde`.
    """
    _check(task)
    return _walk(task, num_steps, correct=True)


def _walk(task: Task, num_steps: int, *, correct: bool) -> Iterator[Sample]:
    x = task.start()
    for index, (now, later) in task.intervals(num_steps):
        estimate = task.estimate(x, now)
        if later <= 0.0:
            x = estimate
        else:
            x = _predict(task, x, estimate, now, later)
            if correct:
                estimate = task.estimate(x, later)
                x = _correct(task, x, estimate, later)
        yield Sample(index, later, x, estimate)


def _check(task: Task) -> None:
    if float(task.process.path(torch.ones((), dtype=torch.float64))[0]) <= 0.0:
        raise ValueError(
            f"the reverse SDE of {type(task.process).__name__} is singular at t = 1: take the "
            "sampler ddim, ancestral, dpm_solver, heun or ode"
        )


def _score(task: Task, x: Tensor, estimate: Tensor, time: float) -> Tensor:
    """Return the gradient of log p(x_t | y), (a x + b y - x_t) / s^2 at the estimate of x."""
    a, b, s = (float(c) for c in task.process.path(torch.tensor(time, dtype=torch.float64)))
    return (a * estimate + b * task.y - x) / s**2


@torch.no_grad()
def _predict(task: Task, x: Tensor, estimate: Tensor, now: float, later: float) -> Tensor:
    """Return x - (u - g^2 score / 2) (now - later) + g sqrt(now - later) z.

    u is the velocity of the probability-flow ODE, u = f - g^2 score / 2 (Song et al., eq. 13).
    """
    process = task.process
    squared, step = process.diffusion_squared(now), now - later
    drift = process.velocity(x, estimate, task.y, now)
    drift = drift - 0.5 * squared * _score(task, x, estimate, now)
    return x - step * drift + (squared * step) ** 0.5 * task.noise()


@torch.no_grad()
def _correct(task: Task, x: Tensor, estimate: Tensor, time: float) -> Tensor:
    """Return x after one Langevin step (Song et al. 2021, algorithms 4 and 5).

    Their step 2 (r |z| / |score|)^2 at the norms of pure noise, sqrt(d) and sqrt(d) / s, so that no
    sample's step depends on its neighbors or on a chance small norm. The alpha_i of algorithm 5
    (VP) tends to 1 in continuous time.
    """
    s = float(task.process.path(torch.tensor(time, dtype=torch.float64))[2])
    step = 2.0 * (CORRECTOR_RATIO * s) ** 2
    return x + step * _score(task, x, estimate, time) + (2.0 * step) ** 0.5 * task.noise()
