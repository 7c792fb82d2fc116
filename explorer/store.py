"""The state of one session: what is chosen, and what of it the address carries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

import param

from data.domains import DOMAINS
from engine.processes import PROCESSES
from explorer import library
from explorer.galaxies import Offer

MAX_STEPS = 128
MAX_SEED = 999_999
MAX_GUIDANCE = 5.0
MAX_ANGLES = (180.0, 360.0, 360.0)
ANGLES_ALLOWED = (
    "an inclination from 0 to 180, a position angle and an azimuth from 0 to 360 degrees, "
    "as 60,30,0"
)


@dataclass(frozen=True)
class View:
    """Everything that a translation depends on: the key under which a finished run is kept."""

    galaxy: str
    rotation: int
    source: str
    target: str
    translator: str
    seed: int
    steps: int
    guidance: float = 1.0
    angles: library.Angles | None = None  # of the free rotation

    @property
    def direction(self) -> str:
        """From where the galaxy is seen, in words."""
        if self.angles is None:
            return f"rotation {self.rotation}"
        return "inclination {:g}°, position angle {:g}°, azimuth {:g}°".format(*self.angles)


def view_through(view: View, translator: str, card: Mapping[str, Any]) -> View:
    """Return a view through another translator, in its own number of steps."""
    guidance = view.guidance if _has_prior(card) else 1.0
    return replace(view, translator=translator, steps=_default_steps(card), guidance=guidance)


def are_angles(values: Any) -> bool:
    """Return whether `values`, whatever they are, are three angles within their bounds."""
    return (
        isinstance(values, list | tuple)
        and len(values) == len(MAX_ANGLES)
        and all(isinstance(angle, int | float) for angle in values)
        and all(0.0 <= angle <= most for angle, most in zip(values, MAX_ANGLES, strict=True))
    )


class ViewingAngles(param.NumericTuple):
    """Inclination, position angle and azimuth in degrees; "60,30,0" in an address."""

    def __init__(self, default: library.Angles = (0.0, 0.0, 0.0), **params: Any):
        super().__init__(default=default, length=3, **params)

    def _validate_value(self, val: Any, allow_None: bool) -> None:
        super()._validate_value(val, allow_None)
        if not are_angles(val):
            raise ValueError(f"angles must be {ANGLES_ALLOWED}, got {self.serialize(val)}")

    @classmethod
    def serialize(cls, value: Any) -> str:
        """Return angles as an address has them."""
        return ",".join(f"{angle:.10g}" for angle in value)

    @classmethod
    def deserialize(cls, value: Any) -> library.Angles:
        """Return the angles in a text; ValueError where there are not three."""
        try:
            inclination, position_angle, azimuth = (float(word) for word in str(value).split(","))
        except ValueError:
            raise ValueError(f"angles must be {ANGLES_ALLOWED}, got {value!r}") from None
        return inclination, position_angle, azimuth


def read_angles(rotation: int, text: str | None) -> library.Angles | None:
    """Return the angles of the free rotation, none of a stored one; ValueError on bad ones."""
    if rotation != library.FREE:
        if text is not None:
            raise ValueError(f"angles belong to rotation {library.FREE}, got rotation {rotation}")
        return None
    if text is None:
        raise ValueError(f"rotation {library.FREE} needs angles: {ANGLES_ALLOWED}")
    angles = ViewingAngles.deserialize(text)
    if not are_angles(angles):
        raise ValueError(f"angles must be {ANGLES_ALLOWED}, got {text}")
    return angles


CHOICES = tuple(each.name for each in fields(View))
ADDRESS = (*CHOICES, "step", "beside", "scale", "limits", "page")


class Store(param.Parameterized):
    """What a person has chosen; bounded, so that an address cannot ask for what is not there."""

    galaxy = param.Selector(check_on_set=True, allow_None=True, doc="Galaxy of the catalog.")
    galaxy_names = param.Event(doc="There are others that can be chosen.")
    rotation = param.Integer(default=1, bounds=(library.FREE, library.NUM_ROTATIONS),
                             doc="Number of a stored direction, or 0 for the angles.")  # fmt: skip
    angles = ViewingAngles(doc="Of the free rotation, as `data.rotations.viewing_rotation`.")
    source = param.Selector(default="gas", objects=list(DOMAINS))
    target = param.Selector(default="dark_matter", objects=list(DOMAINS))
    translator = param.Selector(check_on_set=True, allow_None=True)
    seed = param.Integer(default=0, bounds=(0, MAX_SEED))
    steps = param.Integer(default=32, bounds=(1, MAX_STEPS), doc="Steps of the sampler.")
    guidance = param.Number(default=1.0, bounds=(0.0, MAX_GUIDANCE),
                            doc="0 ignores the source, 1 is the trained model.")  # fmt: skip
    step = param.Integer(default=0, bounds=(0, MAX_STEPS), doc="Step on view; 0 is the last.")
    beside = param.String(default="", doc="Translators beside the chosen one, with commas.")
    scale = param.Selector(default="logarithmic", objects=["logarithmic", "linear"])
    limits = param.Selector(default="shared", objects=["shared", "own"],
                            doc="Color limits: the truth's, or each map's own.")  # fmt: skip
    page = param.Selector(default="", objects=[""], check_on_set=True,
                          doc="On view, of those that were offered; empty: the first.")  # fmt: skip

    def __init__(self, cards: Mapping[str, Mapping[str, Any]] | None = None, **params: Any):
        super().__init__(**params)
        self.cards = library.cards() if cards is None else dict(cards)
        galaxies, translators = list(library.GALAXIES.shared), list(self.cards)
        self.param.galaxy.objects = galaxies
        self.param.translator.objects = translators
        name = "|".join(re.escape(each) for each in translators)
        self.param.beside.regex = rf"\A(?:(?:{name})(?:,(?:{name}))*)?\Z"
        self.galaxy = galaxies[0]
        self.translator = translators[0] if translators else None
        if translators:
            self.steps = self.default_steps()
        for name in ("galaxy", "translator", "steps"):
            self.param[name].default = getattr(self, name)

    def offer_pages(self, names: Iterable[str]) -> None:
        """Let these pages be chosen beside the first."""
        self.param.page.objects = ["", *names]

    def admit(self, names: Iterable[str]) -> None:
        """Let galaxies of a person's own files be chosen."""
        self.param.galaxy.objects = list(dict.fromkeys([*self.param.galaxy.objects, *names]))
        self.param.trigger("galaxy_names")

    @property
    def galaxies(self) -> dict[str, Offer]:
        """The galaxies that can be chosen, by name."""
        return {name: library.GALAXIES.find(name) for name in self.param.galaxy.objects}

    def default_steps(self, translator: str | None = None) -> int:
        """Return the number of steps that a translator's card names; the chosen one's."""
        return _default_steps(self.cards[translator] if translator else self.card)

    @property
    def is_random(self) -> bool:
        """Whether the chosen translator draws anything, so that its seed matters."""
        process = PROCESSES.get(str(self.card.get("family")))
        return process is None or process.is_random

    @property
    def has_prior(self) -> bool:
        """Whether the chosen translator can be guided: it also knows targets without a source."""
        return _has_prior(self.card)

    @property
    def card(self) -> Mapping[str, Any]:
        """Card of the chosen translator."""
        return self.cards[self.translator] if self.translator else {}

    @property
    def view(self) -> View:
        """What the next translation would depend on."""
        view = View(*(getattr(self, name) for name in CHOICES))
        return view if self.rotation == library.FREE else replace(view, angles=None)

    @property
    def others(self) -> tuple[str, ...]:
        """The translators beside the chosen one, each once."""
        names = dict.fromkeys(filter(None, self.beside.split(",")))
        return tuple(name for name in names if name != self.translator)

    def view_of(self, translator: str) -> View:
        """Return the view through another translator, in its own number of steps."""
        return view_through(self.view, translator, self.cards[translator])

    def problem(
        self, missing: Mapping[str, str] | None = None, translator: str | None = None
    ) -> str:
        """Say in one sentence why there can be no translation; empty where there can.

        Parameters
        ----------
        missing : by domain, why the galaxy has no map of it.
        translator : one beside the chosen one, which is the default.
        """
        if not self.translator:
            return "There is no translator: no checkpoint was found."
        source, target = DOMAINS[self.source], DOMAINS[self.target]
        if source is target:
            return f"Source and target are both {source.label.lower()}: choose two domains."
        view = self.view_of(translator) if translator else self.view
        card = self.cards[view.translator]
        known = card.get("domains", list(DOMAINS))
        for domain in (source, target):
            if domain.name not in known:
                labels = ", ".join(DOMAINS[name].label.lower() for name in known if name in DOMAINS)
                return (
                    f"{view.translator} does not know the domain {domain.label.lower()}; "
                    f"it knows {labels}."
                )
        if view.guidance != 1.0 and not _has_prior(card):
            return f"{view.translator} knows no prior, so that its guidance must be 1."
        for domain in (source, target):
            if missing and domain.name in missing:
                reason = missing[domain.name]
                return reason if reason.endswith(".") else reason + "."
        return ""

    def accept(self, query: Mapping[str, Any]) -> list[str]:
        """Take what is valid of an address; return one sentence for each value that is not.

        A bad value leaves its default in place. Keys that are not ours are passed over.
        """
        complaints = []
        if "translator" in query and "steps" not in query:
            query = {**query, "steps": None}
        for name in sorted(ADDRESS, key=lambda n: n != "translator"):
            if name not in query:
                continue
            value = query[name]
            if name == "steps" and value is None:
                self.steps = self.default_steps()
                continue
            try:
                if isinstance(value, bool) or value is None:
                    raise ValueError
                self.param.update(**{name: self.param[name].deserialize(value)})
            except (ValueError, TypeError):
                complaints.append(self._complaint(name, value))
        return complaints

    def allowed(self, name: str) -> str:
        """Say what a parameter may be, as "a whole number from 1 to 128"."""
        parameter = self.param[name]
        if isinstance(parameter, param.Selector):
            names = ", ".join(str(each) for each in parameter.objects if each)
            return "a galaxy of the list" if name == "galaxy" else f"one of {names}"
        if isinstance(parameter, ViewingAngles):
            return ANGLES_ALLOWED
        if name == "beside":
            return f"names out of {', '.join(self.cards)}, with commas between them"
        low, high = parameter.bounds
        kind = "a whole number" if isinstance(parameter, param.Integer) else "a number"
        return f"{kind} from {low:g} to {high:g}"

    def _complaint(self, name: str, value: Any) -> str:
        shown = str(value)[:40]
        return (
            f"The address asks for {name} “{shown}”, which is not {self.allowed(name)}; "
            f"showing {self.param[name].serialize(getattr(self, name)) or 'none'} instead."
        )

    def address(self) -> str:
        """Return the query that reopens this view, with its question mark."""
        shown = {name: getattr(self, name) for name in ADDRESS}
        if self.rotation != library.FREE:
            del shown["angles"]
        return "?" + urlencode(
            {n: self.param[n].serialize(v) for n, v in shown.items() if v not in (None, "")},
            safe=",",
        )


def _default_steps(card: Mapping[str, Any]) -> int:
    return min(max(int(card.get("default_steps", 32)), 1), MAX_STEPS)


def _has_prior(card: Mapping[str, Any]) -> bool:
    return bool(dict(card.get("network", {})).get("null_source", False))
