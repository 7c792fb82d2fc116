"""Checkpoints of networks of points: the files of `engine.checkpoint`, with a card of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.checkpoint import (
    Budget,
    CheckpointError,
    count_weights,
    describing,
    fill,
    read_card,
)
from engine.points.network import PointMamba, PointMambaConfig
from engine.points.scale import CloudScale
from engine.processes import PROCESSES, Process

# Beside the maps' folder, for whatever lists translators of maps must not meet these.
SHIPPED = Path(__file__).parent / "checkpoints"
POINT_CARD: dict[str, type] = {
    "name": str, "family": str, "network": dict, "process": dict, "targets": list,
    "num_points": int, "scale": dict,
}  # fmt: skip


def build_points(card: dict[str, Any]) -> tuple[PointMamba, Process]:
    """Return the untrained network and the process that a card describes.

    Raises
    ------
    CheckpointError : where it describes none, or a process without a path through noise.
    """
    family = PROCESSES.get(card["family"])
    if family is None or family.needs_source or not family.is_iterative:
        known = [n for n, p in PROCESSES.items() if p.is_iterative and not p.needs_source]
        raise CheckpointError(
            f"family of a network of points must be one of {', '.join(known)}, "
            f"got {card['family']!r:.80}"
        )
    with describing(card):
        return PointMamba(PointMambaConfig(**card["network"])), family(**card["process"])


def load_points(folder: str | Path) -> tuple[PointMamba, Process, CloudScale, dict[str, Any]]:
    """Return network (float32, evaluation mode), process, constants and card of a checkpoint.

    Raises
    ------
    CheckpointError : one sentence on what is missing, damaged or does not fit.
    """
    card = read_card(folder, POINT_CARD)
    try:
        scale = CloudScale.from_json(card["scale"])
    except ValueError as error:
        raise CheckpointError(f"scale of checkpoint {card['name']}: {error}") from None
    with Budget(count_weights(folder)):
        network, process = build_points(card)
    if lacking := [name for name in card["targets"] if name not in scale.warps]:
        raise CheckpointError(f"checkpoint {card['name']} lacks the scale of {lacking[0]!r}")
    if len(card["targets"]) > network.config.num_targets:
        raise CheckpointError(
            f"checkpoint {card['name']} lists {len(card['targets'])} targets for a network of "
            f"{network.config.num_targets}"
        )
    fill(network, folder)
    return network.eval(), process, scale, card
