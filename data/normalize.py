"""Invertible transforms between physical maps and the numbers that networks see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain


def to_log(values: NDArray[Any], domain: str) -> NDArray[Any]:
    """Return log10(values + floor) in dex for physical `values` of any shape."""
    return np.log10(np.maximum(values, 0.0) + get_domain(domain).floor)


def normalize(values: NDArray[Any], domain: str) -> NDArray[np.float32]:
    """Map physical `values` (any shape, the domain's unit) to about zero mean and unit spread."""
    d = get_domain(domain)
    return ((to_log(values, domain) - d.center_dex) / d.scale_dex).astype(np.float32)


def denormalize(x: NDArray[Any], domain: str) -> NDArray[np.float32]:
    """Inverse of `normalize`: physical values; what lies below an empty pixel becomes zero."""
    d = get_domain(domain)
    values = 10.0 ** (np.asarray(x, np.float64) * d.scale_dex + d.center_dex) - d.floor
    return np.maximum(values, 0.0).astype(np.float32)
