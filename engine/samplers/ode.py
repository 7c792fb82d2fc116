"""The probability-flow ODE with an adaptive solver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from scipy.integrate import RK45
from torch import Tensor

from engine.samplers.task import Sample, Task

# Where the noise is gone for good; the estimate there is the result.
LAST_TIME = 1e-3
TOLERANCE = 1e-3


def ode(task: Task, num_steps: int, *, tolerance: float = TOLERANCE) -> Iterator[Sample]:
    """Sample by the Runge-Kutta method of order 5(4) of Dormand & Prince, each sample by itself.

    Song et al. (2021), section 4.3. The error of a step is held below `tolerance`, in the
    normalized units; the solver takes as many evaluations as that needs, and one more for each of
    the `num_steps` states that are reported. The state is float64.
    """
    walks = [_one(task, x, i, num_steps, tolerance) for i, x in enumerate(task.start())]
    for index, states in enumerate(zip(*walks, strict=True), start=1):
        x, estimate = (torch.cat([s[k] for s in states]) for k in (1, 2))
        yield Sample(index, states[0][0], x, estimate)


def _one(
    whole: Task, start: Tensor, index: int, num_steps: int, tolerance: float
) -> Iterator[tuple[float, Tensor, Tensor]]:
    """Yield (time, x, estimate) of one sample (1, h, w), each map (1, 1, h, w)."""
    task, process = whole.alone(index), whole.process

    def maps(state: NDArray[Any]) -> Tensor:
        return torch.from_numpy(state).to(start).reshape(1, *start.shape)

    def slope(time: float, state: NDArray[Any]) -> NDArray[Any]:
        x = maps(state)
        velocity = process.velocity(x, task.estimate(x, time), task.y, time)
        return velocity.double().cpu().numpy().ravel()

    initial = start.double().cpu().numpy().ravel()
    solver = RK45(slope, 1.0, initial, LAST_TIME, rtol=tolerance, atol=tolerance)
    for time in process.times(num_steps).tolist()[1:]:
        wanted = max(time, LAST_TIME)
        while solver.t > wanted and solver.status == "running":
            if (message := solver.step()) is not None:
                raise ValueError(f"the ODE could not be solved to {tolerance}: {message}")
        # Where no step was taken yet there is nothing to interpolate.
        x = maps(solver.dense_output()(wanted) if solver.t < 1.0 else initial)
        estimate = task.estimate(x, wanted)
        yield (time, estimate if time <= 0.0 else x, estimate)
