"""The radial profile as CSV."""

from __future__ import annotations

import csv
import io

from data.domains import get_domain
from engine.metrics.profile import radial_profile
from explorer.export.provenance import Facts
from explorer.export.units import unit_of
from explorer.translation import Run

COLUMNS = ("radius_kpc", "input", "output", "truth", "residual_dex")


def profile_bytes(run: Run, facts: Facts) -> bytes:
    """Return the profiles as CSV: comments behind #, a line of names, one line an annulus.

    Values are means over annuli of equal width; NaN where one holds no pixel, or there is no truth.
    """
    view, scene = run.view, run.scene
    source, target = get_domain(view.source), get_domain(view.target)
    given = radial_profile(scene.maps[view.source], scene.extent_kpc, len(run.radii_kpc))[1]
    width = 0.5 * scene.extent_kpc / len(run.radii_kpc)
    meanings = (
        f"middle of an annulus {width:.6g} kpc wide, projected, unit kpc",
        f"mean of {source.label.lower()}, unit {unit_of(source)}",
        f"mean of {target.label.lower()} as translated, unit {unit_of(target)}",
        f"mean of {target.label.lower()} in truth, unit {unit_of(target)}",
        "log10(output / truth), unit dex",
    )
    text = io.StringIO()
    for name, meaning in zip(COLUMNS, meanings, strict=True):
        text.write(f"# {name}: {meaning}\n")
    for name, value in facts.items():
        text.write(f"# {name}: {value}\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    columns = (run.radii_kpc, given, run.profiles[-1], run.truth_profile, run.residuals[-1])
    for row in zip(*columns, strict=True):
        table.writerow([f"{value:.9g}" for value in row])
    return text.getvalue().encode("utf-8")
