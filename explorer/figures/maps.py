"""The maps of a translation, by one translator or several: input, outputs and truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from engine.metrics.profile import residual_dex
from explorer.figures.panels import Panel, domain_panel, residual_panel
from explorer.scales import dex_limit


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
    title : of the output; the translator's, where others stand beside it.
    others : by title, what other translators make of the same source map; shaped as `output`.
    """

    source_map: NDArray[Any]
    output: NDArray[Any]
    truth: NDArray[Any] | None
    source: str
    target: str
    extent_kpc: float
    caption: str = ""
    title: str = "Output"
    others: Mapping[str, NDArray[Any]] = field(default_factory=dict)

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
        for title, values in self.others.items():
            if np.shape(values) != np.shape(self.output):
                raise ValueError(
                    f"others must have the output's shape {np.shape(self.output)}, "
                    f"got {np.shape(values)} of {title}"
                )
        if not (np.isfinite(self.extent_kpc) and self.extent_kpc > 0):
            raise ValueError(f"extent_kpc must be finite and above zero, got {self.extent_kpc}")

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """What each translator made, by title, the chosen one's first."""
        return {self.title: self.output, **self.others}

    def panels(self) -> tuple[Panel, Panel, Panel]:
        """Return input, output and truth as panels; the last two share their color scale."""
        source, target = get_domain(self.source), get_domain(self.target)
        shared = [*self.outputs.values()] if self.truth is None else [self.truth]
        return (
            domain_panel("Input", self.source_map, source, [self.source_map]),
            domain_panel(self.title, self.output, target, shared),
            domain_panel("Truth", self.truth, target, shared),
        )

    def residual_panels(self) -> list[Panel]:
        """Return log10(output / truth) in dex of each output, all on one color scale.

        NaN where both are empty; panels of nothing where there is no truth.
        """
        if self.truth is None:
            return [residual_panel(None, dex_limit(None)) for _ in self.outputs]
        floor = get_domain(self.target).floor
        residuals = [residual_dex(each, self.truth, floor) for each in self.outputs.values()]
        limit = max(dex_limit(residual) for residual in residuals)
        return [residual_panel(residual, limit) for residual in residuals]
