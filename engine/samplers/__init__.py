"""Samplers: small generators that yield after each evaluation of the network."""

from __future__ import annotations

from engine.samplers.ancestral import ancestral
from engine.samplers.ddim import ddim
from engine.samplers.posterior import Noise, Sample, walk

__all__ = ["SAMPLERS", "Noise", "Sample", "ancestral", "ddim", "walk"]

SAMPLERS = {"ddim": ddim, "ancestral": ancestral}
