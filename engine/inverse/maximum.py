"""The most probable map given data d = A x + b: the maximum of p(x | d)."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.inverse.measurement import Measurement
from engine.inverse.posterior import coefficients, require_noise, time_of
from engine.samplers.task import Task

SMOOTHEST = 1.0


def maximum(
    task: Task, measurement: Measurement, *, smoothing: float = 0.2, num_steps: int = 100,
    iterations: int = 20,
) -> Tensor:  # fmt: skip
    """Return the x (n, 1, h, w) of greatest p(x | d), with p(x) blurred by a little noise.

    Parameters
    ----------
    task : the process with its network and the sources y; no noise is drawn.
    measurement : of the target.
    smoothing : standard deviation r of that noise, in the network's units: a normal p(x) of
        variance v is taken for one of v + r^2. The score of a trained network is the less to be
        trusted the smaller the noise.
    num_steps : evaluations of the network, the first half at noise that falls from `SMOOTHEST` to
        `smoothing`. Directions of variance v that the data leave open want about sqrt(v) / r.
    iterations : at most, products with A A^T in a step.

    Raises
    ------
    ValueError : for a process without noise.

    Notes
    -----
    A step replaces x by the estimate m at x_t = a x + b y with s / a = r, and that by the mean of
    N(m, r^2) given the data. As the gradient of log p(x) is (m - x) / r^2 (Tweedie's formula), with
    a derivative of at least -1 / r^2 (that of m is a covariance), this is a proximal gradient step:
    it never goes down, and stays where the gradient of log p(x | d) vanishes. Steps gain momentum
    (Beck & Teboulle 2009), lost where it points backwards (O'Donoghue & Candes 2015). Where p(x)
    has several maxima, falling noise leads from the single one of the strongly blurred density to
    one of them; it need not be the highest.

    All this is for a linear A. One that is linearized at each m leads near the maximum, as far as
    the data agree with it within their noise (see `Measurement.update`).
    """
    require_noise(task.process)
    halfway = max(1, num_steps // 2)
    x = before = torch.zeros_like(task.y)
    pace = torch.ones_like(x[:, :1, :1, :1])
    time = 1.0
    for number in range(1, num_steps + 1):
        if number <= halfway:
            time = time_of(task.process, SMOOTHEST * (smoothing / SMOOTHEST) ** (number / halfway))
        quicker = 0.5 * (1.0 + torch.sqrt(1.0 + 4.0 * pace**2))
        ahead = x + (pace - 1.0) / quicker * (x - before)
        found = _step(task, measurement, ahead, time, iterations)
        backwards = ((ahead - found) * (found - x)).sum(dim=(1, 2, 3), keepdim=True) > 0.0
        pace = torch.where(backwards, torch.ones_like(pace), quicker)
        before, x = x, found
    return x


def _step(task: Task, measurement: Measurement, x: Tensor, time: float, iterations: int) -> Tensor:
    a, b, s = coefficients(task.process, time)
    mean = task.estimate(a * x + b * task.y, time)
    return measurement.update(mean, lambda v: (s / a) ** 2 * v, iterations=iterations)
