"""The steps of a run: x_t, estimate, truth and profile, held in the browser and played there."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
from bokeh.models import Range1d
from numpy.typing import NDArray

from data.domains import DOMAINS
from engine.metrics.profile import radial_profile
from explorer import theme
from explorer.frames import Scale, chunk, chunk_steps, film_steps, noise_scales, step_labels
from explorer.scales import (
    POWER_OF_TEN_JS,
    bar_ticks,
    dex_limit,
    log_limits,
    log_ticks,
    palette,
    tick_label,
)
from explorer.session import Session
from explorer.translation import NUM_BINS, Run
from explorer.views.maps import quantity
from explorer.views.view import View

_HERE = Path(__file__).parent
_RUN_NUMBERS = count(1)


class FramePlayer(pn.custom.JSComponent):
    """Draws and plays frames; see frames.js. It asks for them in pieces, by a message each."""

    spec = param.Dict(default={}, doc="What there is to draw, but for the frames: `run_spec`.")
    step = param.Integer(default=0, doc="Step from 1 at which the pictures rest.")
    size = param.Integer(default=220, doc="Side of a map's frame in pixels.")
    ranges = param.List(default=[], doc="Ids of the Bokeh ranges of x and y that maps share.")

    # One module out of files, for the browser gets no address from which it could import others.
    _esm = "\n".join(
        [POWER_OF_TEN_JS, *((_HERE / name).read_text("utf-8") for name in ("plot.js", "frames.js"))]
    )
    _stylesheets: ClassVar[list[str]] = [(_HERE / "frames.css").read_text("utf-8")]


class StepPlayer(View):
    """The player of a session's run; the maps above share its zoom."""

    def __init__(self, session: Session, x_range: Range1d, y_range: Range1d):
        super().__init__(session)
        self._player = FramePlayer(
            spec=spec(session), ranges=[x_range.id, y_range.id], styles=theme.VARIABLES, margin=0
        )
        self._player.on_msg(self._answer)
        self._player.param.watch(self._follow_player, "step")
        self.follow(session, ["run", "scene"], self._show_run)
        self.follow(session.store, "step", self._follow_store)
        self.follow(session.store, "target", self._show_run)

    def resize(self, size: int) -> None:
        """Set the side of the map frames in pixels."""
        self._player.size = size

    def dress(self, colors: dict[str, str]) -> None:
        """Set colors by name, as `theme.named`."""
        self._player.styles = {f"--{name}": color for name, color in colors.items()}

    def _show_run(self, *events: Any) -> None:
        shown = spec(self._session)
        self._player.param.update(spec=shown, step=shown["step"])

    def _answer(self, event: Any) -> None:
        """Send the frames that the browser asks for, unless another run is on view by now."""
        run, shown = self._session.run, self._player.spec
        asked = event.data if isinstance(event.data, dict) else {}
        number, start = asked.get("run"), asked.get("start")
        if run is None or number != shown["run"] or not isinstance(start, int):
            return
        frames = chunk(run, _estimate_scale(self._session), min(max(start, 0), run.num_steps - 1))
        self._player._send_msg({"run": number, "start": start, "frames": frames})

    def _follow_player(self, *events: Any) -> None:
        """Note in the store where the pictures rest."""
        run = self._session.run
        if run is not None:
            self._session.store.step = min(max(self._player.step, 1), run.num_steps)

    def _follow_store(self, *events: Any) -> None:
        run, step = self._session.run, self._session.store.step
        if run is not None:
            self._player.step = min(step or run.num_steps, run.num_steps)

    def __panel__(self) -> Any:
        return self._player


def spec(session: Session) -> dict[str, Any]:
    """Return what the browser needs to know of a session's run, or of there being none.

    Maps are bytes of levels (H, W), row 0 at the bottom; steps count from 1.
    """
    run: Run | None = session.run
    scene, truth = session.scene, _truth(session)
    shape = run.output.shape if run else truth.shape if truth is not None else (1, 1)
    labels, film, step = [], [], 0
    if run is not None:
        labels = step_labels(run)
        step = min(session.store.step or run.num_steps, run.num_steps)
        if run.num_steps > 1:
            film = [[i, f"{run.times[i - 1]:.2f}"] for i in film_steps(run.times)]
    return {
        "run": next(_RUN_NUMBERS), "step": step, "labels": labels, "film": film,
        "shape": list(shape), "chunk": chunk_steps(shape),
        "extent": float(scene.extent_kpc) if scene else 100.0,
        "maps": _maps(session), "profile": _profile(session),
        "truth": None if truth is None else _estimate_scale(session).levels(truth).tobytes(),
        "marginLeft": theme.MARGIN_LEFT, "gap": theme.GAP,
    }  # fmt: skip


def _truth(session: Session) -> NDArray[np.float32] | None:
    return session.scene.maps.get(session.store.target) if session.scene else None


def _estimate_scale(session: Session) -> Scale:
    """Return the scale of estimate and truth: that of the output and truth of the maps above."""
    truth, run = _truth(session), session.run
    shown = truth if truth is not None or run is None else run.output
    return Scale(*log_limits([shown], session.store.target), logarithmic=True)


def _maps(session: Session) -> list[dict[str, Any]]:
    """Return title, color bar and scales (one, or one a step) of the three maps."""
    run, domain = session.run, DOMAINS[session.store.target]
    noise = noise_scales(run.noisy if run else np.zeros((1, 1, 1), np.float32))
    scale = _estimate_scale(session)
    bar = f"{quantity(domain)} ({domain.unit})"
    shared = {"bar": bar, "unit": domain.unit, "palette": palette(domain.colormap),
              "scales": [_told(scale, bar_ticks(scale.low, scale.high))]}  # fmt: skip
    label = domain.label.lower()
    return [
        {"title": "State xₜ" if run and run.num_steps == 1 else "Noisy state xₜ",
         "bar": "xₜ (normalized)", "unit": "", "palette": palette("gray"), "nothing": "",
         "scales": [_told(s, np.linspace(s.low, s.high, 7).tolist()) for s in _distinct(noise)]},
        {"title": f"Estimate · {label}", "nothing": "", **shared},
        {"title": f"Truth · {label}", "nothing": f"no map of {label}" if session.scene else "",
         **shared},
    ]  # fmt: skip


def _distinct(scales: list[Scale]) -> list[Scale]:
    return scales[:1] if len(set(scales)) == 1 else scales


def _told(scale: Scale, ticks: list[float]) -> dict[str, Any]:
    """Return a scale as the browser reads it, its ticks as [share of the bar, words]."""
    low, high, logarithmic = scale.low, scale.high, scale.logarithmic
    if logarithmic:
        shares = [np.log(tick / low) / np.log(high / low) for tick in ticks]
        words = [tick_label(tick) for tick in ticks]
    else:
        shares = [(tick - low) / (high - low) for tick in ticks]
        words = [f"{tick:g}".replace("-", "\u2212") for tick in ticks]
    marks = [[float(share), word] for share, word in zip(shares, words, strict=True)]
    return {"low": low, "high": high, "logarithmic": logarithmic, "ticks": marks}


def _profile(session: Session) -> dict[str, Any]:
    """Return the radial profiles of truth and steps, with the limits that hold for all steps."""
    run, scene, domain = session.run, session.scene, DOMAINS[session.store.target]
    truth, radii, shown = _truth(session), np.empty(0), [run.profiles[-1]] if run else []
    truth_profile = np.empty(0)
    if run is not None:
        radii = run.radii_kpc
    if scene and truth is not None:
        radii, truth_profile = radial_profile(truth, scene.extent_kpc, NUM_BINS)
        shown.append(truth_profile)
    values = np.concatenate([*shown, []])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min() / 2.0, values.max() * 3.0) if len(values) else domain.display_range
    return {
        "unit": f"{quantity(domain)} ({domain.unit})",
        "radius": 0.5 * scene.extent_kpc if scene else 50.0, "limits": [float(low), float(high)],
        "ticks": [[tick, tick_label(tick)] for tick in log_ticks(low, high)],
        "dex": dex_limit(run.residuals[-1] if run else None),
        "radii": radii.tolist(), "truth": truth_profile.tolist(),
        "profiles": run.profiles.tolist() if run else [],
        "residuals": run.residuals.tolist() if run else [],
    }  # fmt: skip
