"""The state of one session: what is chosen, and what of it the address carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

import param

from data.domains import DOMAINS
from engine.processes import PROCESSES
from explorer import library

MAX_STEPS = 128
MAX_SEED = 999_999
MAX_GUIDANCE = 5.0


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


CHOICES = tuple(each.name for each in fields(View))
ADDRESS = (*CHOICES, "step", "beside", "scale", "limits")


class Store(param.Parameterized):
    """What a person has chosen; bounded, so that an address cannot ask for what is not there."""

    galaxy = param.Selector(check_on_set=True, allow_None=True, doc="Galaxy of the catalog.")
    rotation = param.Integer(default=1, bounds=(1, library.NUM_ROTATIONS))
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

    def __init__(self, cards: Mapping[str, Mapping[str, Any]] | None = None, **params: Any):
        super().__init__(**params)
        self.cards = library.cards() if cards is None else dict(cards)
        galaxies, translators = list(library.ENTRIES), list(self.cards)
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

    def default_steps(self, translator: str | None = None) -> int:
        """Return the number of steps that a translator's card names; the chosen one's."""
        card = self.cards[translator] if translator else self.card
        return min(max(int(card.get("default_steps", 32)), 1), MAX_STEPS)

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
        return View(*(getattr(self, name) for name in CHOICES))

    @property
    def others(self) -> tuple[str, ...]:
        """The translators beside the chosen one, each once."""
        names = dict.fromkeys(filter(None, self.beside.split(",")))
        return tuple(name for name in names if name != self.translator)

    def view_of(self, translator: str) -> View:
        """Return the view through another translator, in its own number of steps."""
        guidance = self.guidance if _has_prior(self.cards[translator]) else 1.0
        steps = self.default_steps(translator)
        return replace(self.view, translator=translator, steps=steps, guidance=guidance)

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
                self.param.update(**{name: value})
            except (ValueError, TypeError):
                complaints.append(self._complaint(name, value))
        return complaints

    def allowed(self, name: str) -> str:
        """Say what a parameter may be, as "a whole number from 1 to 128"."""
        parameter = self.param[name]
        if isinstance(parameter, param.Selector):
            names = ", ".join(str(each) for each in parameter.objects)
            return "a galaxy of the list" if name == "galaxy" else f"one of {names}"
        if name == "beside":
            return f"names out of {', '.join(self.cards)}, with commas between them"
        low, high = parameter.bounds
        kind = "a whole number" if isinstance(parameter, param.Integer) else "a number"
        return f"{kind} from {low:g} to {high:g}"

    def _complaint(self, name: str, value: Any) -> str:
        shown = str(value)[:40]
        return (
            f"The address asks for {name} “{shown}”, which is not {self.allowed(name)}; "
            f"showing {getattr(self, name) or 'none'} instead."
        )

    def address(self) -> str:
        """Return the query that reopens this view, with its question mark."""
        return "?" + urlencode(
            {
                name: getattr(self, name)
                for name in ADDRESS
                if getattr(self, name) not in (None, "")
            },
            safe=",",
        )


def _has_prior(card: Mapping[str, Any]) -> bool:
    return bool(dict(card.get("network", {})).get("null_source", False))
