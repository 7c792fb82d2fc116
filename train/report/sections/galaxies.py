"""Sections that show galaxies: maps, radial profiles and integrated quantities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.domains import get_domain
from engine.evaluation import Case, Evaluation
from train.report.document import Part, Picture, Section
from train.report.figures import maps, population, profiles
from train.report.gather import Collection, Pair, first_sample, profiles_of, truth
from train.report.style import arrow

# The cases of the talk: what shows a direction's difficulty. Others where a test set lacks them.
_CASES = {
    "dark_matter": ("massive_halo", "spiral", "merger"),
    "stars": ("turbulent", "merger", "irregular"),
    "hi": ("spiral", "massive_halo"),
    "magnetic_field": ("spiral", "turbulent"),
}
_OTHERS = 1  # cases of a direction that the talk does not name
_MOST_SHOWN = 8  # methods in the figure that has one in each column
_FRACTION = "radius / half the map's side"
_HALF_MASS = "radius / stellar half-mass radius"


def maps_of_cases(collection: Collection) -> Section:
    """Return the maps of single galaxies, of all methods and of each."""
    looks = collection.looks
    cases = {name: found for name, e in collection.methods.items() if (found := _cases(e))}
    parts = _gallery(collection, cases)
    for name, directions in cases.items():
        chosen = [
            _case(pair, [("output", case)]) for pair, some in directions.items() for case in some
        ]
        parts.append(Picture(
            f"triptychs-{name}", maps.triptychs(chosen),
            f"{looks[name].label}: input, one sample, and truth of hold-out galaxies.",
            fold=f"Input, output and truth: {looks[name].label}",
        ))  # fmt: skip
    return Section(
        "maps", "Maps",
        f"Galaxies of the split {collection.first.maps.split}: whole galaxies are held out, with "
        "all their rotations and snapshots.", parts,
    )  # fmt: skip


def _gallery(collection: Collection, cases: dict[str, dict[Pair, list[Case]]]) -> list[Part]:
    """Return one galaxy a direction as all methods see it, if there are several."""
    shown = list(cases)[-_MOST_SHOWN:]
    if len(shown) < 2:
        return []
    rows = [
        _case(pair, [(collection.looks[n].label, cases[n][pair][0]) for n in shown])
        for pair in collection.focus
        if all(pair in cases[n] for n in shown)
    ]
    if not rows:
        return []
    return [Picture(
        "gallery", maps.gallery(rows),
        "One galaxy a direction: the input, one sample of each method, and the truth. Outputs and "
        "truth share a color scale. A sample is one possible map: look whether its structure is of "
        "the truth's kind, not whether each clump is in its place.",
    )]  # fmt: skip


def _cases(evaluation: Evaluation) -> dict[Pair, list[Case]]:
    """Return the cases of each direction of focus that are shown, the talk's first."""
    chosen: dict[Pair, list[Case]] = {}
    for pair in evaluation.focus:
        there = evaluation.direction(*pair).cases()
        wanted = _CASES.get(pair[1], ())
        named = [case for kind in wanted for case in there if case.kind == kind]
        chosen[pair] = named or there[:_OTHERS]
    return {pair: some for pair, some in chosen.items() if some}


def _case(pair: Pair, outputs: Sequence[tuple[str, Case]]) -> maps.Case:
    first = outputs[0][1]
    return maps.Case(
        first.kind.replace("_", " ") or first.name, *pair, first.source, first.truth,
        {label: case.sample for label, case in outputs}, first.extent_kpc,
    )  # fmt: skip


def radial_profiles(collection: Collection) -> Section:
    """Return profiles and their residuals."""
    looks = collection.looks
    near, far = (
        [profiles_of(collection, pair, half_mass_radii=half) for pair in collection.focus]
        for half in (False, True)
    )
    if not near:
        return Section("profiles", "Radial profiles", "", [])
    parts: list[Part] = [
        Picture(
            "profile-residuals", profiles.profile_residuals(near, looks, _FRACTION),
            "How the profile of one sample differs from the truth's: its bias (0 is right), how "
            "much that varies from galaxy to galaxy, and the squared residual, against the radius "
            "as a share of half the map's side. The floor of the domain is added to both in the "
            "logarithm; the squared residual is of where the truth is above it.",
        ),
        Picture(
            "profile-residuals-half-mass", profiles.profile_residuals(far, looks, _HALF_MASS),
            "The same against the radius in half-mass radii of the stars in the true map.",
        ),
    ]  # fmt: skip
    for name, look in looks.items():
        own = [p for p in near if name in p.model]
        if own:
            parts.append(Picture(
                f"profiles-{name}", profiles.profile_lines(own, look, name, _FRACTION),
                f"Above the true profiles, beneath those of one sample of {look.label}: a line a "
                "galaxy, their median, and the band from the 16th to the 84th percentile. The "
                "dashed line is the truth's median.",
                fold=f"Profiles of all galaxies: {look.label}",
            ))  # fmt: skip
    return Section(
        "profiles", "Radial profiles", "Azimuthal means about the middle of the map, to its edge.",
        parts,
    )  # fmt: skip


def integrated_quantities(collection: Collection) -> Section:
    """Return masses and means of whole maps, the truth's against each method's."""
    looks, count = collection.looks, len(collection.first.galaxies)
    parts = _abundances(collection)
    for pair in collection.focus:
        directions = collection.having(pair)
        models = {n: (looks[n], first_sample(d, "total", count)) for n, d in directions.items()}
        name, unit = _total(pair[1])
        true = truth(directions, "total", count)
        parts.append(Picture(
            f"total-{pair[1]}", population.integrated(true, models, f"{name} ({unit})"),
            f"{arrow(*pair)}: {name} of one sample against the truth. Hexagons count galaxies, the "
            "dashed line is 1:1; the numbers are the median of log10(model / truth) and half of "
            "its range from the 16th to the 84th percentile.",
        ))  # fmt: skip
    return Section(
        "masses", "Integrated quantities",
        "Masses are surface density times pixel area, summed over the map; temperature and field "
        "strength are means over it.", parts,
    )  # fmt: skip


def _abundances(collection: Collection) -> list[Part]:
    """Return stellar against dark matter masses, where both are translated from gas."""
    halo, stars = ("gas", "dark_matter"), ("gas", "stars")
    count = len(collection.first.galaxies)
    models = {
        name: (
            collection.looks[name],
            population.Masses(
                *(first_sample(e.direction(*pair), "total", count) for pair in (halo, stars))
            ),
        )
        for name, e in collection.methods.items()
        if {halo, stars} <= set(e.pairs)
    }
    if not models:
        return []
    true = population.Masses(
        *(truth(collection.having(pair), "total", count) for pair in (halo, stars))
    )
    redshift = float(np.median(collection.first.galaxies["redshift"]))
    return [Picture(
        "abundance-matching", population.abundance_matching(true, models, redshift),
        "Stellar against dark matter mass within the field of view, each from its own translation "
        "of the gas. The dashed line is the truth's running median. The dotted one is the relation "
        "of whole halos (M200 and all stars; Moster, Naab & White 2013), which maps that end "
        "within the halo cannot meet: it is there for its slope and its bend.",
    )]  # fmt: skip


def _total(target: str) -> tuple[str, str]:
    """Return what the total of a map is called, and its unit in math text."""
    domain = get_domain(target)
    if domain.is_mass:
        return f"mass of {domain.label.lower()} in the map", r"$M_\odot$"
    return f"mean {domain.label.lower()} of the map", domain.unit_tex
