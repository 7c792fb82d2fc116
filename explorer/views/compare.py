"""The page Compare: how all methods do on hold-out galaxies, and the chosen one in detail."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn

from data.domains import get_domain
from explorer import library, theme, worker
from explorer.comparison import Comparison, compare
from explorer.session import Session
from explorer.views.population import (
    AbundancePlot,
    CostPlot,
    DirectionMatrix,
    Plot,
    ResidualPlot,
    TotalsPlot,
)
from explorer.views.ranking import Ranking, table_rows
from explorer.views.view import View

_TABLE_PX, _COST_PX = 730, 220  # least widths beside one another
_TABLE_HEIGHT_PX = 330
_ROOM_PX = 100  # of a figure beside its frame, with its axis
_LARGEST_PX = 380
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
    cost, matrix, totals, abundance, residuals : the figures.
    """

    title = "Compare"

    def __init__(self, session: Session, **params: Any):
        super().__init__(session, **params)
        self.comparison = Comparison()
        self._job: worker.Job | None = None
        # What changes before the browser has the figures is lost: there is one, and it says so.
        self._drawn = pn.state.curdoc is None
        self._heads = [
            pn.pane.HTML("", stylesheets=[_CSS], margin=(0, 10, 8, 10), css_classes=["words"],
                         sizing_mode="stretch_width")
            for _ in range(2)
        ]  # fmt: skip
        self.ranking = Ranking(margin=(0, 6), min_height=_TABLE_HEIGHT_PX)
        self.ranking.listen(self._begin, self._choose_translator)
        open_galaxy, known = self._open_galaxy, tuple(library.GALAXIES.shared)
        self.cost, self.matrix = CostPlot(), DirectionMatrix(self._choose_direction)
        self.totals = TotalsPlot(open_galaxy, known)
        self.abundance = AbundancePlot(open_galaxy, known)
        self.residuals = ResidualPlot()
        self._plots: dict[str, Plot] = {
            "cost": self.cost, "matrix": self.matrix, "totals": self.totals,
            "abundance": self.abundance, "residuals": self.residuals,
        }  # fmt: skip
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
        self._top.styles = {"display": "flex", "flex-flow": "row wrap", "gap": "12px"}
        self.ranking.width = max(_TABLE_PX, free - 24) if not beside else _TABLE_PX
        cost = free - _TABLE_PX - _ROOM_PX - 24 if beside else free - _ROOM_PX
        self.cost.resize(min(max(cost, _COST_PX), 420), _TABLE_HEIGHT_PX - 80)
        columns = next((n for n in (4, 2) if free // n - _ROOM_PX >= 240), 1)
        self._grid.styles = {
            "display": "grid", "grid-template-columns": f"repeat({columns}, max-content)",
            "gap": "14px 0", "justify-content": "space-around",
        }  # fmt: skip
        side = min(max(free // columns - _ROOM_PX, 200), _LARGEST_PX)
        for name in ("matrix", "totals", "abundance", "residuals"):
            self._plots[name].resize(side, side)
        self._show()

    def _arrange(self) -> None:
        self._top[:] = [self.ranking, self._panes["cost"]]
        self._grid[:] = [pane for name, pane in self._panes.items() if name != "cost"]
        for part in (self._top, self._grid):
            part.sizing_mode = "stretch_width"

    def _read(self, *events: Any) -> None:
        """Read evaluations on the worker, then show them."""
        if self._job is not None:
            self._job.cancel()
        store = self._session.store
        asked = store.translator, store.source, store.target
        if not self.comparison.standings:
            self._say(self._heads[0], "Methods on hold-out galaxies", "Reading evaluations…")
        self._job = self._session.read(
            lambda: compare(library.load_evaluations(), *asked), self._take
        )

    def _begin(self) -> None:
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
        if found.totals:
            self.totals.put(found.totals, colors)
        if found.abundance:
            self.abundance.put(found.abundance, colors)
        if found.residuals:
            self.residuals.put(found.residuals, colors)
        for plot, content in (
            (self.matrix, found.ratios), (self.totals, found.totals),
            (self.abundance, found.abundance), (self.residuals, found.residuals),
        ):  # fmt: skip
            plot.dress(colors)
            if content is None:
                plot.clear()
        self.cost.dress(colors)
        self._panes["abundance"].visible = found.abundance is not None
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
            f"{found.galaxies} galaxies. Click a cell for another direction, a point to open its "
            "galaxy where it is in the list at the left."
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

    def _open_galaxy(self, name: str) -> None:
        if name in library.GALAXIES.shared:
            self._session.store.galaxy = str(name)

    def __panel__(self) -> Any:
        parts = zip(self._heads, (self._top, self._grid), strict=True)
        cards = [
            pn.Column(
                *each, styles=theme.CARD, scroll="x-auto", margin=(0, 0, 12, 0),
                sizing_mode="stretch_width",
            )
            for each in parts
        ]  # fmt: skip
        return pn.Column(*cards, margin=0, sizing_mode="stretch_width", css_classes=["compare"])
