"""The card of a run: what its checkpoint will say about network, process, maps and training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.dataset import MapDataset
from engine.networks import configure, network_fields
from train.config import ConfigError, FitConfig

# Where a run lies on one machine is no part of its recipe; `training.init` says what it began with.
_LOCAL = ("data", "output", "init")


def new_card(config: FitConfig, maps: MapDataset) -> dict[str, Any]:
    """Return the card of a run that has not begun, from which `engine.checkpoint.build` makes it.

    Parameters
    ----------
    config : of the run.
    maps : that it is trained on, with the normalization that it wants.

    Raises
    ------
    ConfigError : where the recipe's network is none, or not one for these maps.
    """
    sources = {"sources": config.sources} if config.sources else {}
    return {
        "name": config.name, "title": config.title, "family": config.family, **sources,
        "network": _network(config, len(maps.domains)), "process": config.process,
        "domains": list(maps.domains), "grid_size": maps.grid_size,
        "normalization": maps.normalization.to_json(), "default_steps": config.default_steps,
        "default_sampler": config.default_sampler,
    }  # fmt: skip


def _network(config: FitConfig, num_domains: int) -> dict[str, Any]:
    """Return all fields of the recipe's network."""
    fields = {
        "channels_in": 1 if config.family == "pix2pix" else 2, "num_domains": num_domains,
        "null_source": bool(config.drop_source), **config.network,
    }  # fmt: skip
    if fields["num_domains"] != num_domains:
        raise ConfigError(f"network.num_domains must be {num_domains}, as in {config.data}")
    if fields["null_source"] != bool(config.drop_source):
        raise ConfigError(
            f"network.null_source must be left to drop_source, {config.drop_source}, "
            f"got {fields['null_source']!r}"
        )
    try:
        return network_fields(configure(fields))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"network: {error}") from None


def training_record(config: FitConfig, **measured: Any) -> dict[str, Any]:
    """Return what the card says of a run at its end: recipe, maps, and what was measured."""
    recipe = {k: v for k, v in asdict(config).items() if k not in _LOCAL}
    return {"recipe": recipe, "data": Path(config.data).name, **measured}
