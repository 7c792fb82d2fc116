"""What the page shows before its scripts have run: the maps of its view as small pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import ChoiceLoader, FileSystemLoader, Template
from numpy.typing import NDArray
from panel_material_ui.base import get_env
from PIL import Image

from explorer import theme
from explorer.scales import mapped

if TYPE_CHECKING:
    from explorer.views.maps import MapContent

_HERE = Path(__file__).parent


@cache
def template() -> Template:
    """Return the page's HTML around what Bokeh puts into it, with room for a poster.

    Its variables are `poster`, from `poster`, and `theme_cookie`, by which a page in the system's
    theme is told that of its browser.
    """
    environment = get_env()
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.loader = ChoiceLoader([environment.loader, FileSystemLoader(_HERE)])
    return environment.get_template("page.html")


def poster(contents: Sequence[MapContent], dark: bool, title: str) -> dict[str, Any]:
    """Return what the template draws: colors, sizes, and the maps as PNG in base64."""
    colors = theme.colors(dark)
    pictures = [
        {"title": each.title, "picture": "" if each.values is None else _png(each, colors)}
        for each in contents
    ]
    return {
        "title": title, "variables": theme.variables(colors), "pictures": pictures,
        "sidebar": theme.SIDEBAR_WIDTH, "narrow": theme.NARROW_PX, "margin": theme.MARGIN_LEFT,
        "gap": theme.GAP,
    }  # fmt: skip


def _png(content: MapContent, colors: theme.Colors) -> str:
    """Return a map in its colors, a pixel each, as PNG in base64; row 0 comes to the bottom."""
    file = io.BytesIO()
    Image.fromarray(paint(content, colors)[::-1]).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def paint(content: MapContent, colors: theme.Colors) -> NDArray[np.uint8]:
    """Return the colors (H, W, 3) of a map, row 0 first, as its color mapper gives them."""
    values, limits = np.asarray(content.values, np.float64), np.asarray(content.limits)
    if content.logarithmic:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, limits = np.log10(values), np.log10(limits)
    return mapped(values, limits, content.colormap, colors.no_data)
