"""One crosshair for all maps of a page; the browser moves it and reads the values beneath."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import panel as pn
import param
from bokeh.models import CustomJS, Label, Span

from explorer import theme
from explorer.scales import POWER_OF_TEN_JS

_HERE = Path(__file__).parent
_INSET = 5  # of a readout, from the frame's upper left corner
# Silent, or each move of the pointer would be a message to the server.
_MOVE = """
const { start: left, end: right } = cb_obj.origin.x_range;
const { start: low, end: high } = cb_obj.origin.y_range;
const { x, y } = cb_obj;
const inside = cb_obj.event_name == 'mousemove' && x >= left && x <= right && y >= low && y <= high;
across.setv({ location: inside ? y : NaN }, { sync: false });
down.setv({ location: inside ? x : NaN }, { sync: false });
"""


class Crosshair(pn.custom.JSComponent):
    """Two lines that Bokeh figures share, and a word for where they meet.

    It has the page's keys as well that change how maps look: see crosshair.js.
    """

    move = param.String(default="", doc="Id of the callback that knows lines and figures.")
    scale = param.String(default="logarithmic", doc="As in the store, for a key to change.")
    limits = param.String(default="shared", doc="The same.")
    color = param.String(default=theme.DARK.muted, doc="Of the words.")

    _esm = POWER_OF_TEN_JS + (_HERE / "crosshair.js").read_text("utf-8")

    def __init__(self, **params: Any):
        self._lines = [
            Span(dimension=dimension, location=float("nan"), level="overlay", line_width=1,
                 line_color="white", line_alpha=0.65)
            for dimension in ("width", "height")
        ]  # fmt: skip
        self._figures: list[Any] = []
        self._move = CustomJS(code=_MOVE)
        self._tell()
        super().__init__(move=self._move.id, **params)

    def join(self, figure: Any) -> Label:
        """Put the lines onto a figure and listen to its pointer.

        Returns the readout, whose tags are the unit of the figure's values, and whether they are
        held as log10.
        """
        readout = Label(
            x=_INSET, y=0, x_units="screen", y_units="screen", visible=False, level="overlay",
            name="readout", tags=["", False], text="", text_color="white", text_font=theme.FONT,
            text_font_size="11px", text_baseline="top", background_fill_color="black",
            background_fill_alpha=0.6, padding=3,
        )  # fmt: skip
        for model in (*self._lines, readout):
            figure.add_layout(model)
        figure.js_on_event("mousemove", self._move)
        figure.js_on_event("mouseleave", self._move)
        self._figures = [*self._figures, figure]
        self._tell()
        return readout

    def leave(self, figure: Any) -> None:
        """Forget a figure."""
        self._figures = [other for other in self._figures if other is not figure]
        self._tell()

    def _tell(self) -> None:
        # By Bokeh's own models, which are whole whenever the browser comes to have them.
        across, down = self._lines
        self._move.args = {"across": across, "down": down, "figures": self._figures}
