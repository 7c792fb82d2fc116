"""The steps of a run: x_t, the estimate and its profile, held in the browser and stepped there."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import (
    BasicTicker,
    CDSView,
    ColorBar,
    ColumnDataSource,
    CustomJSHover,
    Div,
    FixedTicker,
    HoverTool,
    IndexFilter,
    LinearColorMapper,
    LogColorMapper,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from panel.viewable import Viewer

from data.domains import DOMAINS, Domain
from engine.metrics.profile import radial_profile
from explorer import theme
from explorer.scales import POWER_OF_TEN_JS, bar_ticks, dex_limit, log_limits, log_ticks, palette
from explorer.session import Session
from explorer.translation import NUM_BINS, Run
from explorer.views.maps import NO_DATA, quantity

_RIGID = {"flex": "none"}
NOISE_LIMIT = 3.0
_NO_STEPS = "no steps yet"
_LABEL_STYLE = {"color": theme.TEXT, "font-family": theme.FONT, "font-size": "15px",
                "font-variant-numeric": "tabular-nums"}  # fmt: skip

# Everything is in the browser already: a step moves one index.
_STEP_JS = """
const labels = frames.data.label;
const k = Math.min(Math.max(cb_obj.value, 1), labels.length) - 1;
if (k >= 0) { index.indices = [k]; label.text = labels[k]; }
"""


def step_labels(run: Run) -> list[str]:
    """Return "step 23/32, t = 0.71" for every step of a run."""
    return [f"step {i}/{run.num_steps}, t = {t:.2f}" for i, t in enumerate(run.times, 1)]


class StepPlayer(Viewer):
    """Slider and buttons over two small maps and the radial profile."""

    def __init__(self, session: Session, x_range: Range1d, y_range: Range1d):
        super().__init__()
        self._session = session
        self._index = IndexFilter(indices=[])
        self._frames = ColumnDataSource(_no_frames())
        self._lines = ColumnDataSource({"r": [], "profile": [], "residual": []})
        self._truth = ColumnDataSource({"r": [], "profile": []})
        self._estimate_colors = LogColorMapper(palette=palette("magma"), low=1e6, high=1e9)
        self._noisy = self._map(
            "Noisy state xₜ", "noisy",
            LinearColorMapper(palette=palette("gray"), low=-NOISE_LIMIT, high=NOISE_LIMIT),
            (x_range, y_range), first=True,
        )  # fmt: skip
        bar = self._noisy.select_one(ColorBar)
        bar.update(title="xₜ (normalized)", formatter=theme.plain_formatter())
        bar.ticker.ticks = [-3, -2, -1, 0, 1, 2, 3]  # fmt: skip
        self._estimate = self._map(
            "Estimate", "estimate", self._estimate_colors, (x_range, y_range), first=False
        )
        self._profile, self._residual = self._profile_figures()
        self._label = Div(text=_NO_STEPS, styles=_LABEL_STYLE, width=190)
        self._player = self._make_player()
        self._layout = self._arrange()
        session.param.watch(self._show_run, ["run", "scene"])
        session.store.param.watch(self._follow_store, "step")
        session.store.param.watch(self._show_run, "target")

    def resize(self, size: int) -> None:
        """Set the side of the map frames in pixels; the profile takes what two of them take."""
        for plot in (self._noisy, self._estimate):
            plot.update(frame_width=size, frame_height=size)
        width = 2 * size + theme.GAP - 76
        self._player.width = 4 * size + 3 * theme.GAP - 198
        self._profile.update(frame_width=width, frame_height=int(0.66 * size))
        self._residual.update(frame_width=width, frame_height=size - int(0.66 * size) - 8)

    def _map(
        self, title: str, column: str, mapper: Any, ranges: tuple[Range1d, Range1d], *, first: bool
    ) -> Any:
        plot = figure(
            title=title, x_range=ranges[0], y_range=ranges[1], frame_width=220, frame_height=220,
            tools="pan,wheel_zoom,box_zoom,reset", x_axis_label="x (kpc)", y_axis_label="y (kpc)",
            min_border_left=theme.MARGIN_LEFT if first else 0, min_border_right=theme.GAP,
            min_border_top=0, min_border_bottom=0, toolbar_location="above",
        )  # fmt: skip
        glyph = plot.image(
            image=column, x="x", y="x", dw="size", dh="size", color_mapper=mapper,
            source=self._frames, view=CDSView(filter=self._index),
        )  # fmt: skip
        mapper.nan_color = NO_DATA
        hover = HoverTool(renderers=[glyph], tooltips=[("x, y", "$x{0.0}, $y{0.0} kpc")])
        plot.add_tools(hover)
        theme.style_figure(plot)
        plot.xaxis.visible = False
        plot.yaxis.visible = first
        plot.add_layout(theme.color_bar(mapper), "below")
        plot.add_layout(theme.scale_bar(ranges[0]))
        return plot

    def _profile_figures(self) -> tuple[Any, Any]:
        shared: dict[str, Any] = {
            "tools": "", "toolbar_location": None, "frame_width": 400,
            "x_range": Range1d(start=0, end=50), "min_border_left": 76,
            "min_border_right": theme.GAP, "min_border_top": 0, "min_border_bottom": 0,
        }  # fmt: skip
        top = figure(title="Radial profile", y_axis_type="log", frame_height=150,
                     y_range=Range1d(start=1e6, end=1e9), **shared)  # fmt: skip
        bottom = figure(frame_height=70, x_axis_label="projected radius (kpc)",
                        y_axis_label="Δ (dex)", y_range=Range1d(start=-1, end=1),
                        **shared)  # fmt: skip
        view = CDSView(filter=self._index)
        top.line("r", "profile", source=self._truth, color=theme.TEXT, line_width=2,
                 line_dash="dashed", legend_label="ground truth")  # fmt: skip
        estimate: dict[str, Any] = {
            "source": self._lines, "view": view, "color": theme.WARM, "line_width": 2,
        }  # fmt: skip
        top.multi_line("r", "profile", legend_label="estimate", **estimate)
        bottom.multi_line("r", "residual", **estimate)
        bottom.add_layout(Span(location=0, dimension="width", line_color=theme.MUTED,
                               line_dash="dotted"))  # fmt: skip
        for plot in (top, bottom):
            theme.style_figure(plot)
            plot.ygrid.grid_line_color = theme.LINE
            plot.ygrid.grid_line_alpha = 0.6
        top.xaxis.major_label_text_font_size = "0px"
        top.xaxis.major_tick_line_color = None
        top.yaxis.formatter = theme.log_formatter()
        top.yaxis.ticker = FixedTicker(ticks=[1e6, 1e7, 1e8, 1e9])
        bottom.yaxis.formatter = theme.plain_formatter()
        bottom.yaxis.ticker = BasicTicker(desired_num_ticks=4)
        top.legend.update(
            location="top_right", orientation="horizontal", label_text_color=theme.TEXT,
            label_text_font=theme.FONT, label_text_font_size="11px", border_line_color=None,
            background_fill_color=theme.INSET, background_fill_alpha=0.8, padding=4, margin=4,
        )  # fmt: skip
        return top, bottom

    def _make_player(self) -> pn.widgets.Player:
        player = pn.widgets.Player(
            start=1, end=2, value=0, interval=130, loop_policy="once",
            visible_buttons=["first", "previous", "pause", "play", "next", "last"],
            show_loop_controls=False, width=700, height=34, margin=0, disabled=True,
            css_classes=["step-player"], stylesheets=[theme.PLAYER_CSS],
        )  # fmt: skip
        player.param.watch(self._follow_player, ["value", "direction"])
        return player

    def _arrange(self) -> Any:
        self._player.jscallback(
            args={"index": self._index, "frames": self._frames, "label": self._label},
            value=_STEP_JS,
        )
        label = pn.pane.Bokeh(self._label, margin=(6, 12, 0, 0), width=190)
        bar = pn.Row(label, self._player, margin=(0, 0, 6, theme.MARGIN_LEFT))
        plots = pn.Row(
            pn.pane.Bokeh(self._noisy, margin=0, styles=_RIGID),
            pn.pane.Bokeh(self._estimate, margin=0, styles=_RIGID),
            pn.Column(pn.pane.Bokeh(self._profile, margin=0),
                      pn.pane.Bokeh(self._residual, margin=0), margin=0, styles=_RIGID),
            margin=0, styles={"gap": "0px"},
        )  # fmt: skip
        return pn.Column(bar, plots, margin=0)

    def _show_run(self, *events: Any) -> None:
        run: Run | None = self._session.run
        with pn.io.hold():
            self._index.indices = []
            self._show_truth()
            if run is None:
                self._frames.data = _no_frames()
                self._lines.data = {"r": [], "profile": [], "residual": []}
                self._label.text = _NO_STEPS
                self._player.param.update(disabled=True, direction=0, value=0)
                return
            self._noisy.title.text = "Noisy state xₜ" if run.num_steps > 1 else "State xₜ"
            self._frames.data = _frames(run)
            self._lines.data = {
                "r": [run.radii_kpc] * run.num_steps,
                "profile": list(run.profiles),
                "residual": list(run.residuals),
            }
            limit = dex_limit(run.residuals[-1])
            self._residual.y_range.update(start=-limit, end=limit)
            step = min(self._session.store.step or run.num_steps, run.num_steps)
            self._index.indices = [step - 1]
            self._label.text = step_labels(run)[step - 1]
        # The slider takes over a new end only with a new value, so the end goes first, alone.
        self._player.end = run.num_steps
        self._player.param.update(value=step, direction=0, disabled=run.num_steps == 1)

    def _show_truth(self) -> None:
        """Set the truth's profile, and the limits and words that hold for all steps."""
        session = self._session
        domain = DOMAINS[session.store.target]
        scene, run = session.scene, session.run
        truth = scene.maps.get(domain.name) if scene else None
        self._dress_estimate(domain, log_limits([truth if run is None or truth is not None
                                                 else run.output], domain.name))  # fmt: skip
        self._profile.yaxis.axis_label = f"{quantity(domain)} ({domain.unit})"
        profiles = [run.profiles[-1]] if run else []
        self._truth.data = {"r": [], "profile": []}
        if scene and truth is not None:
            radii, profile = radial_profile(truth, scene.extent_kpc, NUM_BINS)
            self._truth.data = {"r": radii, "profile": profile}
            profiles.append(profile)
        shown = np.concatenate([*profiles, []])
        shown = shown[np.isfinite(shown) & (shown > 0)]
        if len(shown):
            low, high = shown.min() / 2.0, shown.max() * 3.0
            self._profile.y_range.update(start=low, end=high)
            self._profile.yaxis.ticker.ticks = log_ticks(low, high)
        for plot in (self._profile, self._residual):
            plot.x_range.update(start=0.0, end=0.5 * scene.extent_kpc if scene else 50.0)

    def _dress_estimate(self, domain: Domain, limits: tuple[float, float]) -> None:
        colors = palette(domain.colormap)
        self._estimate_colors.update(palette=colors, low=limits[0], high=limits[1])
        bar = self._estimate.select_one(ColorBar)
        bar.title = f"{quantity(domain)} ({domain.unit})"
        bar.ticker.ticks = bar_ticks(*limits)
        self._estimate.title.text = f"Estimate · {domain.label.lower()}"
        hover = self._estimate.select_one(HoverTool)
        hover.tooltips = [
            ("x, y", "$x{0.0}, $y{0.0} kpc"),
            (quantity(domain), f"@estimate{{custom}} {domain.unit}"),
        ]
        hover.formatters = {
            "@estimate": CustomJSHover(code=POWER_OF_TEN_JS + "return power_of_ten(value, 2)")
        }

    def _follow_player(self, *events: Any) -> None:
        """Note the step in the store when the pictures rest, not at every frame of a film."""
        run = self._session.run
        if run is not None and self._player.direction == 0:
            self._session.store.step = self._player.value

    def _follow_store(self, *events: Any) -> None:
        run, step = self._session.run, self._session.store.step
        if run is not None and self._player.direction == 0:
            self._player.value = min(step or run.num_steps, run.num_steps)

    def __panel__(self) -> Any:
        return self._layout


def _no_frames() -> dict[str, list[Any]]:
    return {name: [] for name in ("noisy", "estimate", "x", "y", "size", "label")}


def _frames(run: Run) -> dict[str, list[Any]]:
    """Return the columns of a run's frames; Bokeh's `image` has row 0 at the bottom, as we do."""
    n, extent = run.num_steps, run.scene.extent_kpc
    return {
        "noisy": list(run.noisy),
        "estimate": list(run.estimates),
        "x": [-0.5 * extent] * n,
        "y": [-0.5 * extent] * n,
        "size": [extent] * n,
        "label": step_labels(run),
    }
