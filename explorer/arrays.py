"""Arrays of one's own as the views want them, or a sentence on what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import Range1d
from numpy.typing import ArrayLike, NDArray

from data.domains import get_domain
from data.normalize import Normalization
from engine.step import Step
from explorer import theme
from explorer.clouds import spots, surface_density
from explorer.ensemble import Ensemble
from explorer.library import Scene
from explorer.sampling import Sampling
from explorer.scales import log_limits
from explorer.session import Session
from explorer.store import Store
from explorer.translation import Run, collect
from explorer.views.cloud import CloudPane

NAME = "own arrays"
Map = NDArray[np.float32]


def checked_samples(samples: ArrayLike) -> NDArray[np.float32]:
    """Return samples (M, H, W) as the views want them, or say what is wrong with them."""
    drawn = np.asarray(samples)
    if drawn.ndim != 3 or len(drawn) < 2:
        raise ValueError(f"samples must have shape (M, H, W) with M from 2, got {drawn.shape}")
    return np.stack([checked_map("samples", each) for each in drawn])


def sampling_of(session: Session, drawn: NDArray[np.float32] | None) -> Sampling:
    """Return what holds these samples, and draws none."""
    sampling = Sampling(session)
    if drawn is not None:
        sampling.param.count.objects = [len(drawn)]
        sampling.count = len(drawn)
        sampling.ensemble = Ensemble(session.store.view, session.scene, drawn, 0.0)
    return sampling


def other_domain(target: str) -> str:
    """Return a domain that is not the target."""
    return "gas" if target != "gas" else "dark_matter"


def checked_map(name: str, values: ArrayLike) -> Map:
    """Return a map as the views want it, or say what is wrong with it."""
    array = np.asarray(values)
    if array.ndim != 2 or min(array.shape, default=0) < 8 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} must be square maps (H, W) from 8 pixels, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, got {array.dtype}")
    if not (np.isfinite(array) & (array > 0)).any():
        raise ValueError(f"{name} must have a pixel above zero, for its scale is logarithmic")
    return np.array(array, np.float32)


def checked_points(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return points (n, 3) in kpc, or say what is wrong with them."""
    points = np.asarray(values, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 or not np.isfinite(points).all():
        raise ValueError(
            f"{name} must be two or more finite points of shape (n, 3), got {points.shape}"
        )
    return points


def cloud_pane(
    role: str, domain: str, steps: Sequence[ArrayLike], mass: float, extent_kpc: float
) -> CloudPane:
    """Return points (n, 3) at each step, of Msun in all, in the colors of a domain."""
    if not (np.isfinite(mass) and mass > 0):
        raise ValueError(f"the mass of {role.lower()} must be a number above zero, got {mass}")
    known, points = get_domain(domain), [checked_points(role.lower(), each) for each in steps]
    limits = log_limits([surface_density(points[-1], mass, extent_kpc)], domain)
    return CloudPane(
        f"{role} · {known.label.lower()}", f"{len(points[-1]):,} points",
        [spots(each) for each in points], limits, mass, known.colormap,
    )  # fmt: skip


def scene_of(
    source_map: ArrayLike, source: str, target: str, extent_kpc: float, truth: ArrayLike | None
) -> Scene:
    """Return a scene of these maps, or say what is wrong with them."""
    check_pair(source, target)
    check_extent(extent_kpc)
    known = {source: checked_map("source_map", source_map)}
    if truth is not None:
        known[target] = checked_map("truth", truth)
    return Scene(NAME, "", 0.0, 1, float(extent_kpc), known)


def check_pair(source: str, target: str) -> None:
    """Raise ValueError unless both are domains, and two."""
    for domain in (source, target):
        get_domain(domain)
    if source == target:
        raise ValueError(f"source and target must be two domains, got {source!r} for both")


def check_extent(extent_kpc: float) -> None:
    """Raise ValueError unless it is a number above zero."""
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be a number above zero, got {extent_kpc}")


def session_of(scene: Scene, source: str, target: str, dark: bool) -> Session:
    """Return a session that shows `scene` and asks the worker for nothing."""
    session = bare_session(source, target, dark)
    session.scene = scene
    return session


def bare_session(
    source: str, target: str, dark: bool, cards: Mapping[str, Any] | None = None
) -> Session:
    """Return a session of no galaxy's maps."""
    check_pair(source, target)
    theme.start_holoviews()
    store = Store(cards=cards or {NAME: {"title": "Own arrays", "default_steps": 1}})
    store.param.update(source=source, target=target)
    return Session(store, dark=dark)


def run_of(session: Session, taken: list[Step], normalization: Normalization) -> Run:
    """Return steps as the run of a session; ValueError where maps differ in shape."""
    estimates = [checked_map("estimate", step.estimate[0]) for step in taken]
    shape = estimates[0].shape
    others = {each.shape for each in [*estimates, *session.scene.maps.values()]} - {shape}
    if others:
        raise ValueError(f"all maps must have the same shape, got {shape} and {others.pop()}")
    times, sigmas = ([float(getattr(s, name)) for s in taken] for name in ("time", "sigma"))
    noisy = [np.asarray(step.x[0], np.float32) for step in taken]
    kept = (times, sigmas, noisy, estimates)
    return collect(session.store.view, session.scene, kept, 0.0, normalization=normalization)


def ranges_of(extent_kpc: float) -> tuple[Range1d, Range1d]:
    """Return ranges of x and y that maps of this side share."""
    half = 0.5 * extent_kpc
    ends = {"start": -half, "end": half, "reset_start": -half, "reset_end": half}
    return Range1d(**ends), Range1d(**ends)
