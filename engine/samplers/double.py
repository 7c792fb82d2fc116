"""Heun's method: two evaluations a step, second order."""

from __future__ import annotations

from collections.abc import Iterator

from engine.samplers.task import Sample, Task


def heun(task: Task, num_steps: int) -> Iterator[Sample]:
    """Sample by averaging the estimates at both ends of each step.

    The corrected Euler step of Karras et al. (2022), algorithm 1, on the form of the
    probability-flow ODE that is linear in x: the estimate, not the slope, is averaged, so that it
    also starts where a = 0. The last step is one of first order, as there. 2 num_steps - 1
    evaluations.
    """
    x = task.start()
    for index, times in task.intervals(num_steps):
        estimate = task.estimate(x, times[0])
        ahead = task.advance(x, estimate, times)
        if times[1] > 0.0:
            estimate = 0.5 * (estimate + task.estimate(ahead, times[1]))
            ahead = task.advance(x, estimate, times)
        x = ahead
        yield Sample(index, times[1], x, estimate)
