"""What the browser is told of the curves beside the maps: tables of numbers, and their axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from data.domains import DOMAINS
from engine.metrics.profile import radial_profile, residual_dex
from explorer.curves import log_spectrum
from explorer.library import Scene
from explorer.scales import dex_limit, log_ticks, tick_label
from explorer.translation import NUM_BINS, Run
from explorer.views.maps import quantity

Array = NDArray[np.float64]
_DECADES = 8.0


def curve_panels(
    runs: Sequence[Run], scene: Scene | None, target: str, truth: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Return, by kind of curve, axes that hold for all steps of `runs`, and the truth's curve."""
    extent = scene.extent_kpc if scene else 100.0
    return {
        "profile": _profile(runs, extent, target, truth),
        "spectrum": _spectrum(runs, extent, target, truth),
        "error": _error(runs),
    }


def run_curves(run: Run, truth: NDArray[np.float32] | None) -> dict[str, Any]:
    """Return the curves of a run as tables of float32, (steps, points) each, row by row.

    `main` is the estimate's, `below` its difference from the truth in dex, `state` that of x_t.
    """
    spectra, below = run.spectra, np.full(run.spectra.estimates.shape, np.nan)
    if truth is not None:
        k, power = log_spectrum(truth, run.view.target, run.scene.extent_kpc)
        if len(k) == len(spectra.wavenumbers):
            below = residual_dex(spectra.estimates, power)
    return {
        "profile": {"x": _bytes(run.radii_kpc), "main": _bytes(run.profiles),
                    "below": _bytes(run.residuals)},
        "spectrum": {"x": _bytes(spectra.wavenumbers), "main": _bytes(spectra.estimates),
                     "below": _bytes(below), "state": _bytes(spectra.states)},
        "error": {"main": _bytes(run.errors)},
    }  # fmt: skip


def _profile(
    runs: Sequence[Run], extent: float, target: str, truth: NDArray[np.float32] | None
) -> dict[str, Any]:
    domain = DOMAINS[target]
    radii, values = np.empty(0), np.empty(0)
    if truth is not None:
        radii, values = radial_profile(truth, extent, NUM_BINS)
    shown = [values, *(run.profiles[-1] for run in runs)]
    low, high = _limits(shown, domain.display_range)
    return {
        "title": "Radial profile",
        "x": {"words": "projected radius (kpc)", "low": 0.0, "high": 0.5 * extent, "log": False,
              "ticks": _round_ticks(0.0, 0.5 * extent)},
        "y": _log_axis(f"{quantity(domain)} ({domain.unit})", low, high),
        "below": _below("Δ (dex)", [run.residuals[-1] for run in runs]),
        "truth": {"x": _bytes(radii), "main": _bytes(values)},
    }  # fmt: skip


def _spectrum(
    runs: Sequence[Run], extent: float, target: str, truth: NDArray[np.float32] | None
) -> dict[str, Any]:
    k, power = np.empty(0), np.empty(0)
    if truth is not None:
        k, power = log_spectrum(truth, target, extent)
    final = [run.spectra.estimates[-1] for run in runs]
    low, high = _limits([power, *final, *(run.spectra.states[0] for run in runs)], (1e-4, 1e4))
    ends = [run.spectra.wavenumbers[[0, -1]] for run in runs] + ([k[[0, -1]]] if len(k) else [])
    first, last = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.1, 10.0)
    ratios = [residual_dex(each, power) for each in final if len(each) == len(power)]
    return {
        "title": "Power spectrum",
        "x": _log_axis("wavenumber k (kpc⁻¹)", float(first), float(last)),
        "y": _log_axis("P(k) of log₁₀ (dex² kpc²)", low, high),
        "below": _below("Δ (dex)", ratios),
        "truth": {"x": _bytes(k), "main": _bytes(power)},
    }  # fmt: skip


def _error(runs: Sequence[Run]) -> dict[str, Any]:
    errors = np.concatenate([*(run.errors for run in runs), []])
    errors = errors[np.isfinite(errors)]
    high = 1.25 * float(errors.max()) if len(errors) and errors.max() > 0 else 1.0
    return {
        "title": "Error of the estimate by step",
        "y": {"words": "mean |Δ log₁₀| (dex)", "low": 0.0, "high": high, "log": False,
              "ticks": _round_ticks(0.0, high)},
        "below": None, "truth": None,
        "nothing": "" if len(errors) or not runs else "without truth there is no error",
    }  # fmt: skip


def _limits(curves: Iterable[Array], default: tuple[float, float]) -> tuple[float, float]:
    """Return logarithmic limits around the positive values, at most `_DECADES` apart."""
    values = np.concatenate([*curves, []])
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return default
    low, high = float(values.min()) / 2.0, float(values.max()) * 3.0
    return max(low, high / 10**_DECADES), high


def _below(words: str, residuals: Sequence[Array]) -> dict[str, Any]:
    limit = max([dex_limit(residual) for residual in residuals], default=1.0)
    return {"words": words, "limit": limit}


def _log_axis(words: str, low: float, high: float) -> dict[str, Any]:
    words_of = "{:g}".format if low > 1e-3 and high < 1e3 else tick_label
    ticks = [[tick, words_of(tick)] for tick in log_ticks(low, high)]
    return {"words": words, "low": low, "high": high, "log": True, "ticks": ticks}


def _round_ticks(low: float, high: float) -> list[list[Any]]:
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [[float(tick), f"{tick:g}"] for tick in ticks if low <= tick <= high]


def _bytes(values: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(values, "<f4").tobytes()
