"""Samplers: small generators that yield after each evaluation of the network."""

from engine.samplers.posterior import Sample, sample

__all__ = ["SAMPLERS", "Sample", "sample"]

# eta of Song, Meng & Ermon (2021), eq. 16, by name.
SAMPLERS = {"ddim": 0.0, "ancestral": 1.0}
