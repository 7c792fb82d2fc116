"""What samples and truth hold in the aperture: a strip of dots, and the same in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from numpy.typing import NDArray
from panel.viewable import Viewer

from data.domains import DOMAINS, Domain
from explorer import theme
from explorer.ensemble import (
    BAND,
    Aperture,
    Ensemble,
    aperture_values,
    percentile_of,
    rank_of,
    share_on_map,
)
from explorer.library import Scene
from explorer.views.calibration import CSS
from explorer.views.maps import quantity
from explorer.views.plots import ValueStrip

Array = NDArray[np.float64]


class Posterior(Viewer):
    """The strip, and beside it, `numbers`."""

    def __init__(self) -> None:
        super().__init__()
        self.strip = ValueStrip()
        self.numbers = pn.pane.HTML(
            "", stylesheets=[CSS], sizing_mode="stretch_width", margin=(4, 0), height=124
        )

    def put(
        self, target: str, scene: Scene | None, ensemble: Ensemble | None, aperture: Aperture
    ) -> None:
        """Show what samples and truth hold; nothing of what there is not."""
        domain, values, truth, part = DOMAINS[target], np.empty(0), np.nan, 1.0
        if scene is not None and (own := scene.maps.get(target)) is not None:
            truth = float(aperture_values(own, target, scene.extent_kpc, aperture))
            part = share_on_map(own.shape, scene.extent_kpc, aperture)
        if ensemble is not None:
            extent = ensemble.scene.extent_kpc
            values = aperture_values(ensemble.samples, target, extent, aperture)
            part = share_on_map(ensemble.samples.shape[1:], extent, aperture)
        title = "Mass in the aperture" if domain.is_mass else "Mean in the aperture"
        with np.errstate(divide="ignore"):
            logs, log_truth = np.log10(values), float(np.log10(truth))
        self.strip.put(title, _axis(domain), logs, log_truth)
        self.numbers.object = numbers_html(domain, logs, log_truth, part)

    def dress(self, colors: theme.Colors) -> None:
        """Wear the page's colors."""
        self.strip.dress(colors)

    def __panel__(self) -> Any:
        return self.strip


def numbers_html(domain: Domain, samples: Array, truth: float, part: float) -> str:
    """Return a table of what samples (M,) and truth hold, as log10, and of where the truth lies.

    `part` is the share of the aperture that lies on the map.
    """
    unit = "M☉" if domain.is_mass else domain.unit
    low, middle, high = np.quantile(samples, BAND) if len(samples) else [np.nan] * 3
    known = len(samples) > 0 and not np.isnan(truth)
    rank = percentile = "–"
    if known:
        below = rank_of(samples, truth)
        rank = f"{below:g} of {len(samples)}"
        percentile = f"{percentile_of(samples, truth):.0f}"
    rows = (
        (f"samples, median (log₁₀ {unit})", _number(middle)),
        (f"{round(100 * BAND[0])} to {round(100 * BAND[2])} %", f"{_number(low)} to {_number(high)}"
         if len(samples) else "–"),
        ("truth", _number(truth)),
        ("samples below the truth", rank),
        ("percentile of the truth", percentile),
    )  # fmt: skip
    table = "".join(f'<tr><th scope="row">{k}</th><td>{v}</td></tr>' for k, v in rows)
    beyond = f"<p>{100 * (1 - part):.0f} % of the circle lies beyond the map.</p>"
    return f"<table>{table}</table>{beyond if part < 0.995 else ''}"


def _axis(domain: Domain) -> str:
    if domain.is_mass:
        return f"log₁₀ M({domain.label.lower()}) (M☉)"
    return f"log₁₀ of mean {quantity(domain)} ({domain.unit})"


def _number(value: float) -> str:
    if np.isneginf(value):
        return "nothing"
    return f"{value:.3f}".replace("-", "\u2212") if np.isfinite(value) else "–"
