"""One translation from start to end: every step kept, with its profile, spectrum and error."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS
from data.normalize import DEFAULT, Normalization
from engine.metrics.profile import radial_profile, residual_dex
from engine.translator import Request, Step
from explorer import library
from explorer.curves import Spectra, errors_dex, run_spectra
from explorer.library import Scene
from explorer.store import View

NUM_BINS = 20
Array = NDArray[np.float64]
OnStep = Callable[[int, int, NDArray[np.float32]], None]


@dataclass(frozen=True)
class Run:
    """A finished translation.

    Attributes
    ----------
    view, scene : what was translated.
    times : (n,) the sampler's time after each step.
    noisy : (n, H, W) float32, x_t in the network's normalized units.
    estimates : (n, H, W) float32 in the target's unit; the last one is the output.
    truth : (H, W) in the target's unit, or None where the galaxy has no such map.
    radii_kpc : (bins,).
    profiles, residuals : (n, bins) means in the target's unit, and in dex from the truth's.
    truth_profile : (bins,), NaN where there is no truth.
    seconds : time that sampling took.
    sampler : name of the sampler, empty for a translator of one step.
    sigmas : (n,) standard deviation of the noise in x_t, zero throughout where there is none.
    spectra : power by scale of x_t and estimate at each step.
    errors : (n,) mean absolute error of each estimate in dex, NaN where there is no truth.
    """

    view: View
    scene: Scene
    times: Array
    noisy: NDArray[np.float32]
    estimates: NDArray[np.float32]
    truth: NDArray[np.float32] | None
    radii_kpc: Array
    profiles: Array
    residuals: Array
    truth_profile: Array
    seconds: float
    sampler: str
    sigmas: Array
    spectra: Spectra
    errors: Array

    @property
    def output(self) -> NDArray[np.float32]:
        """Last estimate, (H, W) in the target's unit."""
        return self.estimates[-1]

    @property
    def num_steps(self) -> int:
        """Number of steps taken."""
        return len(self.times)

    @property
    def nbytes(self) -> int:
        """Memory that its maps take."""
        return self.noisy.nbytes + self.estimates.nbytes


@dataclass(frozen=True)
class Task:
    """One translation to be made, alone or with others.

    Attributes
    ----------
    view : what to translate, with which translator, seed and number of steps.
    scene : the maps of the galaxy.
    on_step : called with the step from 1, their number and the estimate (H, W) after each step;
        what it raises ends the translation.
    """

    view: View
    scene: Scene
    on_step: OnStep


def agreement(view: View, scene: Scene) -> Hashable:
    """Return what must be equal for translations to be made in one go."""
    return view.translator, view.steps, view.guidance, scene.maps[view.source].shape


def room(view: View, scene: Scene) -> int:
    """Return how many translations like this one are best made in one go."""
    height, width = scene.maps[view.source].shape
    return library.load_translator(view.translator).room((height, width))


def translate(
    view: View, scene: Scene, on_step: OnStep = lambda step, num_steps, estimate: None
) -> Run:
    """Translate the source map of `scene`, keeping every step; the others are those of `Task`."""
    [made] = translate_together([Task(view, scene, on_step)])
    if isinstance(made, Exception):
        raise made
    return made


def translate_together(tasks: Sequence[Task]) -> Iterator[Run | Exception]:
    """Translate in one go what is of one `agreement`; yield what came of each, in their order.

    Where one ends early, the others go on; where all have, there are no further steps.
    """
    if not tasks:
        return
    try:
        walk = _walk(tasks)
    except Exception as error:
        if len(tasks) == 1:
            yield error
            return
        # One of them may be to blame, or there is no room for all: each by itself.
        for task in tasks:
            yield from translate_together([task])
        return
    for task, steps in zip(tasks, walk, strict=True):
        yield steps if isinstance(steps, Exception) else _collect(task, *steps)


def _walk(tasks: Sequence[Task]) -> list[tuple[list[Step], float] | Exception]:
    """Return the steps of each task and their seconds, or what ended it."""
    first, start = tasks[0].view, time.perf_counter()
    asked = [
        Request(task.scene.maps[task.view.source], task.view.source, task.view.target,
                task.view.seed)
        for task in tasks
    ]  # fmt: skip
    kept: list[list[Step]] = [[] for _ in tasks]
    ended: dict[int, Exception] = {}
    translator = library.load_translator(first.translator)
    with closing(
        translator.together(asked, num_steps=first.steps, guidance=first.guidance)
    ) as walk:
        for steps in walk:
            for index in range(len(tasks)):
                if index in ended:
                    continue
                step = steps[index]
                kept[index].append(step)
                count = len(kept[index])
                try:
                    tasks[index].on_step(count, max(step.num_steps, count), step.estimate[0])
                except Exception as error:
                    ended[index] = error
            if len(ended) == len(tasks):
                break
    seconds = time.perf_counter() - start
    return [ended.get(index, (steps, seconds)) for index, steps in enumerate(kept)]


def _collect(task: Task, steps: list[Step], seconds: float) -> Run | Exception:
    translator = library.load_translator(task.view.translator)
    kept = (
        [float(step.time) for step in steps], [float(step.sigma) for step in steps],
        [step.x[0] for step in steps], [step.estimate[0] for step in steps],
    )  # fmt: skip
    sampler = translator.default_sampler if len(steps) > 1 else ""
    try:
        return collect(task.view, task.scene, kept, seconds, sampler, translator.normalization)
    except Exception as error:  # the others' are to be had
        return error


def collect(
    view: View,
    scene: Scene,
    steps: tuple[list[float], list[float], list[NDArray[np.float32]], list[NDArray[np.float32]]],
    seconds: float,
    sampler: str = "",
    normalization: Normalization = DEFAULT,
) -> Run:
    """Join the steps (times, sigmas, x_t, estimates) of a run and take their curves.

    `normalization` is that of the translator, in whose units x_t is.
    """
    times, sigmas, noisy, estimates = (np.asarray(part) for part in steps)
    truth = scene.maps.get(view.target)
    radii, profiles = radial_profile(estimates, scene.extent_kpc, NUM_BINS)
    truth_profile = np.full(len(radii), np.nan)
    if truth is not None:
        truth_profile = radial_profile(truth, scene.extent_kpc, NUM_BINS)[1]
    scale_dex = normalization[view.target].scale_dex
    return Run(
        view, scene, times, noisy, estimates, truth, radii, profiles,
        residual_dex(profiles, truth_profile), truth_profile, seconds, sampler, sigmas,
        run_spectra(noisy, estimates, view.target, scale_dex, scene.extent_kpc),
        errors_dex(estimates, truth, view.target),
    )  # fmt: skip


def residual_map(run: Run) -> Array | None:
    """Return log10(output / truth) in dex, (H, W); None without truth.

    Pixels in which both are below the domain's floor hold nothing and are NaN.
    """
    if run.truth is None:
        return None
    return residual_dex(run.output, run.truth, DOMAINS[run.view.target].floor)
