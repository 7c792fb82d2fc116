"""A page laid out as cards, one beneath the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import panel as pn

from explorer import theme


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
