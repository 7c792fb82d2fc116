"""The table of methods: sorted in the browser, the best of each column marked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from explorer.comparison import COLUMNS, Standing

_HERE = Path(__file__).parent


def table_rows(
    standings: Iterable[Standing], chosen: str | None, translators: Collection[str]
) -> list[dict[str, Any]]:
    """Return the rows as the browser takes them; those of `translators` can be chosen there."""
    return [
        {
            "name": row.name, "title": row.title, "chosen": row.name == chosen,
            "open": row.name in translators, "device": row.device,
            "cells": [list(cell) for cell in zip(row.values, row.words, row.best, strict=True)],
        }
        for row in standings
    ]  # fmt: skip


class Ranking(pn.custom.JSComponent):
    """A table whose headers sort it and whose names choose a translator; see ranking.js."""

    columns = param.List(default=[[c.head, c.unit, c.text] for c in COLUMNS],
                         doc="[head, unit, meaning] of each.")  # fmt: skip
    rows = param.List(default=[], doc="Methods, as `table_rows`.")
    head = param.String(default="Method", doc="Of the column of names.")
    choosing = param.String(default="Make it the page’s translator", doc="What a click does.")
    chosen = param.String(default="The translator of this page", doc="What is marked so.")
    caption = param.String(default="", doc="What is compared, said to who cannot see.")

    _esm = (_HERE / "ranking.js").read_text("utf-8")
    _stylesheets: ClassVar[list[str]] = [(_HERE / "ranking.css").read_text("utf-8")]

    def listen(self, ready: Callable[[], None], choose: Callable[[str], None]) -> None:
        """Call `ready` when the table is drawn, `choose` with the name of a method picked there."""

        def hear(event: Any) -> None:
            said = event.data if isinstance(event.data, dict) else {}
            if said.get("ready"):
                ready()
            elif isinstance(said.get("choose"), str):
                choose(said["choose"])

        self.on_msg(hear)
