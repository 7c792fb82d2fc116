"""Views of the explorer alone, in a notebook, with arrays of one's own.

    import panel as pn
    from explorer import notebook

    pn.extension()
    notebook.maps(gas, sample, source="gas", target="dark_matter", extent_kpc=60.0, truth=truth)

Maps are (H, W) with row = y upwards and square pixels, in the units of `data.domains`. The state of
the page, its catalog and its translators take no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import Range1d
from numpy.typing import ArrayLike, NDArray
from panel.viewable import Viewer
from panel_material_ui.base import MaterialComponent

from data.domains import get_domain
from data.normalize import DEFAULT, Normalization
from engine.evaluation import Evaluation
from engine.step import Step
from explorer import theme
from explorer.beside import Beside
from explorer.ensemble import Ensemble
from explorer.library import Scene
from explorer.population import survey_maps
from explorer.sampling import Sampling
from explorer.session import Session
from explorer.store import MAX_STEPS, Store
from explorer.translation import Run, collect
from explorer.views.compare import Compare
from explorer.views.grid import MapGrid
from explorer.views.population import PopulationPage
from explorer.views.profiles import ProfilesPage
from explorer.views.steps import StepPlayer
from explorer.views.uncertainty import Uncertainty
from explorer.views.viewport import frame_size

_NAME = "own arrays"
Map = NDArray[np.float32]


class Shown(Viewer):
    """A view on a ground of its own; a notebook displays it, `servable` serves it.

    `make` makes the view anew for each display, for figures belong to one document.
    """

    def __init__(self, make: Callable[[], Viewer], dark: bool, width_px: int):
        super().__init__()
        self.make, self._dark, self._width_px = make, dark, width_px

    def __panel__(self) -> Any:
        view, colors = self.make(), theme.colors(self._dark)
        for widget in pn.panel(view).select(MaterialComponent):
            widget.param.update(dark_theme=self._dark, theme_config=theme.MATERIAL)
        styles = {
            **theme.variables(colors), "background": colors.surface, "color": colors.text,
            "padding": "8px", "border-radius": "8px",
        }  # fmt: skip
        return pn.Column(view, styles=styles, width=self._width_px, margin=0)


def maps(
    source_map: ArrayLike,
    output: ArrayLike,
    *,
    source: str,
    target: str,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return input, output, truth and residual of a translation side by side, with one zoom.

    Parameters
    ----------
    source_map, output, truth : (H, W), the source in the unit of the domain `source`, the others in
        that of `target`; NaN where there is no value.
    source, target : names of domains.
    extent_kpc : side of the maps.
    dark : on a dark ground.
    width_px : of the whole.

    Raises
    ------
    ValueError : in one sentence, where an array or a number cannot be shown.
    """
    made = _map("output", output)
    step = Step(1, 0.0, np.zeros_like(made)[None], made[None], 1)
    session = _session(_scene(source_map, source, target, extent_kpc, truth), source, target, dark)
    session.run = _run(session, [step], DEFAULT)

    def make() -> Viewer:
        grid = MapGrid(session, Beside(session), _ranges(extent_kpc))
        grid.resize(width_px)
        return grid

    return Shown(make, dark, width_px)


def steps(
    trajectory: Iterable[Step],
    source_map: ArrayLike,
    *,
    source: str,
    target: str,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    normalization: Normalization = DEFAULT,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return the player of a translation's steps, with profile, power spectrum and error at each.

    Parameters
    ----------
    trajectory : what `engine.translator.Translator.trajectory` yields; of each step the first
        sample is shown.
    normalization : the translator's, `Translator.normalization`, in whose units x_t is.
    source_map, source, target, extent_kpc, truth, dark, width_px : as for `maps`.
    """
    taken = list(trajectory)
    if not 1 <= len(taken) <= MAX_STEPS:
        raise ValueError(f"trajectory must have 1 to {MAX_STEPS} steps, got {len(taken)}")
    scene = _scene(source_map, source, target, extent_kpc, truth)
    session = _session(scene, source, target, dark)
    session.run = _run(session, taken, normalization)

    def make() -> Viewer:
        player = StepPlayer(session, *_ranges(extent_kpc))
        player.resize(frame_size(width_px, 4))
        player.dress(theme.named(theme.colors(dark)))
        return player

    return Shown(make, dark, width_px)


def uncertainty(
    samples: ArrayLike,
    *,
    target: str,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return mean, spread and profiles of samples, and what they hold in a circle that moves.

    Parameters
    ----------
    samples : (M, H, W) in the unit of the domain `target`, two or more.
    target, extent_kpc, truth, dark, width_px : as for `maps`.
    """
    drawn = _samples(samples)
    source = _other(target)  # of which nothing is shown
    session = _session(_scene(drawn[0], source, target, extent_kpc, truth), source, target, dark)
    sampling = _sampling(session, drawn)

    def make() -> Viewer:
        view = Uncertainty(session, sampling)
        view.fit(width_px)
        return view

    return Shown(make, dark, width_px)


def profiles(
    source_map: ArrayLike,
    output: ArrayLike,
    *,
    source: str,
    target: str,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    samples: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return radial profiles of input, output, samples and truth, and switches of how to read them.

    Parameters
    ----------
    samples : (M, H, W) in the unit of the domain `target`, two or more, for a band; or None.
    source_map, output, source, target, extent_kpc, truth, dark, width_px : as for `maps`.
    """
    made = _map("output", output)
    session = _session(_scene(source_map, source, target, extent_kpc, truth), source, target, dark)
    session.run = _run(session, [Step(1, 0.0, np.zeros_like(made)[None], made[None], 1)], DEFAULT)
    sampling = _sampling(session, None if samples is None else _samples(samples))

    def make() -> Viewer:
        view = ProfilesPage(session, sampling)
        view.fit(width_px)
        return view

    return Shown(make, dark, width_px)


def population(
    truths: ArrayLike,
    samples: ArrayLike,
    *,
    target: str,
    extent_kpc: ArrayLike,
    names: Iterable[str] | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return what maps of many galaxies hold in all and by radius, beside the truth.

    A box, a lasso or a click selects galaxies in all figures, and lists them.

    Parameters
    ----------
    truths : (n, H, W) in the unit of the domain `target`.
    samples : (n, M, H, W), or (n, H, W) of one sample each.
    extent_kpc : side of the maps, one or (n,).
    names : (n,) of the galaxies; their numbers from 1 where there are none.
    target, dark, width_px : as for `maps`.
    """
    get_domain(target)
    true, drawn = (np.asarray(each, np.float32) for each in (truths, samples))
    drawn = drawn[:, None] if drawn.ndim == 3 else drawn
    if true.ndim != 3 or drawn.ndim != 4 or drawn[:, 0].shape != true.shape or not true.size:
        raise ValueError(
            "truths and samples must have shapes (n, H, W) and (n, M, H, W), "
            f"got {np.shape(truths)} and {np.shape(samples)}"
        )
    called = [f"{n + 1}" for n in range(len(true))] if names is None else [str(n) for n in names]
    if len(called) != len(true):
        raise ValueError(f"names must be {len(true)}, one a galaxy, got {len(called)}")
    sides = np.broadcast_to(np.asarray(extent_kpc, float), len(true))
    _check_extent(float(sides.min()))
    found = survey_maps(true, drawn, target, sides, np.array(called))
    session = _bare_session(_other(target), target, dark)

    def make() -> Viewer:
        view = PopulationPage(session, found)
        view.fit(width_px)
        return view

    return Shown(make, dark, width_px)


def compare(
    evaluations: Mapping[str, Evaluation | str | Path],
    *,
    source: str,
    target: str,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return table and figures of how methods do on hold-out galaxies; a click chooses a direction.

    Parameters
    ----------
    evaluations : by name, evaluations or the files that `python -m train evaluate` writes; the
        matrix is of the first, over that called "pixelwise" where there is one.
    source, target, dark, width_px : as for `maps`.
    """
    if not evaluations:
        raise ValueError("evaluations must be one or more, got none")
    known = {
        name: each if isinstance(each, Evaluation) else Evaluation.read(each)
        for name, each in evaluations.items()
    }
    cards = {name: {"title": each.method.title} for name, each in known.items()}
    session = _bare_session(source, target, dark, cards)

    def make() -> Viewer:
        view = Compare(session, known)
        view.fit(width_px)
        return view

    return Shown(make, dark, width_px)


def _samples(samples: ArrayLike) -> NDArray[np.float32]:
    """Return samples (M, H, W) as the views want them, or say what is wrong with them."""
    drawn = np.asarray(samples)
    if drawn.ndim != 3 or len(drawn) < 2:
        raise ValueError(f"samples must have shape (M, H, W) with M from 2, got {drawn.shape}")
    return np.stack([_map("samples", each) for each in drawn])


def _sampling(session: Session, drawn: NDArray[np.float32] | None) -> Sampling:
    """Return what holds these samples, and draws none."""
    sampling = Sampling(session)
    if drawn is not None:
        sampling.param.count.objects = [len(drawn)]
        sampling.count = len(drawn)
        sampling.ensemble = Ensemble(session.store.view, session.scene, drawn, 0.0)
    return sampling


def _other(target: str) -> str:
    """Return a domain that is not the target."""
    return "gas" if target != "gas" else "dark_matter"


def _map(name: str, values: ArrayLike) -> Map:
    """Return a map as the views want it, or say what is wrong with it."""
    array = np.asarray(values)
    if array.ndim != 2 or min(array.shape, default=0) < 8 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{name} must be square maps (H, W) from 8 pixels, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers, got {array.dtype}")
    if not (np.isfinite(array) & (array > 0)).any():
        raise ValueError(f"{name} must have a pixel above zero, for its scale is logarithmic")
    return np.array(array, np.float32)


def _scene(
    source_map: ArrayLike, source: str, target: str, extent_kpc: float, truth: ArrayLike | None
) -> Scene:
    _check_pair(source, target)
    _check_extent(extent_kpc)
    known = {source: _map("source_map", source_map)}
    if truth is not None:
        known[target] = _map("truth", truth)
    return Scene(_NAME, "", 0.0, 1, float(extent_kpc), known)


def _check_pair(source: str, target: str) -> None:
    for domain in (source, target):
        get_domain(domain)
    if source == target:
        raise ValueError(f"source and target must be two domains, got {source!r} for both")


def _check_extent(extent_kpc: float) -> None:
    if not (np.isfinite(extent_kpc) and extent_kpc > 0):
        raise ValueError(f"extent_kpc must be a number above zero, got {extent_kpc}")


def _session(scene: Scene, source: str, target: str, dark: bool) -> Session:
    """Return a session that shows `scene` and asks the worker for nothing."""
    session = _bare_session(source, target, dark)
    session.scene = scene
    return session


def _bare_session(
    source: str, target: str, dark: bool, cards: Mapping[str, Any] | None = None
) -> Session:
    """Return a session of no galaxy's maps."""
    _check_pair(source, target)
    if "bokeh" not in hv.Store.registry:
        hv.extension("bokeh", logo=False)
    store = Store(cards=cards or {_NAME: {"title": "Own arrays", "default_steps": 1}})
    store.param.update(source=source, target=target)
    return Session(store, dark=dark)


def _run(session: Session, taken: list[Step], normalization: Normalization) -> Run:
    estimates = [_map("estimate", step.estimate[0]) for step in taken]
    shape = estimates[0].shape
    others = {each.shape for each in [*estimates, *session.scene.maps.values()]} - {shape}
    if others:
        raise ValueError(f"all maps must have the same shape, got {shape} and {others.pop()}")
    times, sigmas = ([float(getattr(s, name)) for s in taken] for name in ("time", "sigma"))
    noisy = [np.asarray(step.x[0], np.float32) for step in taken]
    kept = (times, sigmas, noisy, estimates)
    return collect(session.store.view, session.scene, kept, 0.0, normalization=normalization)


def _ranges(extent_kpc: float) -> tuple[Range1d, Range1d]:
    half = 0.5 * extent_kpc
    ends = {"start": -half, "end": half, "reset_start": -half, "reset_end": half}
    return Range1d(**ends), Range1d(**ends)
