"""Networks by kind, each with its configuration; cards and recipes name one in `network: kind`.

All map (x (n, channels_in, h, w), time (n,), source (n,), target (n,)) to (n, 1, h, w), and have
`config` and `multiple`, of which the sides of the maps must be multiples. With `null_source` in the
configuration, source index `num_domains` stands for no source (Ho & Salimans 2022): whatever the
source map, the network then describes the target domain alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engine.networks.dim import DiM, DiMConfig
from engine.networks.unet import UNet, UNetConfig

__all__ = ["NETWORKS", "AnyConfig", "AnyNetwork", "configure", "create", "network_fields"]

AnyConfig = UNetConfig | DiMConfig
AnyNetwork = UNet | DiM

NETWORKS: dict[str, tuple[type[Any], type[Any]]] = {
    "unet": (UNetConfig, UNet),
    "dim": (DiMConfig, DiM),
}


def configure(fields: Mapping[str, Any]) -> AnyConfig:
    """Return the configuration that fields describe; where they have no "kind", of a U-Net.

    Raises
    ------
    ValueError : if the kind is unknown or a value is not allowed.
    TypeError : if a field is unknown.
    """
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    kind = values.pop("kind", "unet")
    if str(kind) not in NETWORKS:
        raise ValueError(f"kind must be one of {', '.join(NETWORKS)}, got {kind!r}")
    return NETWORKS[str(kind)][0](**values)


def create(config: AnyConfig) -> AnyNetwork:
    """Return the untrained network of a configuration."""
    return NETWORKS[_kind(config)][1](config)


def network_fields(config: AnyConfig) -> dict[str, Any]:
    """Return the fields from which `configure` makes this configuration, as a card records them."""
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(config).items()}
    return {"kind": _kind(config), **fields}


def _kind(config: AnyConfig) -> str:
    return next(kind for kind, (known, _) in NETWORKS.items() if type(config) is known)
