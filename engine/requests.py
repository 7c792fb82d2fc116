"""What a translation may be asked for: each check raises `TranslatorError` in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from engine.samplers import SAMPLERS


class TranslatorError(ValueError):
    """A translation was asked for that cannot be made."""


@dataclass(frozen=True)
class Request:
    """One translation among several that are made at once, as `Translator.trajectory` takes it.

    Attributes
    ----------
    source_map : (H, W) in the unit of domain `source`, row = y, origin lower.
    source, target : names of two different domains.
    seed : non-negative.
    """

    source_map: NDArray[Any]
    source: str
    target: str
    seed: int = 0


def check_count(name: str, value: Any, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`."""
    if not isinstance(value, int | np.integer) or not low <= value <= high:
        raise TranslatorError(f"{name} must be a whole number {low} to {high}, got {value!r}")
    return int(value)


def check_number(name: str, value: Any, *, zero: bool) -> float:
    """Return a finite number above zero, or from zero."""
    number = isinstance(value, int | float | np.number) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero):
        raise TranslatorError(
            f"{name} must be a finite number {'from' if zero else 'above'} 0, got {value!r}"
        )
    return float(value)


def check_domain(role: str, name: str, translator: str, known: Sequence[str]) -> None:
    """Raise unless `name` is a domain, and among those of the translator."""
    try:
        get_domain(name)
    except ValueError as error:
        raise TranslatorError(f"{role}: {error}") from None
    if name not in known:
        raise TranslatorError(
            f"{role} {name!r} is not among the domains of translator {translator}: "
            f"{', '.join(known)}"
        )


def check_shape(role: str, shape: Sequence[int], multiple: int, grid_size: int) -> tuple[int, int]:
    """Return (H, W), both multiples of what the network needs."""
    whole = all(isinstance(side, int | np.integer) and side > 0 for side in shape)
    if len(shape) != 2 or not whole or any(side % multiple for side in shape):
        raise TranslatorError(
            f"{role} must have shape (H, W) with sides that are multiples of {multiple} "
            f"(trained on {grid_size}), got {tuple(shape)}"
        )
    return shape[0], shape[1]


def check_values(role: str, values: NDArray[Any], domain: str) -> NDArray[np.float64]:
    """Return a map of a domain as numbers, finite and not negative."""
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError):
        raise TranslatorError(f"{role} must hold numbers, got {values.dtype}") from None
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise TranslatorError(f"{role} of {domain} must be finite, got {bad} bad pixels")
    if (values < 0).any():
        raise TranslatorError(
            f"{role} of {domain} must not be negative, got {values.min():.3g} "
            f"{get_domain(domain).unit}"
        )
    return values


def shortage(name: str, device: object) -> str:
    """Return what to say where a device has too little memory for a translator's work."""
    return (
        f"the memory of {device} does not hold what {name} was asked for: ask for fewer samples or "
        "smaller maps, or run it on another device"
    )


class Speaker(Protocol):
    """What has a name and knows domains, some of which it translates from."""

    name: str
    domains: tuple[str, ...]
    sources: tuple[str, ...]


def check_pair(source: str, target: str, translator: Speaker) -> None:
    """Raise unless both are domains of the translator, two, and the first one of its sources."""
    check_domain("source", source, translator.name, translator.domains)
    check_domain("target", target, translator.name, translator.domains)
    if source not in translator.sources:
        raise TranslatorError(
            f"{translator.name} translates from {', '.join(translator.sources)} alone, "
            f"got the source {source!r}"
        )
    if source == target:
        raise TranslatorError(f"source and target must differ, got {source!r} for both")


def check_sampler(sampler: str | None, default: str) -> str:
    """Return the name of a sampler that there is, the default of None."""
    sampler = default if sampler is None else sampler
    if sampler not in SAMPLERS:
        raise TranslatorError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
    return sampler
