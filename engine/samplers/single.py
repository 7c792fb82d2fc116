"""Samplers of one evaluation a step: DDIM, ancestral sampling, DPM-Solver++(2M)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from engine.samplers.task import Sample, Task


def walk(task: Task, num_steps: int, *, eta: float) -> Iterator[Sample]:
    """Walk from t = 1 to 0, yielding after each of `num_steps` evaluations; close it to cancel.

    `eta` is 0 for no fresh noise, 1 for a draw from the posterior at each step.
    """
    x = task.start()
    for index, times in task.intervals(num_steps):
        estimate = task.estimate(x, times[0])
        x = task.advance(x, estimate, times, eta)
        yield Sample(index, times[1], x, estimate)


def ddim(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample without fresh noise (Song, Meng & Ermon 2021, eq. 12): first order in the steps."""
    return walk(task, num_steps, eta=0.0)


def ancestral(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample with a draw from the posterior a step (Ho, Jain & Abbeel 2020, algorithm 2).

    Of their two variances the smaller: it leaves out how far x may lie from the estimate, so that
    samples of few steps spread too little.
    """
    return walk(task, num_steps, eta=1.0)


def dpm_solver(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample by DPM-Solver++(2M): second order, the last estimate carried on.

    Lu et al. (2022), "DPM-Solver++", algorithm 2, in steps of lambda = ln(a / s). The first step
    and the last, to the data, are of first order; so is the second after a start from pure noise,
    where lambda, and with it the first step, is infinite.
    """
    x = task.start()
    before: tuple[Tensor, float] | None = None
    for index, times in task.intervals(num_steps):
        estimate = task.estimate(x, times[0])
        now, later = (_log_signal_to_noise(task, time) for time in times)
        step = later - now if times[1] > 0.0 else math.inf
        used = estimate
        if before is not None and math.isfinite(step) and 0.0 < before[1] < math.inf:
            used = estimate + 0.5 * step / before[1] * (estimate - before[0])
        x = task.advance(x, used, times)
        before = (estimate, step)
        yield Sample(index, times[1], x, used)


def _log_signal_to_noise(task: Task, time: float) -> float:
    a, _, s = (float(c) for c in task.process.path(torch.tensor(time, dtype=torch.float64)))
    if a <= 0 or s <= 0:
        return -math.inf if a <= 0 else math.inf
    return math.log(a / s)
