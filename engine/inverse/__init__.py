"""Inverse problems on the prior: samples and the maximum of p(x | d) for data d = A x + b."""

from __future__ import annotations

from engine.inverse.maximum import maximum
from engine.inverse.measurement import Measurement
from engine.inverse.observation import Observation
from engine.inverse.operators import Beam, BlockMean, Chain, Linear, Mask, Operator, Physical
from engine.inverse.posterior import PosteriorTask, require_noise

__all__ = [
    "Beam", "BlockMean", "Chain", "Linear", "Mask", "Measurement", "Observation", "Operator",
    "Physical", "PosteriorTask", "maximum", "require_noise",
]  # fmt: skip
