"""The page Compare: how all methods do on hold-out galaxies, and one in all directions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn

from data.domains import get_domain
from engine.evaluation import Evaluation
from explorer import library, worker
from explorer.comparison import Comparison, compare
from explorer.session import Session
from explorer.views.cards import cards
from explorer.views.chart import Chart
from explorer.views.methods import CostPlot, DirectionMatrix
from explorer.views.ranking import Ranking, table_rows
from explorer.views.view import View

_TABLE_PX, _COST_PX = 770, 280  # least widths beside one another
_TABLE_HEIGHT_PX, _COST_HIGH_PX = 330, 250
_ROOM_PX = 100  # of a figure beside its frame, with its axis
_LARGEST_PX = 460
_CSS = """
h2 { margin: 0; font: 600 14px var(--font); color: var(--text); }
p { margin: 3px 0 0; min-height: 18px; font: 13px/18px var(--font); color: var(--muted); }
"""


class Compare(View):
    """Table and figures of a session's direction, read from the evaluation files.

    Attributes
    ----------
    comparison : on view.
    ranking : the table.
    cost, matrix : the figures.
    """

    title = "Compare"

    def __init__(
        self,
        session: Session,
        evaluations: Mapping[str, Evaluation] | None = None,
        **params: Any,
    ):
        """`evaluations` are those to compare; without them, those that are found."""
        super().__init__(session, **params)
        self.comparison, self._evaluations = Comparison(), evaluations
        self._job: worker.Job | None = None
        # What changes before the browser has the figures is lost: there is one, and it says so.
        self._drawn = pn.state.curdoc is None or evaluations is not None
        self._heads = [
            pn.pane.HTML("", stylesheets=[_CSS], margin=(0, 10, 8, 10), css_classes=["words"],
                         sizing_mode="stretch_width")
            for _ in range(2)
        ]  # fmt: skip
        self.ranking = Ranking(margin=(0, 6), min_height=_TABLE_HEIGHT_PX)
        self.ranking.listen(self._begin, self._choose_translator)
        self.cost, self.matrix = CostPlot(), DirectionMatrix(self._choose_direction)
        self._plots: dict[str, Chart] = {"cost": self.cost, "matrix": self.matrix}
        self._panes = {
            name: pn.pane.Bokeh(plot.figure, margin=0, theme=None, styles={"flex": "none"})
            for name, plot in self._plots.items()
        }
        self._top, self._grid = pn.Column(margin=0), pn.Row(margin=0)
        self._arrange()
        self.follow(session.store, ["source", "target", "translator"], self._read)
        self.follow(session, "dark", self._show)
        self.param.watch(self._rest, "shown")
        self._read()

    def fit(self, width_px: int) -> None:
        """Put figures beside or beneath one another, as there is room."""
        free = width_px - 16
        beside = free >= _TABLE_PX + _COST_PX + _ROOM_PX
        # At the start: a figure that is stretched draws its frame wider than its place.
        self._top.styles = {
            "display": "grid", "gap": "12px", "justify-items": "start",
            "grid-template-columns": f"repeat({2 if beside else 1}, max-content)",
        }  # fmt: skip
        self.ranking.width = max(_TABLE_PX, free - 24) if not beside else _TABLE_PX
        cost = free - _TABLE_PX - _ROOM_PX - 6 if beside else free - _ROOM_PX
        self.cost.resize(min(max(cost, _COST_PX), 420 if beside else _TABLE_PX), _COST_HIGH_PX)
        side = min(max(free - _ROOM_PX, 200), _LARGEST_PX)
        self.matrix.resize(side, side)
        self._show()

    def _arrange(self) -> None:
        self._top[:] = [self.ranking, self._panes["cost"]]
        self._grid[:] = [self._panes["matrix"]]
        self._grid.styles = {"display": "grid", "grid-template-columns": "max-content"}
        for part in (self._top, self._grid):
            part.sizing_mode = "stretch_width"

    def _read(self, *events: Any) -> None:
        """Read evaluations on the worker, then show them."""
        if self._job is not None:
            self._job.cancel()
        store = self._session.store
        asked = store.translator, store.source, store.target
        if self._evaluations is not None:
            self._take(compare(self._evaluations, *asked))
            return
        if not self.comparison.standings:
            self._say(self._heads[0], "Methods on hold-out galaxies", "Reading evaluations…")
        self._job = self._session.read(
            lambda: compare(library.load_evaluations(), *asked), self._take
        )

    def _begin(self) -> None:
        if not self._drawn:
            self._drawn = True
            self._show()

    def _rest(self, *events: Any) -> None:
        """Wait for the browser to draw the view anew when it is shown again."""
        self._drawn = self._drawn and (self.shown or pn.state.curdoc is None)

    def _take(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._show()

    def _show(self, *events: Any) -> None:
        """Draw the comparison in the page's colors, once there is something to draw on."""
        if not self._drawn:
            return
        store, found, colors = self._session.store, self.comparison, self.colors
        self.ranking.param.update(
            rows=table_rows(found.standings, store.translator, store.cards),
            caption=f"Methods from {store.source} to {store.target}",
        )
        self.cost.put(found.standings, store.translator, colors)
        if found.ratios:
            self.matrix.put(found.ratios, (store.source, store.target), colors)
        else:
            self.matrix.clear()
        self.matrix.dress(colors)
        self.cost.dress(colors)
        if self._job is None or self._job.done or found.standings:
            self._tell_what()

    def _tell_what(self) -> None:
        found, store = self.comparison, self._session.store
        source, target = (get_domain(n).label for n in (store.source, store.target))
        words = (
            "The best of each column is bold. Hold-out galaxies are those that training never saw."
            if found.standings
            else "There is no evaluation of this direction."
        )
        self._say(self._heads[0], f"Methods: {source} → {target}", words)
        title = str(store.card.get("title", store.translator))
        words = found.problem or (
            "Below 1 it is better than the fit pixel by pixel. A click on a cell chooses its "
            "direction."
        )
        self._say(self._heads[1], title, words)

    @staticmethod
    def _say(pane: pn.pane.HTML, head: str, words: str) -> None:
        pane.object = f"<h2>{escape(head)}</h2><p>{escape(words)}</p>"

    def _choose_translator(self, name: str) -> None:
        if name in self._session.store.cards:
            self._session.store.translator = name

    def _choose_direction(self, source: str, target: str) -> None:
        self._session.store.param.update(source=source, target=target)

    def __panel__(self) -> Any:
        parts = zip(self._heads, (self._top, self._grid), strict=True)
        return cards(parts, "compare")
