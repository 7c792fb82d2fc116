"""Weights and their card: model.safetensors in float16 beside card.json."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from data.atomic import replacing
from data.domains import DOMAINS, OBSERVED
from data.normalize import Normalization
from engine.networks import AnyNetwork, configure, create
from engine.processes import PROCESSES, Process

WEIGHTS, CARD = "model.safetensors", "card.json"
MAP_CARD: dict[str, type] = {
    "name": str, "family": str, "network": dict, "process": dict, "domains": list,
    "grid_size": int, "normalization": dict,
}  # fmt: skip


# What networks, processes and tensors raise on fields that make no sense.
_WRONG = (
    TypeError, ValueError, RuntimeError, ArithmeticError, LookupError, AttributeError,
    MemoryError, RecursionError, AssertionError,
)  # fmt: skip
_MOST = {"grid_size": 16384, "default_steps": 1000}
# Of a network: the largest number in its configuration, and the most blocks.
_LARGEST, _BLOCKS = 8192, 256


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or made for other domains."""


def normalization_of(card: dict[str, Any]) -> Normalization:
    """Return the constants that a card's network was trained with; CheckpointError if damaged."""
    try:
        found = Normalization.from_json(card["normalization"])
    except ValueError as error:
        raise CheckpointError(f"normalization of checkpoint {card['name']}: {error}") from None
    if lacking := [str(name) for name in card["domains"] if name not in found.scales]:
        raise CheckpointError(
            f"checkpoint {card['name']} lacks the normalization of {', '.join(lacking)}"
        )
    return found


def sources_of(card: dict[str, Any]) -> tuple[str, ...]:
    """Return the domains that a card's network translates from; CheckpointError if damaged."""
    sources, domains = card.get("sources", card["domains"]), card["domains"]
    if not isinstance(sources, list) or not sources or any(s not in domains for s in sources):
        raise CheckpointError(
            f"sources of checkpoint {card['name']} must be some of its domains, got {sources!r:.80}"
        )
    return tuple(sources)


def save_checkpoint(folder: str | Path, weights: dict[str, Tensor], card: dict[str, Any]) -> None:
    """Write weights as float16 and the card, aside first.

    Weights never stand beside the card of others: while one takes the place of the other, there is
    no card, and thus no checkpoint.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    half = {k: v.detach().cpu().to(torch.float16).contiguous() for k, v in weights.items()}
    with replacing(folder / CARD) as card_aside, replacing(folder / WEIGHTS) as weights_aside:
        card_aside.write_text(_text_of(card), encoding="utf-8")
        save_file(half, weights_aside)
        (folder / CARD).unlink(missing_ok=True)


def write_card(folder: str | Path, card: dict[str, Any]) -> None:
    """Write a checkpoint's card, aside first."""
    with replacing(Path(folder) / CARD) as aside:
        aside.write_text(_text_of(card), encoding="utf-8")


def _text_of(card: dict[str, Any]) -> str:
    return json.dumps(card, indent=2, ensure_ascii=False) + "\n"


def read_card(folder: str | Path, required: Mapping[str, type] = MAP_CARD) -> dict[str, Any]:
    """Return a checkpoint's card; CheckpointError where it is missing or not one.

    `required` says which fields it must have, and of which type.
    """
    path = Path(folder) / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"no checkpoint at {folder}: {CARD} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
    card = card if isinstance(card, dict) else {}
    if lacking := [key for key in required if key not in card]:
        raise CheckpointError(f"{path} lacks {', '.join(lacking)}")
    for key, kind in required.items():
        if not isinstance(card[key], kind):
            raise CheckpointError(
                f"{key} in {path} must be a JSON {kind.__name__}, got {card[key]!r:.80}"
            )
    for key, most in _MOST.items():
        if type(card.get(key, 1)) is not int or not 1 <= card.get(key, 1) <= most:
            raise CheckpointError(
                f"{key} in {path} must be a whole number from 1 to {most}, got {card[key]!r:.80}"
            )
    return card


def read_weights(folder: str | Path) -> dict[str, Tensor]:
    """Return a checkpoint's weights by name, float32; CheckpointError if missing or damaged."""
    path = Path(folder) / WEIGHTS
    try:
        weights = {k: v.float() for k, v in load_file(path).items()}
    except FileNotFoundError:
        raise CheckpointError(f"no weights at {path}") from None
    except (SafetensorError, OSError, *_WRONG) as error:
        raise CheckpointError(f"{path} is damaged: {' '.join(str(error).split())[:300]}") from None
    if bad := [name for name, tensor in weights.items() if not tensor.isfinite().all()]:
        raise CheckpointError(f"{path} is damaged: {bad[0]} has values that are not finite")
    return weights


def weights_digest(folder: str | Path) -> str:
    """Return the SHA-256 of a checkpoint's weights; CheckpointError where there are none."""
    path = Path(folder) / WEIGHTS
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise CheckpointError(f"no weights at {path}") from None


def build(card: dict[str, Any]) -> tuple[AnyNetwork, Process]:
    """Return the untrained network and the process that a card describes."""
    if card["family"] not in PROCESSES:
        raise CheckpointError(
            f"unknown family {card['family']!r}; known are {', '.join(PROCESSES)}"
        )
    with describing(card):
        return create(configure(card["network"])), PROCESSES[card["family"]](**card["process"])


@contextmanager
def describing(card: dict[str, Any]) -> Iterator[None]:
    """Raise CheckpointError where a card's network is too large, or makes the block fail."""
    try:
        _check_size(card["network"])
        yield
    except _WRONG as error:
        text = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"card of {card['name']} does not describe a network: {text}"
        ) from None


def _check_size(fields: dict[str, Any]) -> None:
    """Raise ValueError on a network beyond what could be meant, before anything is made of it."""
    for name, value in fields.items():
        numbers = value if isinstance(value, list) else [value]
        if len(numbers) > _BLOCKS or any(
            isinstance(n, int | float) and not abs(n) <= _LARGEST for n in numbers
        ):
            raise ValueError(f"{name} must be at most {_LARGEST}, got {value!r:.80}")
    blocks = [*fields.get("blocks", ()), fields.get("depth", 0)]
    if sum(blocks) > _BLOCKS:
        raise ValueError(f"a network has at most {_BLOCKS} blocks, got {sum(blocks)}")


class Budget(TorchFunctionMode):
    """Within it, a network is built only as long as its parameters are no more than so many.

    A card of a few lines can describe a network of any size.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = self.left = most

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Count what `torch.empty`, of which layers make their parameters, is asked for."""
        if func is torch.empty:
            self.left -= math.prod(args[0] if isinstance(args[0], tuple | list) else args)
            if self.left < 0:
                raise ValueError(f"its weights do not fit, for they are {self.most} numbers")
        return func(*args, **(kwargs or {}))


def count_weights(folder: str | Path) -> int:
    """Return the number of weights that the header of their file lists, without reading them."""
    path = Path(folder) / WEIGHTS
    try:
        with safe_open(path, "pt") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"no weights at {path}") from None
    except (SafetensorError, OSError, *_WRONG) as error:
        raise CheckpointError(f"{path} is damaged: {' '.join(str(error).split())[:300]}") from None


def load_checkpoint(folder: str | Path) -> tuple[AnyNetwork, Process, dict[str, Any]]:
    """Return network (float32, evaluation mode), process and card of a checkpoint folder.

    Raises
    ------
    CheckpointError : one sentence on what is missing, damaged or does not fit.
    """
    card = read_card(folder)
    for name in map(str, card["domains"]):
        if name not in DOMAINS | OBSERVED:
            raise CheckpointError(f"checkpoint {card['name']} speaks of an unknown domain {name!r}")
    normalization_of(card)
    sources_of(card)
    with Budget(count_weights(folder)):
        network, process = build(card)
    if len(card["domains"]) > network.config.num_domains:
        raise CheckpointError(
            f"checkpoint {card['name']} lists {len(card['domains'])} domains for a network of "
            f"{network.config.num_domains}"
        )
    fill(network, folder)
    return network.eval(), process, card


def fill(network: torch.nn.Module, folder: str | Path) -> None:
    """Put a checkpoint's weights into its network; CheckpointError where they do not fit."""
    try:
        network.load_state_dict(read_weights(folder))
    except RuntimeError:
        raise CheckpointError(
            f"the weights at {Path(folder) / WEIGHTS} do not fit their card"
        ) from None
