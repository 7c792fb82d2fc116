"""The page: header, sidebar, one view of several, and the address that reopens it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.themes import Theme
from panel.io.resources import LOCAL_DIST

from explorer import theme
from explorer.controls import Controls
from explorer.garbage import SWEEPER
from explorer.session import Session
from explorer.store import ADDRESS, Store
from explorer.views.clouds import CloudsPage
from explorer.views.compare import Compare
from explorer.views.gallery import Gallery
from explorer.views.lensing import LensingPage
from explorer.views.maps import MapContent
from explorer.views.notices import Notices
from explorer.views.observe import ObservePage
from explorer.views.population import PopulationPage
from explorer.views.poster import poster, template
from explorer.views.profiles import ProfilesPage
from explorer.views.tour import Tour
from explorer.views.translate import Translate
from explorer.views.uncertainty import Uncertainty
from explorer.views.view import View
from explorer.views.viewport import COOKIE, Viewport, is_dark, known_width

TITLE = "Galactic Alchemy"
LOST = "The connection to the server is lost: what is here stays, reload the page to go on."
VIEWS: tuple[type[View], ...] = (
    Translate, Gallery, ProfilesPage, Uncertainty, LensingPage, PopulationPage, CloudsPage,
    ObservePage, Compare,
)  # fmt: skip


def build() -> pmui.Page:
    """Return the page of a new session, its first translation on the way."""
    pn.extension(disconnect_notification=LOST)
    theme.start_holoviews()
    dark = is_dark(pn.state.cookies)
    pn.config.theme = "dark" if dark else "default"
    store = Store()
    store.offer_pages(name_in_address(kind) for kind in VIEWS[1:])
    complaints = read_address(store)
    session = Session(store, dark=dark)
    session.recall()
    width_px = known_width(pn.state.cookies)
    views, notices = Views(session, VIEWS, width_px), Notices(session, complaints)
    viewport = Viewport(width_px=width_px, height=0, margin=0, sizing_mode="stretch_width")
    main = pn.Column(
        viewport, notices, views.area, margin=(10, 16, 16, 16), sizing_mode="stretch_width",
        styles={"max-height": "none"},  # where the window is lower, it scrolls, and shrinks no map
    )  # fmt: skip
    header = [views.menu, pn.layout.HSpacer(), Tour(align="center", margin=(0, 4))]
    page = _page(session, header, Controls(session), main)
    if pn.state.curdoc is not None:
        pn.state.curdoc.template_variables.update(
            poster=poster(shown, dark, TITLE) if (shown := views.poster()) else None,
            theme_cookie=None if COOKIE in pn.state.cookies else COOKIE,
        )
    location = pn.state.location
    if location is not None:
        SWEEPER.note_page()

        def refuse(bad: dict[str, Any]) -> None:
            notices.complain(store.accept(bad))
            # The browser may tell its own address after all else: it is to have that of the view.
            address = partial(setattr, location, "search", store.address())
            pn.state.execute(address, schedule=True)

        location.sync(store, list(ADDRESS), on_error=refuse)
        # Angles that no longer count go; nothing else would take them out of the address.
        store.param.watch(lambda event: setattr(location, "search", store.address()), "rotation")
        pn.state.on_session_destroyed(lambda context: session.close())
        pn.state.on_session_destroyed(lambda context: SWEEPER.note_page())
        area = pn.state.notifications
        pn.state.on_session_destroyed(lambda context: _let_go(area))

    def follow_browser(*events: object) -> None:
        session.dark = page.dark_theme
        views.fit(viewport.width_px)

    def start() -> None:
        # What the browser told before it was ready could not have been answered.
        follow_browser()
        viewport.param.watch(follow_browser, "width_px")
        page.param.watch(follow_browser, "dark_theme")
        if pn.state.location is not None:  # the browser has told its own address by now
            pn.state.location.search = store.address()
        session.start()

    pn.state.onload(start)
    return page


class Views:
    """The page's views behind a menu of tabs; each is made when it is first chosen.

    Attributes
    ----------
    menu : the tabs.
    area : holds the view on show.
    """

    def __init__(self, session: Session, kinds: tuple[type[View], ...], width_px: int):
        self._session = session
        self._kinds = kinds
        self._made: dict[int, View] = {}
        self._width_px = width_px
        self.menu = pmui.TabMenu(
            items=[{"label": kind.title} for kind in kinds], active=self._asked, margin=(0, 16),
            width=None, variant="scrollable", styles={"flex": "0 1 auto", "min-width": "0"},
        )  # fmt: skip
        self.area = pn.Column(margin=0, sizing_mode="stretch_width")
        self.menu.param.watch(self._choose, "active")
        session.store.param.watch(self._open, "page")
        self._choose()

    def fit(self, width_px: int) -> None:
        """Fit the view on show into so many pixels; the others follow when they are shown."""
        self._width_px = width_px
        self._made[self.menu.active].fit(width_px)

    def poster(self) -> Sequence[MapContent]:
        """Return maps to show until the view on show has been drawn, none while there are none."""
        contents = self._made[self.menu.active].poster()
        return contents if any(each.values is not None for each in contents) else ()

    @property
    def _asked(self) -> int:
        """The place of the page that the state asks for, 0 where there is no such page here."""
        names = [name_in_address(kind) for kind in self._kinds]
        page = self._session.store.page
        return names.index(page) if page in names else 0

    def _open(self, *events: Any) -> None:
        self.menu.active = self._asked

    def _choose(self, *events: Any) -> None:
        chosen = self.menu.active
        self._session.store.page = name_in_address(self._kinds[chosen]) if chosen else ""
        for index, view in self._made.items():
            view.shown = index == chosen
        if chosen not in self._made:
            self._made[chosen] = self._kinds[chosen](self._session)
        view = self._made[chosen]
        view.fit(self._width_px)
        self.area[:] = [view]


def name_in_address(kind: type[View]) -> str:
    """Return what the address calls a page."""
    return kind.title.lower()


def read_address(store: Store) -> list[str]:
    """Take over what the address asks for; return a sentence for each value that is refused."""
    location = pn.state.location
    if location is None:
        return []
    complaints = store.accept(location.query_params)
    location.search = store.address()
    return complaints


def _page(session: Session, header: list[Any], sidebar: Any, main: Any) -> pmui.Page:
    if pn.state.notifications is not None:
        # Beside the page, not in it: in colors of its own it would give them to the page's text.
        pn.state.notifications.param.update(theme_config=theme.MATERIAL, dark_theme=session.dark)
    if pn.state.curdoc is not None:
        # A session that is made anew for a browser that comes late, or back, would look for the
        # style sheets elsewhere.
        pn.state.curdoc.template_variables.setdefault("dist_url", LOCAL_DIST)
        # The page's theme passes over models that the document's theme names.
        pn.state.curdoc.theme = Theme(json={"attrs": {name: {} for name in theme.OWN_MODELS}})
    others = set(_followers_of_busy())
    page = pmui.Page(
        title=TITLE, template=template(), site_url="?", dark_theme=session.dark,
        theme_config=theme.MATERIAL,
        sx=theme.HEADER, stylesheets=[theme.PAGE_CSS], sidebar_resizable=False,
        sidebar_width=theme.SIDEBAR_WIDTH, header=header, sidebar=[sidebar], main=[main],
    )  # fmt: skip
    # Of its own accord it follows whether Panel is busy, which counts all sessions: each page would
    # be drawn anew for the others', and none would ever be let go.
    for watcher in set(_followers_of_busy()) - others:
        pn.state.param.unwatch(watcher)
    return page


def _let_go(area: Any) -> None:
    """Let go the models of notifications, by which Panel would keep a document that was left."""
    for ref, (view, root, *_) in list(pn.state._views.items()):
        if view is area:
            area._cleanup(root)
            del pn.state._views[ref]


def _followers_of_busy() -> list[Any]:
    return list(pn.state.param.watchers.get("busy", {}).get("value", []))
