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

import numpy as np
import panel as pn
from numpy.typing import ArrayLike
from panel.viewable import Viewer
from panel_material_ui.base import MaterialComponent

from data.domains import get_domain
from data.normalize import DEFAULT, Normalization
from data.observation import Observed
from engine.evaluation import Evaluation
from engine.step import Step
from explorer import theme
from explorer.arrays import (
    NAME,
    bare_session,
    check_extent,
    check_pair,
    checked_map,
    checked_samples,
    cloud_pane,
    other_domain,
    ranges_of,
    run_of,
    sampling_of,
    scene_of,
    session_of,
)
from explorer.beside import Beside
from explorer.library import Scene
from explorer.observing import SEEN, Seen, Sight
from explorer.population import survey_maps
from explorer.store import MAX_STEPS
from explorer.views.cloud import CloudPlayer
from explorer.views.compare import Compare
from explorer.views.grid import MapGrid
from explorer.views.lensing import LensingPage
from explorer.views.observe import ObservePage
from explorer.views.population import PopulationPage
from explorer.views.profiles import ProfilesPage
from explorer.views.steps import StepPlayer
from explorer.views.uncertainty import Uncertainty
from explorer.views.view import View
from explorer.views.viewport import frame_size


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
    made = checked_map("output", output)
    step = Step(1, 0.0, np.zeros_like(made)[None], made[None], 1)
    session = session_of(
        scene_of(source_map, source, target, extent_kpc, truth), source, target, dark
    )
    session.run = run_of(session, [step], DEFAULT)

    def make() -> Viewer:
        grid = MapGrid(session, Beside(session), ranges_of(extent_kpc))
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
    scene = scene_of(source_map, source, target, extent_kpc, truth)
    session = session_of(scene, source, target, dark)
    session.run = run_of(session, taken, normalization)

    def make() -> Viewer:
        player = StepPlayer(session, *ranges_of(extent_kpc))
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
    drawn = checked_samples(samples)
    source = other_domain(target)  # of which nothing is shown
    session = session_of(
        scene_of(drawn[0], source, target, extent_kpc, truth), source, target, dark
    )
    sampling = sampling_of(session, drawn)

    return _fitted(lambda: Uncertainty(session, sampling), dark, width_px)


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
    made = checked_map("output", output)
    session = session_of(
        scene_of(source_map, source, target, extent_kpc, truth), source, target, dark
    )
    session.run = run_of(session, [Step(1, 0.0, np.zeros_like(made)[None], made[None], 1)], DEFAULT)
    sampling = sampling_of(session, None if samples is None else checked_samples(samples))

    return _fitted(lambda: ProfilesPage(session, sampling), dark, width_px)


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
    check_extent(float(sides.min()))
    found = survey_maps(true, drawn, target, sides, np.array(called))
    session = bare_session(other_domain(target), target, dark)

    return _fitted(lambda: PopulationPage(session, found), dark, width_px)


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
    session = bare_session(source, target, dark, cards)

    return _fitted(lambda: Compare(session, known), dark, width_px)


def lensing(
    predicted: ArrayLike,
    *,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    stars: ArrayLike | None = None,
    gas: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return what dark matter does to light behind it: convergence, image, deflection.

    Parameters
    ----------
    predicted : (H, W) dark matter in Msun/kpc^2, or (M, H, W) samples of it.
    truth : (H, W) the same as it is.
    stars, gas : (H, W) in Msun/kpc^2, which may be added to both.
    extent_kpc, dark, width_px : as for `maps`.
    """
    check_extent(extent_kpc)
    drawn = np.asarray(predicted)
    made = np.stack([checked_map("predicted", each) for each in np.atleast_3d(drawn.T).T])
    named = {"dark_matter": truth, "stars": stars, "gas": gas}
    known = {name: checked_map(name, each) for name, each in named.items() if each is not None}
    if others := {each.shape for each in known.values()} - {made.shape[1:]}:
        raise ValueError(
            f"all maps must have the same shape, got {made.shape[1:]} and {others.pop()}"
        )
    scene = Scene(NAME, "", 0.0, 1, float(extent_kpc), known, key=NAME)
    session = session_of(scene, "gas", "dark_matter", dark)
    sampling = sampling_of(session, made)

    return _fitted(lambda: LensingPage(session, sampling), dark, width_px)


def observe(
    observed: Observed,
    samples: ArrayLike,
    *,
    hi: ArrayLike,
    target: str,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return HI as it is and as SKA-Mid sees it, with beam and noise, and what was made of that.

    Parameters
    ----------
    observed : what `data.observation.observe` returns.
    samples : (M, H, W) in the unit of the domain `target`, two or more.
    hi : (H, W) in Msun/kpc^2, that was observed.
    target, extent_kpc, truth, dark, width_px : as for `maps`.
    """
    get_domain(target)
    check_extent(extent_kpc)
    drawn, known = checked_samples(samples), {SEEN: checked_map("hi", hi)}
    if truth is not None and target != SEEN:
        known[target] = checked_map("truth", truth)
    shapes = {drawn.shape[1:], observed.surface_density.shape, *(m.shape for m in known.values())}
    if len(shapes) > 1:
        told = ", ".join(map(str, sorted(shapes)))
        raise ValueError(f"all maps must have the same shape, got {told}")
    scene = Scene(NAME, "", 0.0, 1, float(extent_kpc), known, key=NAME)
    session = session_of(scene, other_domain(target), target, dark)
    sight = Sight(scene, target, Seen.of(observed), drawn)

    return _fitted(lambda: ObservePage(session, sight), dark, width_px)


def clouds(
    source_points: ArrayLike,
    output: ArrayLike,
    *,
    source: str,
    target: str,
    source_mass: float,
    mass: float,
    extent_kpc: float,
    truth: ArrayLike | None = None,
    dark: bool = False,
    width_px: int = 1000,
) -> Shown:
    """Return points in space side by side, to be turned, and their steps, to be played.

    Parameters
    ----------
    source_points : (n, 3) kpc, of equal mass, seen along the last axis.
    output : (m, 3) kpc, or (steps, m, 3) from the first to the last step.
    truth : (k, 3) kpc, that stand for the same mass as the output.
    source, target : domains in whose colors they are shown.
    source_mass, mass : of all points together, Msun.
    extent_kpc : side of what is seen at first.
    """
    check_pair(source, target)
    check_extent(extent_kpc)
    steps = np.asarray(output, np.float32)
    steps = steps[None] if steps.ndim == 2 else steps
    asked: list[tuple[str, str, list[Any], float]] = [
        ("Input", source, [source_points], source_mass), ("Output", target, list(steps), mass),
    ]  # fmt: skip
    if truth is not None:
        asked.append(("Truth", target, [truth], mass))
    panes = [cloud_pane(*each, extent_kpc) for each in asked]
    number = len(steps)
    labels = [f"step {index}/{number}" for index in range(1, number + 1)] if number > 1 else []

    def make() -> Viewer:
        player = CloudPlayer(size=max((width_px - 20) // len(panes) - 20, 100))
        player.colors = theme.named(theme.colors(dark))
        player.put(panes, labels, extent_kpc, np.eye(3))
        return player

    return Shown(make, dark, width_px)


def _fitted(make: Callable[[], View], dark: bool, width_px: int) -> Shown:
    """Return what shows a page of the explorer, made anew for each display, in so many pixels."""

    def fit() -> Viewer:
        view = make()
        view.fit(width_px)
        return view

    return Shown(fit, dark, width_px)
