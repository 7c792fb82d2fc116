"""What the browser is told of the runs on view, but for their frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS
from explorer import theme
from explorer.frames import (
    NOISE_LIMIT,
    Reel,
    Scale,
    chunk_steps,
    film_steps,
    noise_scales,
    step_labels,
)
from explorer.lockstep import axes, lock_steps, places_at
from explorer.scales import DIVERGING, bar_ticks, log_limits, palette_words, tick_label
from explorer.session import Session
from explorer.store import View
from explorer.translation import Run
from explorer.views.maps import quantity
from explorer.views.panels import curve_panels, run_curves

DIFFERENCE_DEX = 0.5


def runs_on_view(session: Session) -> list[Run]:
    """Return the session's run and the pinned one, as far as there are and go together."""
    run, pinned = session.run, session.pinned
    runs = [] if run is None else [run]
    if pinned is None or mismatch(pinned.view, session.store.view):
        return runs
    return runs if run is not None and run.view == pinned.view else [*runs, pinned]


def mismatch(pinned: View, view: View) -> str:
    """Say what keeps two runs from being compared, as "another galaxy"; empty if nothing does."""
    names = [n for n in ("galaxy", "rotation", "target") if getattr(pinned, n) != getattr(view, n)]
    return f"another {names[0]}" if names else ""


def estimate_scale(session: Session) -> Scale:
    """Return the scale of estimate and truth: that of the output and truth of the maps above."""
    truth, runs = _truth(session), runs_on_view(session)
    shown = truth if truth is not None or not runs else runs[0].output
    return Scale(*log_limits([shown], session.store.target), logarithmic=True)


def spec(session: Session, reels: list[Reel]) -> dict[str, Any]:
    """Return what the browser needs to know of `reels`, those of `runs_on_view`, or of none.

    Maps are bytes of levels (H, W), row 0 at the bottom; curves are those of `panels`; steps and
    stops count from 1, and a stop holds the step of each reel.
    """
    scene, truth, runs = session.scene, _truth(session), [reel.run for reel in reels]
    stops, lead = np.empty((0, 0), int), None
    if runs:
        stops, lead = lock_steps([run.times for run in runs]), max(runs, key=lambda r: r.num_steps)
    film = []
    if lead is not None and lead.num_steps > 1:
        film = [[i, f"{lead.times[i - 1]:.2f}"] for i in film_steps(lead.times)]
    scale, laid = estimate_scale(session), axes(lead.times, lead.sigmas) if lead else {}
    told = _reels(session, reels)
    for each, run in zip(told, runs, strict=True):
        each["places"] = {name: places_at(run.times, axis).tolist() for name, axis in laid.items()}
    return {
        "reels": told, "stops": stops.tolist(), "film": film,
        "step": min(session.store.step or session.run.num_steps, session.run.num_steps)
        if session.run else 0,
        "axes": {name: {"places": axis.places.tolist(), "ticks": [list(t) for t in axis.ticks]}
                 for name, axis in laid.items()},
        "extent": float(scene.extent_kpc) if scene else 100.0,
        "maps": _maps(session, runs, scale),
        "curves": curve_panels(runs, scene, session.store.target, truth),
        "truth": None if truth is None else scale.levels(truth).tobytes(),
        "shape": list(truth.shape) if truth is not None else [1, 1],
        "dexPerLevel": float(np.log10(scale.high / scale.low)) / 254,
        "hasPin": session.pinned is not None, "canPin": session.run is not None,
        "note": _note(session), "marginLeft": theme.MARGIN_LEFT, "gap": theme.GAP,
    }  # fmt: skip


def _truth(session: Session) -> NDArray[np.float32] | None:
    return session.scene.maps.get(session.store.target) if session.scene else None


def _reels(session: Session, reels: list[Reel]) -> list[dict[str, Any]]:
    """Return what is told of each run: its words, labels of its steps, curves."""
    told, truth = [], _truth(session)
    facts = [_facts(session, reel.run) for reel in reels]
    for reel, own in zip(reels, facts, strict=True):
        run, others = reel.run, [other for other in facts if other is not own]
        is_pinned = run is session.pinned and run is not session.run
        differing = [word for n, word in own.items() if any(o.get(n, word) != word for o in others)]
        told.append({
            "number": reel.number, "isPinned": is_pinned,
            "words": " · ".join(w for n, w in own.items() if n != "source" or w in differing),
            "tag": ", ".join([*differing, *(["pinned"] if is_pinned else [])]),
            "labels": step_labels(run), "shape": list(run.output.shape),
            "chunk": chunk_steps(run.output.shape),
            "scales": [_told_state(scale) for scale in _states(run)],
            "curves": run_curves(run, truth),
        })  # fmt: skip
    return told


def _facts(session: Session, run: Run) -> dict[str, str]:
    """Return in words what a run was asked for: one step has nothing random, foreign ones nothing.

    Only what was sampled here names its sampler.
    """
    view = run.view
    title = session.store.cards.get(view.translator, {}).get("title", view.translator)
    facts = {"translator": str(title),
             "steps": f"{run.num_steps} steps" if run.num_steps > 1 else "1 step"}  # fmt: skip
    if run.sampler:
        facts.update(seed=f"seed {view.seed}", guidance=f"guidance {view.guidance:g}")
    return {**facts, "source": f"from {DOMAINS[view.source].label.lower()}"}


def _note(session: Session) -> str:
    """Say why there is a pin and nothing compared, where that is so."""
    pinned, run = session.pinned, session.run
    if pinned is None:
        return ""
    words = " · ".join(word for n, word in _facts(session, pinned).items() if n != "source")
    if why := mismatch(pinned.view, session.store.view):
        return f"Pinned: {words}, of {why}: nothing to compare."
    if run is not None and run.view == pinned.view:
        return "Pinned. Change translator, steps, seed, guidance or source and translate."
    return "" if run is not None else "Translate to compare with the pinned run."


def _maps(session: Session, runs: list[Run], scale: Scale) -> list[dict[str, Any]]:
    """Return title, color bar and scale (None: each reel's own) of the four kinds of maps."""
    domain, label = DOMAINS[session.store.target], DOMAINS[session.store.target].label.lower()
    shared = {"bar": f"{quantity(domain)} ({domain.unit})", "unit": domain.unit,
              "palette": palette_words(domain.colormap),
              "scale": _told(scale, bar_ticks(scale.low, scale.high))}  # fmt: skip
    is_noisy = not runs or any(run.num_steps > 1 for run in runs)
    limit, noise = DIFFERENCE_DEX, Scale(-NOISE_LIMIT, NOISE_LIMIT, logarithmic=False)
    return [
        {"title": "Noisy state xₜ" if is_noisy else "State xₜ", "bar": "xₜ (normalized)",
         "unit": "", "palette": palette_words("gray"), "nothing": "",
         "scale": None if runs else _told_state(noise)},
        {"title": f"Estimate · {label}", "nothing": "", **shared},
        {"title": f"Truth · {label}", "nothing": f"no map of {label}" if session.scene else "",
         **shared},
        {"title": "Difference", "bar": "log₁₀ run / pinned (dex)", "unit": "dex",
         "palette": palette_words(DIVERGING), "nothing": "maps of different size",
         "scale": _told(Scale(-limit, limit, False), np.linspace(-limit, limit, 5))},
    ]  # fmt: skip


def _states(run: Run) -> list[Scale]:
    scales = noise_scales(run.noisy)
    return scales[:1] if len(set(scales)) == 1 else scales


def _told_state(scale: Scale) -> dict[str, Any]:
    return _told(scale, np.linspace(scale.low, scale.high, 7))


def _told(scale: Scale, ticks: Iterable[float]) -> dict[str, Any]:
    """Return a scale as the browser reads it, its ticks as [share of the bar, words]."""
    low, high, logarithmic = scale.low, scale.high, scale.logarithmic
    if logarithmic:
        marks = [[float(np.log(t / low) / np.log(high / low)), tick_label(t)] for t in ticks]
    else:
        marks = [[float((t - low) / (high - low)), f"{t:g}".replace("-", "\u2212")] for t in ticks]
    return {"low": low, "high": high, "logarithmic": logarithmic, "ticks": marks}
