"""The maps of a view: one translator's in a row, or several translators' in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import Range1d
from numpy.typing import NDArray

from data.domains import DOMAINS, Domain
from explorer import theme
from explorer.beside import Beside, Lane
from explorer.scales import dex_limit, linear_limits, log_limits
from explorer.session import Session
from explorer.translation import Run, residual_map
from explorer.views.chart import frame_map
from explorer.views.crosshair import Crosshair
from explorer.views.maps import MapContent, MapPanel, quantity
from explorer.views.view import View
from explorer.views.viewport import band_columns, frame_size, num_columns

_INPUT, _TRUTH = 0, 2  # among the contents
_ABREAST = 2  # output above residual
# Color bar below a map, and bar and axis: Bokeh takes bars that come later for lower than they are,
# and would cut off their numbers.
_BAR_PX, _BELOW_PX = 58, 112
_ABOVE_PX = 48  # a title of two lines
_LARGEST_PX = 240  # of a frame in two rows, which are to be seen at one glance


@dataclass(frozen=True)
class Column:
    """What one translator's two maps show: an output, and words for it while there is none."""

    title: str
    run: Run | None = None
    output: NDArray[Any] | None = None
    nothing: str = ""


class MapGrid(View):
    """Input, output, truth and residual of a session; one zoom and one crosshair for all.

    Translators beside the chosen one have output and residual each. Then input and truth stand in
    the first column, and each translator has a column, the chosen one's first.
    """

    def __init__(
        self,
        session: Session,
        beside: Beside,
        ranges: tuple[Range1d, Range1d],
        crosshair: Crosshair | None = None,
    ):
        super().__init__(session)
        self._beside, self._ranges, self._crosshair = beside, ranges, crosshair
        self._width_px = 1150
        self._known: list[tuple[Run, NDArray[Any] | None]] = []
        self._panels: list[MapPanel] = []
        self._layout = pn.Row(margin=0)
        self._populate()
        self._frame()
        self.follow(session, ["scene", "glimpse", "run", "preview", "busy"], self._update)
        self.follow(session.store, ["source", "target", "scale", "limits"], self._update)
        self.follow(beside, "lanes", self._update)
        self.follow(session, "dark", self._dress)

    def resize(self, width_px: int) -> None:
        """Fit the square maps into so many pixels."""
        self._width_px = width_px
        several = len(self._panels) > 4
        columns = num_columns(width_px)
        if several:
            columns = band_columns(width_px, len(self._panels) // _ABREAST)
        size = frame_size(width_px, columns)
        self._layout.styles = {
            "display": "grid", "grid-template-columns": f"repeat({columns}, max-content)",
            "row-gap": "4px",
            **theme.RIGID,
        }  # fmt: skip
        for index, panel in enumerate(self._panels):
            row, column = _place(index, columns, several)
            has_x = not several or row % _ABREAST == _ABREAST - 1
            panel.resize(
                min(size, _LARGEST_PX) if several else size,
                has_x=has_x, has_y=column == 0, area=f"{row + 1} / {column + 1}",
                below=_BELOW_PX if has_x else _BAR_PX, above=_ABOVE_PX if several else 0,
            )  # fmt: skip

    def contents(self) -> list[MapContent]:
        """Return what each map shows now: input, output, truth, residual, then two a lane."""
        session, store = self._session, self._session.store
        scene = session.glimpse or session.scene
        maps = scene.maps if scene else {}
        source, target = DOMAINS[store.source], DOMAINS[store.target]
        given, truth = maps.get(source.name), maps.get(target.name)
        columns = self._columns()
        residuals = self._residuals([column.run for column in columns])
        known = [residual for residual in residuals if residual is not None]
        most = max([dex_limit(residual) for residual in known], default=1.0)
        shared = [truth] if truth is not None else [column.output for column in columns]
        blank = "\n " if len(columns) > 1 else ""  # as high as the others' titles of two lines
        shown = []
        for column, residual in zip(columns, residuals, strict=True):
            own = store.limits == "own"
            limit = dex_limit(residual) if own else most
            shown += [
                self._content(column.title, target, column.output,
                              [column.output] if own else shared, column.nothing),
                MapContent("Residual", residual, self._extent, (-limit, limit),
                           self.colors.diverging, "log₁₀ output / truth", "dex",
                           logarithmic=False),
            ]  # fmt: skip
        first = self._content(f"Input · {source.label.lower()}{blank}", source, given, [given])
        true = self._content(f"Truth · {target.label.lower()}", target, truth, shared)
        return [first, shown[0], true, *shown[1:]]

    def _residuals(self, runs: list[Run | None]) -> list[NDArray[Any] | None]:
        """Return each run's residual, the same array as long as it is the same run."""
        held = {id(run): residual for run, residual in self._known}
        found = [
            held[id(run)] if id(run) in held else residual_map(run) if run else None for run in runs
        ]
        self._known = [(run, map_) for run, map_ in zip(runs, found, strict=True) if run]
        return found

    @property
    def _extent(self) -> float:
        return float(self._session.scene.extent_kpc) if self._session.scene else 100.0

    def _content(
        self, title: str, domain: Domain, values: Any, limits_of: Sequence[Any], nothing: str = ""
    ) -> MapContent:
        logarithmic = self._session.store.scale == "logarithmic"
        limits = (log_limits if logarithmic else linear_limits)(limits_of, domain.name)
        return MapContent(
            title, values, self._extent, limits, domain.colormap, quantity(domain), domain.unit,
            logarithmic, nothing,
        )  # fmt: skip

    def _columns(self) -> list[Column]:
        """Return the chosen translator's column, and one for each beside it."""
        session, store = self._session, self._session.store
        run, lanes = session.run, self._beside.lanes
        output, state = (run.output, "") if run else (None, "not translated yet")
        if run is None and session.preview is not None:
            step, num_steps, output = session.preview
            state = f"step {step}/{num_steps}"
        elif run is None and session.busy:
            state = "sampling…"
        if not lanes:
            words = (
                f"Output, {state}" if state else f"Output · {DOMAINS[store.target].label.lower()}"
            )
            return [Column(words, run, output)]
        title = str(store.card.get("title", store.translator))
        chosen = Column(f"{title}\n{state or _score(run)}", run, output)
        return [chosen, *(self._column(lane) for lane in lanes)]

    def _column(self, lane: Lane) -> Column:
        if lane.run is not None:
            return Column(f"{lane.title}\n{_score(lane.run)}", lane.run, lane.run.output)
        step, num_steps = lane.step
        state = f"step {step}/{num_steps}" if step else "waits" if self._beside.busy else " "
        nothing = lane.problem or ("Stopped." if self._beside.stopped else "")
        return Column(f"{lane.title}\n{' ' if lane.problem else state}", None, None, nothing)

    def _populate(self) -> None:
        """Have as many panels as there are contents."""
        contents = self.contents()
        for panel in self._panels[len(contents) :]:
            panel.close()
        del self._panels[len(contents) :]
        # Before they get a size, with which Bokeh measures how high their titles are.
        for panel, content in zip(self._panels, contents, strict=False):
            panel.put(content)
        for content in contents[len(self._panels) :]:
            self._panels.append(MapPanel(content, self._ranges, self.colors, self._crosshair))
        self.resize(self._width_px)
        self._layout[:] = self._panels

    def _frame(self) -> None:
        """Let the ranges end where the scene does."""
        if self._session.scene is not None:
            frame_map(self._ranges, self._session.scene.extent_kpc)

    def _update(self, *events: Any) -> None:
        if not events or any(event.name == "scene" for event in events):
            self._frame()
        contents = self.contents()
        if self._session.glimpse and {event.name for event in events} == {"glimpse"}:
            for index in (_INPUT, _TRUTH):
                self._panels[index].put(contents[index])
            return
        if len(contents) != len(self._panels):
            self._populate()
        for panel, content in zip(self._panels, contents, strict=True):
            panel.put(content)

    def _dress(self, *events: Any) -> None:
        for panel, content in zip(self._panels, self.contents(), strict=True):
            panel.put(content, self.colors)

    def __panel__(self) -> Any:
        return self._layout


def _place(index: int, columns: int, several: bool) -> tuple[int, int]:
    """Return row and column of a map; of several translators' they go column by column."""
    if not several:
        return divmod(index, columns)
    # Input and truth first, which stand apart among the contents: see `MapGrid.contents`.
    slot = {0: 0, 2: 1, 1: 2}.get(index, index)
    band, column = divmod(slot // _ABREAST, columns)
    return _ABREAST * band + slot % _ABREAST, column


def _score(run: Run | None) -> str:
    """Return error and time of a run, as "0.213 dex · 3.4 s"."""
    if run is None:
        return " "
    error = run.errors[-1]
    parts = [f"{error:.3f} dex"] if np.isfinite(error) else []
    seconds = run.seconds
    return " · ".join([*parts, f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"])
