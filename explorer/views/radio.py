"""What an observation came to, as a table: beam, noise, mass, and what the samples are worth."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from data.domains import get_domain
from data.interferometer import Track
from data.normalize import to_log
from explorer.observing import SEEN, Setting, Sight, num_dishes
from explorer.scales import power_of_ten

CSS = """
table { border-collapse: collapse; width: 100%; font: 12.5px var(--font); }
th, td { padding: 2px 0 2px 10px; color: var(--text); text-align: right; vertical-align: top; }
th { font-weight: normal; color: var(--muted); text-align: left; padding-left: 0;
  white-space: nowrap; }
[title] { text-decoration: underline dotted var(--muted); text-underline-offset: 3px;
  cursor: help; }
p { margin: 6px 0 0; font: 13px/18px var(--font); color: var(--text); }
"""
_MEANING = {
    "Beam": "Full widths at half maximum of the Gaussian with which CLEAN restores the map",
    "Noise": "Standard deviation within a beam, of the line summed over 300 km/s, by the "
    "radiometer equation for the dishes",
    "HI mass": "On the map: as it is, and as it was seen, with noise and without what CLEAN missed",
    "Spread": "Median over the map of the standard deviation of log₁₀ among the samples",
    "Error": "Mean over the map of |log₁₀ mean − log₁₀ truth|",
}


def numbers_html(sight: Sight, setting: Setting) -> str:
    """Return the numbers of a sight as HTML, with a sentence where it is farther than asked for."""
    body = "".join(
        f'<tr><th scope="row">{_explained(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in _rows(sight)
    )
    said = farther(sight, setting)
    return f"<table><tbody>{body}</tbody></table>" + (f"<p>{escape(said)}</p>" if said else "")


def farther(sight: Sight, setting: Setting) -> str:
    """Return a sentence on a galaxy that is put farther away than asked for; empty where not."""
    placed, asked = sight.seen.observation.distance_mpc or 0.0, setting.distance_mpc
    if placed <= asked:
        return ""
    return (
        f"At {asked:g} Mpc its map of {sight.scene.extent_kpc:.0f} kpc is wider than the dishes "
        f"see evenly: it was put at {placed:.0f} Mpc."
    )


def _rows(sight: Sight) -> Iterable[tuple[str, str]]:
    seen = sight.seen
    asked, beam = seen.observation, seen.beam
    days = Track(asked.hours, asked.declination_deg, asked.track_hours).days
    major, minor = seen.beam_kpc
    yield "Distance", f"{asked.distance_mpc:.0f} Mpc, z = {asked.z:.4f}"
    yield (
        "On source",
        (f"{asked.hours:g} h in {days} {'day' if days == 1 else 'days'}, {num_dishes()} dishes"),
    )
    yield (
        "Beam",
        (f"{beam.major_arcsec:.1f}″ × {beam.minor_arcsec:.1f}″ = {major:.1f} × {minor:.1f} kpc"),
    )
    yield (
        "Noise",
        (
            f"{power_of_ten(seen.noise_column)} × 10¹⁹ cm⁻² = "
            f"{power_of_ten(seen.noise_surface_density)} M☉ kpc⁻²"
        ),
    )
    true, own = (
        float(np.sum(each, dtype=float)) * (sight.scene.extent_kpc / len(each)) ** 2
        for each in (sight.scene.maps[SEEN], seen.surface_density)
    )
    yield "HI mass", f"{power_of_ten(true)} M☉, seen {power_of_ten(own)}"
    yield "Spread", _dex(sight.median_spread)
    yield "Error", _dex(_error(sight))


def _error(sight: Sight) -> float:
    truth = sight.truth
    if truth is None or sight.mean is None:
        return float("nan")
    floor = get_domain(sight.target).floor
    difference = np.log10(sight.mean + floor) - to_log(truth, sight.target)
    return float(np.abs(difference).mean())


def _dex(value: float) -> str:
    return f"{value:.3f} dex" if np.isfinite(value) else "–"


def _explained(name: str) -> str:
    meaning = _MEANING.get(name)
    return f'<span title="{escape(meaning)}">{name}</span>' if meaning else name
