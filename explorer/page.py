"""One page: header, sidebar, maps, steps; and the address that reopens it."""

from __future__ import annotations

from typing import Any, ClassVar

import holoviews as hv
import panel as pn
from bokeh.models import Range1d

from explorer import theme
from explorer.controls import Controls
from explorer.session import Session
from explorer.store import ADDRESS, Store
from explorer.views.maps import MapRow
from explorer.views.notices import Notices
from explorer.views.steps import StepPlayer
from explorer.views.viewport import Viewport, frame_size

TITLE = "Galactic Alchemy"
SUBTITLE = "one view of a galaxy into another, step by step"


def build() -> pn.template.FastListTemplate:
    """Return the page of a new session, its first translation on the way."""
    hv.extension("bokeh", logo=False)
    store = Store()
    complaints = read_address(store)
    session = Session(store)
    ranges = (Range1d(start=-50, end=50), Range1d(start=-50, end=50))
    maps, steps = MapRow(session, *ranges), StepPlayer(session, *ranges)
    notices = Notices(session, complaints)
    viewport = Viewport(width=0, height=0, margin=0)

    def resize(*events: object) -> None:
        size = frame_size(viewport.width_px)
        maps.resize(size)
        steps.resize(size)

    viewport.param.watch(resize, "width_px")
    resize()
    if pn.state.location is not None:
        pn.state.location.sync(store, list(ADDRESS), on_error=lambda bad: notices.complain(
            store.accept(bad)))  # fmt: skip
        pn.state.on_session_destroyed(lambda context: session.close())

    def start() -> None:
        if pn.state.location is not None:  # the browser has told its own address by now
            pn.state.location.search = store.address()
        session.start()

    pn.state.onload(start)
    return _template(Controls(session), pn.Column(
        viewport, notices,
        pn.Column(maps, styles=_CARD, margin=(0, 0, 12, 0), sizing_mode="stretch_width"),
        pn.Column(steps, styles=_CARD, margin=0, sizing_mode="stretch_width"),
        margin=0, sizing_mode="stretch_width",
    ))  # fmt: skip


_CARD = {
    "background": theme.SURFACE, "border": f"1px solid {theme.LINE}", "border-radius": "8px",
    "padding": "10px 6px 8px 6px",
}  # fmt: skip


def read_address(store: Store) -> list[str]:
    """Take over what the address asks for; return a sentence for each value that is refused."""
    location = pn.state.location
    if location is None:
        return []
    complaints = store.accept(location.query_params)
    location.search = store.address()
    return complaints


class Fast(pn.theme.Fast):
    """Panel's Fast design without its web font: the page loads nothing from elsewhere.

    Panel finds a design's files by the name of its class, hence the same name.
    """

    _resources: ClassVar[Any] = {**pn.theme.Fast._resources, "font": {}}


def _template(controls: Controls, main: pn.Column) -> pn.template.FastListTemplate:
    return pn.template.FastListTemplate(
        title=TITLE,
        site="",
        theme="dark",
        theme_toggle=False,
        font=theme.FONT,
        busy_indicator=None,
        design=Fast,
        accent_base_color=theme.ACCENT,
        header_background=theme.SURFACE,
        header_color=theme.TEXT,
        background_color=theme.BACKGROUND,
        sidebar_width=theme.SIDEBAR_WIDTH,
        main_layout=None,
        raw_css=[theme.CSS],
        header=[pn.pane.HTML(SUBTITLE, styles={"color": theme.MUTED, "font-size": "14px"})],
        sidebar=[controls],
        main=[main],
    )
