"""Warm start: a run that begins with the weights of a checkpoint instead of random ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.checkpoint import CheckpointError, build, read_card, read_weights
from engine.networks import AnyNetwork
from engine.processes import Process
from engine.requests import TranslatorError
from engine.shelf import checkpoint_folder
from train.config import ConfigError

# Below this share of the parameters, what is left of a checkpoint is no start but a mistake.
LEAST_SHARE = 0.5


def warm_start(
    network: AnyNetwork, domains: Sequence[str], checkpoint: str | Path
) -> tuple[dict[str, Any], Process]:
    """Copy into `network` what a checkpoint has under the same name and in the same shape.

    The checkpoint may be of another family, and of other domains: the embedding of a domain goes to
    the domain of that name, and one for "no source", behind those of the domains, to its like.

    Parameters
    ----------
    network : changed in place.
    domains : names of its embeddings' rows.
    checkpoint : name or folder.

    Returns
    -------
    What the card of the new run says about it: name, family, title, data and steps of the
    checkpoint, and how many of how many parameters were taken. And the checkpoint's process.

    Raises
    ------
    ConfigError : if there is no such checkpoint, or it fills less than half of the network.
    """
    try:
        folder = checkpoint_folder(checkpoint)
        card, weights = read_card(folder), read_weights(folder)
        other, process = build(card)
    except (CheckpointError, TranslatorError) as error:
        raise ConfigError(f"init: {error}") from None
    embeddings = {
        f"{name}.weight" for name, module in network.named_modules()
        if isinstance(module, nn.Embedding)
    }  # fmt: skip
    rows = [(card["domains"].index(d), i) for i, d in enumerate(domains) if d in card["domains"]]
    rows.append(
        (other.config.num_domains, network.config.num_domains)
    )  # Of no source, where both have it.
    taken = 0
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name not in weights:
                continue
            if name in embeddings:
                taken += _copy_rows(parameter, weights[name], rows)
            elif weights[name].shape == parameter.shape:
                parameter.copy_(weights[name])
                taken += parameter.numel()
    size = sum(p.numel() for p in network.parameters())
    if taken < LEAST_SHARE * size:
        raise ConfigError(
            f"init: {card['name']} fits {taken:,} of {size:,} parameters, less than half: "
            f"its network is {card['network']}"
        )
    training = card.get("training", {})
    record = {
        "name": card["name"], "family": card["family"], "title": card.get("title", ""),
        "data": training.get("data"), "steps": training.get("steps"),
        "parameters_taken": taken, "parameters": size,
    }  # fmt: skip
    return record, process


def _copy_rows(parameter: Tensor, weight: Tensor, rows: Sequence[tuple[int, int]]) -> int:
    """Copy the rows that both have, and return how many numbers that were."""
    if weight.shape[1:] != parameter.shape[1:]:
        return 0
    shared = [(a, b) for a, b in rows if a < len(weight) and b < len(parameter)]
    for there, here in shared:
        parameter[here] = weight[there]
    return len(shared) * parameter[0].numel()


def best_scale(loss: Callable[[float], float]) -> float:
    """Return the factor on a network's output at which `loss`, a mean square, is least.

    What DDPM calls v is what EDM and the score SDEs call its negative: a network of the one starts
    the other from four times the loss, and learns its own sign first, at the cost of all the rest.
    Three values tell a parabola; where the loss is no parabola and none is gained, 1.
    """
    left, zero, right = (loss(scale) for scale in (-1.0, 0.0, 1.0))
    curvature = left + right - 2.0 * zero
    scale = 0.5 * (left - right) / curvature if curvature > 0 else 1.0
    return scale if loss(scale) < right else 1.0


def summary(start: dict[str, Any]) -> str:
    """Return one line on a warm start, from what `warm_start` returned."""
    trained = f"{start['steps']:,} steps on {start['data']}" if start["steps"] else "unknown data"
    return (
        f"starting from {start['name']} ({start['family']}, {trained}): "
        f"{start['parameters_taken']:,} of {start['parameters']:,} parameters"
    )
