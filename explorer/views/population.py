"""The page Population: all hold-out galaxies of the translator on view, and particles of one."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray

from data.domains import get_domain
from explorer import library, worker
from explorer.population import Members, Population, survey
from explorer.scales import power_of_ten
from explorer.session import Session
from explorer.views.cards import cards
from explorer.views.galaxies import AbundanceChart, ResidualChart, TotalsChart
from explorer.views.particles import ParticlePanel
from explorer.views.ranking import Ranking
from explorer.views.view import View

_ROOM_PX = 100  # of a figure beside its frame, with its axis
_LEAST_PX, _LARGEST_PX = 240, 380
_MOST_ROWS = 50
_BESIDE = "Translators set beside it on the page Translate add their medians. "
_LIST_PX = 190
_COLUMNS = [
    ["Kind", "", "Of the synthetic galaxy"],
    ["Stellar mass", "M☉", "Of the whole cutout"],
    ["Error", "dex", "Mean absolute error of the samples’ maps"],
]
_CSS = """
h2 { margin: 0; font: 600 14px var(--font); color: var(--text); }
p { margin: 3px 0 0; min-height: 18px; font: 13px/18px var(--font); color: var(--muted); }
"""


class PopulationPage(View):
    """Galaxies of an evaluation in three figures that share what is selected, and a list of it.

    Attributes
    ----------
    found : on view.
    picked : (k,) places of the selected among its galaxies.
    totals, abundance, residuals : the figures.
    particles : of the galaxy on view.
    table : of what is selected.
    """

    title = "Population"

    def __init__(self, session: Session, found: Population | None = None, **params: Any):
        """`found` are galaxies that are known already: no evaluation is read, nor particles."""
        super().__init__(session, **params)
        self.found, self._can_read = found or Population(), found is None
        self.picked: NDArray[np.intp] = np.empty(0, np.intp)
        self._job: worker.Job | None = None
        # What changes before the browser has the figures is lost: the table tells when it is there.
        self._drawn = pn.state.curdoc is None or found is not None
        self._heads = [
            pn.pane.HTML("", stylesheets=[_CSS], margin=(0, 10, 8, 10),
                         sizing_mode="stretch_width")
            for _ in range(3)
        ]  # fmt: skip
        self.totals, self.abundance = TotalsChart(self.pick), AbundanceChart(self.pick)
        self.residuals, self.particles = ResidualChart(), ParticlePanel(session)
        self._charts = (self.abundance, self.totals, self.residuals)
        self.table = Ranking(
            columns=_COLUMNS, head="Galaxy", choosing="Open it on all pages",
            chosen="The galaxy of all pages", margin=(0, 6), height=_LIST_PX,
            sizing_mode="stretch_width", styles={"overflow-y": "auto"},
        )  # fmt: skip
        self.table.listen(self._begin, self.open_galaxy)
        self._grid = pn.Row(*(
            pn.pane.Bokeh(chart.figure, margin=0, theme=None, styles={"flex": "none"})
            for chart in self._charts
        ), margin=0, sizing_mode="stretch_width")  # fmt: skip
        self.follow(session, "dark", self._show)
        if self._can_read:
            self.follow(session.store, ["source", "target", "translator", "beside"], self._read)
            self.follow(session.store, "galaxy", self._list)
            self.param.watch(self._rest, "shown")
            self._read()
            if self._drawn:
                self.particles.begin()

    def fit(self, width_px: int) -> None:
        """Put figures beside or beneath one another, as there is room."""
        free = width_px - 16
        columns = next((n for n in (3, 2) if free // n - _ROOM_PX >= _LEAST_PX), 1)
        self._grid.styles = {
            "display": "grid", "grid-template-columns": f"repeat({columns}, max-content)",
            "gap": "14px 0", "justify-content": "space-around",
        }  # fmt: skip
        side = min(max(free // columns - _ROOM_PX, 200), _LARGEST_PX)
        for chart in self._charts:
            chart.resize(side, side)
        self.particles.resize(min(max(free // 2 - _ROOM_PX, 200), 460))
        self._show()

    def pick(self, places: NDArray[np.intp]) -> None:
        """Select galaxies by their places, in all figures."""
        self.picked = np.asarray(places)
        for chart in self._charts:
            chart.mark(self.picked)
        self._list()

    def open_galaxy(self, name: str) -> None:
        """Make a galaxy that of all pages, where the explorer has it."""
        if name in self._session.store.param.galaxy.objects:
            self._session.store.galaxy = name

    def _read(self, *events: Any) -> None:
        """Read evaluations on the worker, then show what is in them."""
        if self._job is not None:
            self._job.cancel()
        store = self._session.store
        asked = store.translator, store.source, store.target, store.others
        self._job = self._session.read(
            lambda: survey(library.load_evaluations(), *asked), self._take
        )

    def _take(self, found: Population) -> None:
        same = np.array_equal(_names(found), _names(self.found))
        self.found = found
        if not same:
            self.picked = np.empty(0, np.intp)
        self._show()

    def _begin(self) -> None:
        if not self._drawn:
            self._drawn = True
            self._show()
            self.particles.begin()

    def _rest(self, *events: Any) -> None:
        """Wait for the browser to draw the view anew when it is shown again."""
        self._drawn = self._drawn and (self.shown or pn.state.curdoc is None)
        self.particles.shown = self.shown
        if not self._drawn:
            self.particles.rest()

    def _show(self, *events: Any) -> None:
        """Draw the population in the page's colors, once there is something to draw on."""
        if not self._drawn:
            return
        found, members, colors = self.found, self.found.members, self.colors
        for chart, content in (
            (self.totals, found.totals), (self.abundance, found.abundance),
            (self.residuals, found.residuals),
        ):  # fmt: skip
            chart.dress(colors)
            if content is None or members is None:
                chart.clear()
            else:
                chart.put(content, members, colors)  # type: ignore[arg-type]
        self.residuals.put_others(found.others)
        if found.no_abundance:
            self.abundance.figure.title.text = f"{self.abundance.TITLE}: none of this target"
        self.pick(self.picked)
        self._tell_what()

    def _tell_what(self) -> None:
        store = self._session.store
        source, target = (get_domain(n).label.lower() for n in (store.source, store.target))
        title = str(store.card.get("title", store.translator))
        whose = f"{len(self.found):,} {'hold-out ' if self._can_read else ''}galaxies."
        waits = self._job is not None and not self._job.done and not len(self.found)
        words = "Reading evaluations…" if waits else self.found.problem or (
            f"{whose} A box, a lasso or a click selects. "
            f"{(self._can_read and _BESIDE) or ''}"
            f"{self.found.no_abundance and 'Abundance matching: ' + self.found.no_abundance}"
        )  # fmt: skip
        _say(self._heads[0], f"{title}: {source} → {target}", words)
        _say(self._heads[2], "Particles of the galaxy on view",
             "Colors are mass per kpc² and per dex², brighter where there is more; a zoom shades "
             "them anew.")  # fmt: skip

    def _list(self, *events: Any) -> None:
        """List the selected galaxies, the first of many."""
        store, members = self._session.store, self.found.members
        shown = self.picked[:_MOST_ROWS]
        rows = [] if members is None else [
            _row(members, place, store.galaxy, store.param.galaxy.objects) for place in shown
        ]  # fmt: skip
        self.table.param.update(rows=rows, caption="Selected galaxies")
        if not len(self.picked):
            words = "None yet: draw a box or click a point in the figures above."
        else:
            more = f", of which {_MOST_ROWS} are listed" if len(self.picked) > _MOST_ROWS else ""
            opened = sum(row["open"] for row in rows)
            words = f"{len(self.picked):,} selected{more}. " + (
                "A click on a name opens the galaxy on all pages."
                if opened
                else "They are not in this page’s list of galaxies, so that none can be opened."
                if self._can_read
                else ""
            )
        _say(self._heads[1], "Selected galaxies", words)

    def __panel__(self) -> Any:
        parts = (self._grid, self.table, *([self.particles] if self._can_read else []))
        return cards(zip(self._heads, parts, strict=False), "population")


def _row(members: Members, place: Any, current: str, known: Any) -> dict[str, Any]:
    """Return a galaxy's row as the browser takes it."""
    name = str(members.names[place])
    mass, error = float(members.stellar_masses[place]), float(members.errors_dex[place])
    kind = str(members.kinds[place]).replace("_", " ")
    cells = [
        [kind, kind, False],
        [mass if np.isfinite(mass) else None, power_of_ten(mass), False],
        [error if np.isfinite(error) else None, f"{error:.3f}" if np.isfinite(error) else "–",
         False],
    ]  # fmt: skip
    return {
        "name": name, "title": name, "chosen": name == current, "open": name in known,
        "device": "", "cells": cells,
    }  # fmt: skip


def _names(found: Population) -> NDArray[Any]:
    return np.empty(0) if found.members is None else found.members.names


def _say(pane: pn.pane.HTML, head: str, words: str) -> None:
    pane.object = f"<h2>{escape(head)}</h2><p>{escape(words)}</p>"
