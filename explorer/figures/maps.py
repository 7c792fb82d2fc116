"""The maps of one translation: input, output and truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from engine.metrics.profile import residual_dex
from explorer.figures.panels import Panel, domain_panel


@dataclass(frozen=True)
class Comparison:
    """What a comparison figure shows.

    Attributes
    ----------
    source_map, output : (H, W) in the units of `source` and `target`; row = y upwards.
    truth : (H, W) in the unit of `target`, or None.
    source, target : names of domains.
    extent_kpc : side of the maps.
    caption : small print beneath: galaxy, rotation, redshift, translator, seed, steps.
    """

    source_map: NDArray[Any]
    output: NDArray[Any]
    truth: NDArray[Any] | None
    source: str
    target: str
    extent_kpc: float
    caption: str = ""

    def __post_init__(self) -> None:
        for name in ("source_map", "output", "truth"):
            value = getattr(self, name)
            if value is not None and (np.ndim(value) != 2 or not np.size(value)):
                raise ValueError(f"{name} must have shape (H, W), got {np.shape(value)}")
        if self.truth is not None and np.shape(self.truth) != np.shape(self.output):
            raise ValueError(
                f"truth must have the output's shape {np.shape(self.output)}, "
                f"got {np.shape(self.truth)}"
            )
        if not (np.isfinite(self.extent_kpc) and self.extent_kpc > 0):
            raise ValueError(f"extent_kpc must be finite and above zero, got {self.extent_kpc}")

    def residual(self) -> NDArray[np.float64] | None:
        """Return log10(output / truth) in dex (H, W), NaN where both are empty."""
        if self.truth is None:
            return None
        return residual_dex(self.output, self.truth, get_domain(self.target).floor)

    def panels(self) -> tuple[Panel, Panel, Panel]:
        """Return input, output and truth as panels; the last two share their color scale."""
        source, target = get_domain(self.source), get_domain(self.target)
        shared = [self.output if self.truth is None else self.truth]
        return (
            domain_panel("Input", self.source_map, source, [self.source_map]),
            domain_panel("Output", self.output, target, shared),
            domain_panel("Truth", self.truth, target, shared),
        )
