"""A page laid out as cards, one beneath the other, and maps in the grid of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import panel as pn

from explorer import theme
from explorer.views.maps import MapPanel
from explorer.views.viewport import frame_size, num_columns


def cards(groups: Iterable[Iterable[Any]], name: str = "") -> pn.Column:
    """Return a card for each group of parts; `name` is the CSS class of all of them together."""
    made = [
        pn.Column(*parts, styles=theme.CARD, scroll="x-auto", margin=(0, 0, 12, 0),
                  sizing_mode="stretch_width")
        for parts in groups
    ]  # fmt: skip
    return pn.Column(
        *made, margin=0, sizing_mode="stretch_width", css_classes=[name] if name else []
    )


def fit_grid(grid: pn.Row, panels: Sequence[MapPanel], width_px: int) -> tuple[int, int]:
    """Fit maps, the first parts of `grid`, into `width_px`; return columns and side of a frame."""
    columns = num_columns(width_px)
    size = frame_size(width_px, columns)
    places = f"repeat({columns}, max-content)"
    grid.styles = {"display": "grid", "grid-template-columns": places, "row-gap": "12px"}
    for index, panel in enumerate(panels):
        panel.resize(size, has_y=index % columns == 0)
    return columns, size
