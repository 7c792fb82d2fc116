"""The page Gallery: all galaxies that can be chosen, as pictures in one domain."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param

from data.domains import DOMAINS
from data.untrusted import MAX_BYTES
from explorer import library, theme, thumbnails, worker
from explorer.galaxies import ORIGINS, Offer
from explorer.ownfiles import ROOTS_VARIABLE, OwnFiles, roots
from explorer.scales import power_of_ten
from explorer.session import Session
from explorer.views.view import View

_HERE = Path(__file__).parent
_ALL = "all"
_SORTS = {
    "In order": "order", "Stellar mass": "stellar_mass", "Dark matter mass": "dark_matter_mass",
    "Redshift": "redshift", "CRPS of the translator": "crps_dex",
}  # fmt: skip
_SPLITS = ("train", "validation", "test")
# log10 of Msun, as far as any galaxy's may go.
_MASSES = (6.0, 13.0)
_CSS = "p { margin: 0; min-height: 20px; font: 13px/20px var(--font); color: var(--muted); }"


def scores(translator: str | None, source: str, target: str) -> dict[str, float]:
    """Return the translator's CRPS in dex of each hold-out galaxy that it was evaluated on."""
    direction = library.direction(translator, source, target) if translator else None
    if direction is None:
        return {}
    names, values = direction.galaxies("name"), direction.ensemble("crps_dex")
    return {str(name): float(value) for name, value in zip(names, values, strict=True)}


def chosen_offers(
    offers: list[Offer], *, kind: str = _ALL, origin: str = _ALL, split: str = _ALL,
    redshifts: tuple[float, float] = (0.0, np.inf), masses: tuple[float, float] = (0.0, np.inf),
) -> list[Offer]:  # fmt: skip
    """Return the galaxies that a person asks for, in their order.

    Parameters
    ----------
    kind, origin, split : one alone, or "all".
    redshifts : from and to.
    masses : stars in Msun, from and to; galaxies of an unknown mass are shown.
    """
    return [
        offer
        for offer in offers
        if kind in (_ALL, offer.kind)
        and origin in (_ALL, offer.origin)
        and split in (_ALL, offer.split)
        and redshifts[0] <= offer.redshift <= redshifts[1]
        and not (offer.stellar_mass < masses[0] or offer.stellar_mass > masses[1])
    ]


def sorted_offers(offers: list[Offer], by: str, crps: dict[str, float]) -> list[Offer]:
    """Return galaxies with the largest mass or redshift first, or the least CRPS.

    What is unknown comes last.
    """
    if by == "order":
        return offers
    sign = 1.0 if by == "crps_dex" else -1.0

    def key(offer: Offer) -> tuple[bool, float]:
        value = crps.get(offer.name, np.nan) if by == "crps_dex" else float(getattr(offer, by))
        return (bool(np.isnan(value)), 0.0 if np.isnan(value) else sign * value)

    return sorted(offers, key=key)


class Wall(pn.custom.JSComponent):
    """Pictures that are buttons; see gallery.js."""

    items = param.List(default=[], doc="Galaxies: key, label, lines and whether it is chosen.")
    domain = param.String(default="", doc="What the pictures show, for who cannot see.")

    _esm = (_HERE / "gallery.js").read_text("utf-8")
    _stylesheets: ClassVar[list[str]] = [(_HERE / "gallery.css").read_text("utf-8")]

    def hang(self, pictures: dict[str, str]) -> None:
        """Show pictures, the address of each by its key; others stay."""
        self._send_msg({"pictures": pictures})


class Gallery(View):
    """Filters, pictures, and the opening of one's own files."""

    title = "Gallery"

    domain = param.Selector(default="gas", objects=list(DOMAINS))
    kind = param.Selector(default=_ALL, objects=[_ALL])
    origin = param.Selector(default=_ALL, objects=[_ALL, *ORIGINS])
    split = param.Selector(default=_ALL, objects=[_ALL, *_SPLITS])
    redshift = param.Range(default=(0.0, 2.0), bounds=(0.0, 2.0))
    mass = param.Range(default=_MASSES, bounds=_MASSES, doc="log₁₀ of the stars' mass in M☉.")
    order = param.Selector(default="order", objects=_SORTS)

    def __init__(self, session: Session, **params: Any):
        super().__init__(session, **params)
        self.domain = session.store.source
        self._known: dict[str, Offer] = {}
        self._failed: set[str] = set()
        self._pictures: dict[str, str] = {}
        self._crps: dict[str, float] = {}
        self._job: worker.Job | None = None
        self.files = OwnFiles(session)
        self.wall = Wall(margin=(4, 10), sizing_mode="stretch_width", min_height=600)
        self._words = pn.pane.HTML("", margin=(2, 10), stylesheets=[_CSS],
                                   sizing_mode="stretch_width")  # fmt: skip
        self._said = pn.pane.HTML("", margin=(2, 10), stylesheets=[_CSS],
                                  sizing_mode="stretch_width")  # fmt: skip
        self.wall.on_msg(self._hear)
        self._filters, self._opening = self._make_filters(), self._make_opening()
        self.follow(session.store, ["galaxy_names"], self._read)
        self.follow(session.store, ["galaxy"], self._arrange)
        self.follow(session.store, ["translator", "source", "target"], self._score)
        self.param.watch(self._arrange, ["kind", "origin", "split", "redshift", "mass", "order"])
        self.param.watch(self._show_domain, "domain")
        self.files.param.watch(self._say, "notice")
        self.param.watch(self._rest, "shown")
        self._read()

    def _read(self, *events: Any) -> None:
        """Take over the galaxies that can be chosen."""
        offers = self._session.store.galaxies
        self._known = {name: self._known.get(name, offer) for name, offer in offers.items()}
        kinds = sorted({offer.kind for offer in self._known.values() if offer.kind})
        self.param.kind.objects = [_ALL, *kinds]
        self._filters[1].options = {_words(name): name for name in self.param.kind.objects}
        self._score()

    def _score(self, *events: Any) -> None:
        store = self._session.store
        self._crps = scores(store.translator, store.source, store.target)
        self._arrange()

    def _arrange(self, *events: Any) -> None:
        """Put up the galaxies that are asked for, and have the missing pictures made."""
        offers = list(self._known.values())
        found = chosen_offers(
            offers, kind=self.kind, origin=self.origin, split=self.split,
            redshifts=self.redshift, masses=(10.0 ** self.mass[0], 10.0 ** self.mass[1]),
        )  # fmt: skip
        found = sorted_offers(found, self.order, self._crps)
        self.wall.param.update(
            domain=DOMAINS[self.domain].label.lower(), items=[self._item(offer) for offer in found]
        )
        self._words.object = f"<p role='status'>{len(found)} of {len(offers)} galaxies</p>"
        self._draw()

    def _item(self, offer: Offer) -> dict[str, Any]:
        mass = power_of_ten(offer.stellar_mass, 1) if offer.stellar_mass > 0 else "…"
        lines = [f"M★ {mass} M☉", f"z = {offer.redshift:.2g}"]
        if offer.name in self._crps:
            lines[-1] += f" · CRPS {self._crps[offer.name]:.2f} dex"
        return {
            "key": offer.name, "label": offer.label, "lines": lines, "origin": offer.origin,
            "chosen": offer.name == self._session.store.galaxy,
        }  # fmt: skip

    def _draw(self) -> None:
        """Make the next missing picture off the page's thread; those on the wall first."""
        if not self.shown or (self._job is not None and not self._job.done):
            return
        done = self._pictures.keys() | self._failed
        name = next((item["key"] for item in self.wall.items if item["key"] not in done), None)
        if name is None:
            return
        domain = self.domain

        def make() -> tuple[thumbnails.Sketch, str]:
            return thumbnails.sketch(name), thumbnails.picture(name, domain)

        def show(found: tuple[thumbnails.Sketch, str]) -> None:
            self._job = None
            self._take(name, domain, *found)

        def fail(sentence: str) -> None:
            self._job = None
            self._failed.add(name)
            self._draw()

        self._job = self._session.read(make, show, fail)

    def _take(self, name: str, domain: str, sketch: thumbnails.Sketch, address: str) -> None:
        if domain == self.domain:
            self._pictures[name] = address
            self.wall.hang({name: address})
        offer = self._known.get(name)
        if offer is not None and np.isnan(offer.stellar_mass) and sketch.stellar_mass > 0:
            self._known[name] = replace(
                offer, stellar_mass=sketch.stellar_mass, dark_matter_mass=sketch.dark_matter_mass
            )
            self._arrange()
        else:
            self._draw()

    def _show_domain(self, *events: Any) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._pictures.clear()
        self._arrange()

    def _rest(self, *events: Any) -> None:
        if self.shown:
            self._draw()

    def _hear(self, event: Any) -> None:
        said = event.data if isinstance(event.data, dict) else {}
        if said.get("ready"):
            self.wall.hang(self._pictures)
        if isinstance(name := said.get("choose"), str) and name in self._known:
            self._session.store.galaxy = name

    def _say(self, *events: Any) -> None:
        self._said.object = f"<p role='status'>{escape(self.files.notice)}</p>"

    def _make_filters(self) -> pn.Row:
        def select(name: str, label: str, options: Any) -> Any:
            return pmui.Select.from_param(
                self.param[name], label=label, options=options, size="small", width=136,
                margin=(6, 6),
            )  # fmt: skip

        def span(name: str, label: str) -> Any:
            return pmui.RangeSlider.from_param(
                self.param[name], label=label, step=0.1, size="small", width=130, margin=(2, 14)
            )

        return pn.Row(
            select("domain", "Domain", {d.label: name for name, d in DOMAINS.items()}),
            select("kind", "Kind", {_words(_ALL): _ALL}),
            select("origin", "From", {_words(name): name for name in (_ALL, *ORIGINS)}),
            select("split", "Split", {_words(name): name for name in (_ALL, *_SPLITS)}),
            select("order", "Sort by", _SORTS),
            span("redshift", "Redshift"), span("mass", "lg M★"),
            margin=(0, 4), sizing_mode="stretch_width", styles={"flex-wrap": "wrap"},
        )  # fmt: skip

    def _make_opening(self) -> pn.Row:
        upload = pmui.FileInput(
            label="Open a cutout (HDF5)", accept=".hdf5,.h5", variant="outlined", width=220,
            margin=(6, 6), max_file_size=MAX_BYTES,
        )  # fmt: skip
        upload.param.watch(lambda event: self._upload(upload), "value")
        path = pmui.TextInput(
            label="Path on the server" if roots() else "Path on the server (off)", size="small",
            width=300, margin=(6, 6), disabled=not roots(), placeholder="a cutout or map store",
            description=f"Opens files in the folders that the server’s {ROOTS_VARIABLE} names, "
            "where that is set before it starts.",
        )  # fmt: skip
        path.param.watch(lambda event: self.files.open_path(path.value_input), "enter_pressed")
        return pn.Row(upload, path, self._said, margin=(0, 4), sizing_mode="stretch_width")

    def _upload(self, widget: Any) -> None:
        if widget.value:
            self.files.open_upload(str(widget.filename), bytes(widget.value))
            widget.clear()

    def __panel__(self) -> Any:
        parts = [self._filters, self._opening, self._words, self.wall]
        return pn.Column(*parts, styles=theme.CARD, margin=0, sizing_mode="stretch_width")


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
