"""One position for all runs on view: which step each of them shows, and where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from explorer.scales import log_ticks, tick_label

Array = NDArray[np.float64]

_DECADES = 2.0  # more of them want a logarithmic axis
_TICKS = 4


@dataclass(frozen=True)
class Axis:
    """How the steps of a run lie along the scrubber.

    Attributes
    ----------
    places : (n,) of its steps, rising from 0 to 1.
    ticks : (place, words) of round numbers.
    """

    places: Array
    ticks: list[tuple[float, str]]


def lock_steps(times: Sequence[Array]) -> NDArray[np.int_]:
    """Return the step, from 1, that each run shows at each stop of the scrubber: (stops, runs).

    Stops are the steps of the run that has most, the first of equals. Any other run shows its step
    that is nearest in t, the earlier of two. The time t, not the share of the steps, keeps runs
    together: schedules crowd their steps at different times, and t is what a run counts down.

    Parameters
    ----------
    times : of each run, (n,) after each step, falling.
    """
    lead = max(times, key=len)
    # Rounded, for steps in the ratio of two are as near before as after, but for the last digit.
    apart = [np.abs(lead[:, None] - each[None, :]).round(9) for each in times]
    return np.stack([distance.argmin(axis=1) + 1 for distance in apart], axis=1)


def places_at(times: Array, lead_times: Array, axis: Axis) -> Array:
    """Return where the steps of a run stand on the `axis` of another, by their time t: (n,)."""
    return np.interp(-times, -lead_times, axis.places)


def axes(times: Array, sigmas: Array) -> dict[str, Axis]:
    """Return how a run's steps can be laid out: by "step", "t" and, where it falls, "sigma".

    Parameters
    ----------
    times, sigmas : (n,) after each step; the standard deviation of the noise in x_t.
    """
    count = len(times)
    by_step = _linear(
        np.arange(1.0, count + 1), MaxNLocator(_TICKS, integer=True, steps=[1, 2, 4, 5, 8, 10])
    )
    if by_step.ticks[0][0] > 0.05:
        by_step.ticks.insert(0, (0.0, "1"))
    found = {"step": by_step}
    if count > 1:
        found["t"] = _linear(times, MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]))
    if count > 1 and (np.diff(sigmas) < 0).all():
        positive = sigmas[sigmas > 0]
        wide = len(positive) > 2 and positive[0] > 10**_DECADES * positive[-1]
        found["sigma"] = _logarithmic(sigmas) if wide else _linear(sigmas, MaxNLocator(_TICKS))
    return found


def _linear(values: Array, locator: Any) -> Axis:
    first, last = float(values[0]), float(values[-1])
    if first == last:
        return Axis(np.zeros(len(values)), [(0.0, f"{first:g}")])
    ticks = locator.tick_values(min(first, last), max(first, last))
    marks = [(float((t - first) / (last - first)), f"{t:g}") for t in ticks]
    return Axis((values - first) / (last - first), _inside(marks))


def _logarithmic(sigmas: Array) -> Axis:
    """Lay out falling sigmas by their logarithm; a last one of zero one step further."""
    positive = sigmas[sigmas > 0]
    depth = np.log10(positive[0] / positive)
    places, ends_at_zero = depth, sigmas[-1] == 0
    if ends_at_zero:
        places = np.append(depth, 2 * depth[-1] - depth[-2])
    ticks = log_ticks(float(positive[-1]), float(positive[0]), _TICKS)
    marks = [(float(np.log10(positive[0] / t) / places[-1]), tick_label(t)) for t in ticks]
    if ends_at_zero:
        marks = [mark for mark in marks if mark[0] < 0.93] + [(1.0, "0")]
    return Axis(places / places[-1], _inside(marks))


def _inside(marks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return sorted((min(max(p, 0.0), 1.0), words) for p, words in marks if -1e-6 < p < 1 + 1e-6)
