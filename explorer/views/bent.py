"""Einstein radii and convergences of truth and prediction as a table, and what follows in words."""

from __future__ import annotations

from html import escape

import numpy as np

from engine.lensing import kpc_per_arcsec
from explorer.bending import Bending, Masses, interval
from explorer.scales import power_of_ten

CSS = """
table { border-collapse: collapse; width: 100%; font: 12.5px var(--font); }
th, td { padding: 2px 0 2px 10px; color: var(--text); text-align: right; vertical-align: top; }
th { font-weight: normal; color: var(--muted); white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
sub { font-size: 0.75em; line-height: 0; }
[title] { text-decoration: underline dotted var(--muted); text-underline-offset: 3px;
  cursor: help; }
p { margin: 6px 0 0; min-height: 54px; font: 13px/18px var(--font); color: var(--text); }
"""
KEY_CSS = "p { margin: 0; font: 12.5px/18px var(--font); color: var(--muted); }"
_MEANING = {
    "θE": "Einstein radius: of the circle of the area within the largest tangential critical "
    "curve, into which a source right behind the lens would be drawn out",
    "peak κ": "Convergence: surface density over the critical one, in the densest pixel",
    "Σcr": "Critical surface density, c² Dₛ / (4πG D_l D_ls): what bends light enough for several "
    "images; the distances are those of the two redshifts",
}


def numbers_html(bending: Bending, masses: Masses, no_prediction: str) -> str:
    """Return the numbers of a bending as HTML, with a sentence on what they mean."""
    optics, count = bending.optics, len(bending.predicted)
    head = f"{count} samples, 68 %" if count > 1 else "prediction"
    scale = kpc_per_arcsec(optics.lens_redshift)
    radii, truth = bending.einstein_kpc, bending.truth
    rows = [
        ("θE", "kpc", _radius(truth.einstein_kpc if truth else np.nan), _range(radii)),
        ("θE", "arcsec", _radius(truth.einstein_kpc / scale if truth else np.nan),
         _range(radii / scale)),
        ("peak κ", "", _plain(truth.peak if truth else np.nan), _range(bending.peaks)),
    ]  # fmt: skip
    body = "".join(
        f'<tr><th scope="row">{_explained(name)}{f" ({unit})" if unit else ""}</th>'
        f"<td>{own}</td><td>{predicted}</td></tr>"
        for name, unit, own, predicted in rows
    )
    critical = power_of_ten(optics.critical)
    return (
        f'<table><thead><tr><th scope="col">{_explained("Σcr")} = {critical} M☉ kpc⁻²</th>'
        f'<th scope="col">truth</th><th scope="col">{head}</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
        f'<p role="status">{escape(sentence(bending, masses, no_prediction))}</p>'
    )


def sentence(bending: Bending, masses: Masses, no_prediction: str = "") -> str:
    """Return in words what is on view: which mass, how massive, and whether it is critical."""
    optics, truth = bending.optics, bending.truth
    parts = ["Dark matter", *(f"{name} of the galaxy’s own map" for name in masses.added)]
    said = [" + ".join(parts) + (
        f", as if {optics.factor:g} times as massive." if optics.factor != 1 else "."
    )]  # fmt: skip
    said += [f"It has no map of {name}." for name in masses.lacking]
    who = [*([("The truth", np.array([truth.einstein_kpc]), np.array([truth.peak]))] if truth
             else []), *([("the prediction", bending.einstein_kpc, bending.peaks)]
                         if bending.predicted else [])]  # fmt: skip
    if not who:
        return " ".join([*said, f"No prediction: {no_prediction.rstrip('.')}."])
    weak = [(name, peaks) for name, radii, peaks in who if not radii.any()]
    for name, peaks in weak:
        said.append(f"{name[:1].upper()}{name[1:]} is sub-critical, peak κ = "
                    f"{np.median(peaks):.2f}: no critical curve.")  # fmt: skip
    none = int((bending.einstein_kpc == 0).sum())
    if none and bending.einstein_kpc.any():
        said.append(f"{none} of {len(bending.predicted)} samples are sub-critical.")
    resolved = max(float(radii.max()) for _, radii, _ in who)
    if 0 < resolved < bending.pixel_kpc:
        said.append(f"Its θE is less than a pixel ({bending.pixel_kpc:.2f} kpc): unresolved.")
    needed = bending.factor_needed
    if resolved < bending.pixel_kpc and needed and needed > optics.factor:
        said.append(f"As if {needed} times as massive, an Einstein radius would be seen.")
    if not bending.predicted:
        said.append(f"No prediction: {no_prediction.rstrip('.')}.")
    return " ".join(said)


def _explained(name: str) -> str:
    symbol = {"θE": "θ<sub>E</sub>", "Σcr": "Σ<sub>cr</sub>"}.get(name, name)
    return f'<span title="{escape(_MEANING[name])}">{symbol}</span>'


def _plain(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _radius(value: float) -> str:
    return "none" if value == 0 else _plain(value)


def _range(values: np.ndarray) -> str:
    """Return median and central 68 % of values (M,), which are 0 where there is no radius."""
    if not len(values):
        return "–"
    low, middle, high = interval(values)
    if len(values) == 1 or not values.any():
        return _radius(middle)
    return f"{_radius(middle)} ({_plain(low)}–{_plain(high)})"
