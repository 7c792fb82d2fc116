"""What a run normalizes its maps by, and whether the weights that it starts from know such maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.normalize import DEFAULT, Normalization, Scale
from data.statistics import store_normalization
from data.store import MapStore
from engine.checkpoint import CheckpointError, normalization_of, read_card
from engine.requests import TranslatorError
from engine.shelf import checkpoint_folder
from train.config import ConfigError, FitConfig

# Constants that differ by less than this share of a domain's spread, as those of one set of maps
# made on two machines, show a network the same.
_NEAR = 0.01


def wanted_normalization(config: FitConfig) -> Normalization:
    """Return what the recipe wants maps normalized by; the default where its source has none.

    Raises
    ------
    ConfigError : if it names a checkpoint that is not there.
    """
    if config.normalization == "default":
        return DEFAULT
    if config.normalization == "init":
        found = normalization_of(_card(config.init))
    else:
        with MapStore.open(config.data) as store:
            found = store_normalization(store)
    return Normalization({**DEFAULT.scales, **found.scales})


def require_like_constants(
    checkpoint: str | Path, domains: Sequence[str], normalization: Normalization
) -> None:
    """Raise ConfigError where a checkpoint knows one of `domains`, but normalized otherwise."""
    card = _card(checkpoint)
    before = normalization_of(card)
    for domain in domains:
        if domain in card["domains"] and not _alike(before[domain], normalization[domain]):
            raise ConfigError(
                f"init: {card['name']} was trained on maps of {domain} that were normalized "
                "otherwise; set normalization: init, or --normalization init, to go on with its "
                "constants"
            )


def _card(checkpoint: str | Path) -> dict[str, Any]:
    """Return the card of a checkpoint with constants that can be read."""
    try:
        card = read_card(checkpoint_folder(checkpoint))
        normalization_of(card)
    except (CheckpointError, TranslatorError) as error:
        raise ConfigError(f"init: {error}") from None
    return card


def _alike(a: Scale, b: Scale) -> bool:
    least = _NEAR * min(a.scale_dex, b.scale_dex)
    return (
        a.floor == b.floor
        and abs(a.center_dex - b.center_dex) <= least
        and abs(a.scale_dex - b.scale_dex) <= least
    )
