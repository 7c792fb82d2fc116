"""Samplers: small generators over a task, each yielding a `Sample` a step, closed to cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.samplers.double import heun
from engine.samplers.ode import ode
from engine.samplers.sde import predictor_corrector, reverse_sde
from engine.samplers.single import ancestral, ddim, dpm_solver, walk
from engine.samplers.task import Noise, Sample, Task

__all__ = ["SAMPLERS", "Noise", "Sample", "Task", "walk"]

SAMPLERS: dict[str, Callable[[Task, int], Iterator[Sample]]] = {
    "ddim": ddim,
    "ancestral": ancestral,
    "dpm_solver": dpm_solver,
    "heun": heun,
    "ode": ode,
    "reverse_sde": reverse_sde,
    "predictor_corrector": predictor_corrector,
}
