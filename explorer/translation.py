"""One translation from start to end: every step kept, with its profile, spectrum and error."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS
from data.normalize import DEFAULT, Normalization
from engine.metrics.profile import radial_profile, residual_dex
from explorer import library
from explorer.curves import Spectra, errors_dex, run_spectra
from explorer.library import Scene
from explorer.store import View

NUM_BINS = 20
Array = NDArray[np.float64]


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


def translate(
    view: View,
    scene: Scene,
    on_step: Callable[[int, int, NDArray[np.float32]], None] = lambda i, n, estimate: None,
) -> Run:
    """Translate the source map of `scene`, keeping every step.

    Parameters
    ----------
    view : what to translate, with which translator, seed and number of steps.
    scene : the maps of the galaxy.
    on_step : called with the step from 1, their number and the estimate (H, W) after each step;
        what it raises ends the run.
    """
    translator = library.load_translator(view.translator)
    start = time.perf_counter()
    times, sigmas, noisy, estimates = [], [], [], []
    steps = translator.trajectory(
        scene.maps[view.source],
        view.source,
        view.target,
        num_steps=view.steps,
        seed=view.seed,
        guidance=view.guidance,
    )
    try:
        for step in steps:
            times.append(float(step.time))
            sigmas.append(float(step.sigma))
            noisy.append(np.asarray(step.x[0], np.float32))
            estimates.append(np.asarray(step.estimate[0], np.float32))
            on_step(len(times), max(int(step.num_steps), len(times)), estimates[-1])
    finally:
        close = getattr(steps, "close", None)
        if close is not None:
            close()
    seconds = time.perf_counter() - start
    sampler = translator.default_sampler if len(times) > 1 else ""
    kept = (times, sigmas, noisy, estimates)
    return collect(view, scene, kept, seconds, sampler, translator.normalization)


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
