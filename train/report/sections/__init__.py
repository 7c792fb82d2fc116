"""The sections of a report: which figures and tables it has, and what is said of each."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tqdm import tqdm

from train.report.document import Section
from train.report.gather import Collection
from train.report.sections import galaxies, scores, structure

_SECTIONS: tuple[Callable[[Collection], Section], ...] = (
    scores.scores, scores.directions, galaxies.maps_of_cases, galaxies.radial_profiles,
    galaxies.integrated_quantities, structure.structure, structure.uncertainty, scores.cost,
    scores.provenance,
)  # fmt: skip


def sections(collection: Collection) -> list[Section]:
    """Return the sections of a report that have anything to show."""
    names = tqdm(_SECTIONS, desc="report", unit="section", file=sys.stderr, leave=False)
    made = [build(collection) for build in names]
    return [section for section in made if section.parts]
