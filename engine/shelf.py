"""The checkpoints at hand: those that are shipped, and the user's own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.domains import DOMAINS
from engine.checkpoint import CARD, CheckpointError, read_card, sources_of
from engine.requests import TranslatorError

SHIPPED = Path(__file__).parent / "checkpoints"
EVALUATION = "evaluation.h5"


def folders() -> dict[str, Path]:
    """Return checkpoint folders by name; the user's come after the shipped and replace them.

    The user's lie in the folder that the environment names in GALACTIC_ALCHEMY_CHECKPOINTS.
    """
    return {path.parent.name: path.parent for path in _found(CARD)}


def evaluations() -> dict[str, Path]:
    """Return evaluation files by name, of checkpoints and of baselines, which have nothing else.

    They are read by `engine.evaluation.Evaluation.read`; the user's replace the shipped.
    """
    return {path.parent.name: path for path in _found(EVALUATION)}


def _found(file: str) -> Iterator[Path]:
    """Yield the files of that name beside shipped checkpoints, then beside the user's."""
    user = os.environ.get("GALACTIC_ALCHEMY_CHECKPOINTS")
    for root in [SHIPPED, Path(user)] if user else [SHIPPED]:
        yield from sorted(root.glob(f"*/{file}"))


def checkpoint_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a checkpoint by name or path; TranslatorError if there is none."""
    known = folders()
    folder = known.get(str(name_or_path), Path(name_or_path))
    if not folder.is_dir():
        names = ", ".join(known) or "none"
        raise TranslatorError(
            f"no checkpoint called {str(name_or_path)!r}, and no such folder; known: {names}"
        )
    return folder


def available(*, observed: bool = False) -> dict[str, dict[str, Any]]:
    """Return the cards of the shipped and the user's checkpoints by name.

    Those that translate maps of galaxies or, where `observed`, those that start from what an
    instrument sees of them alone. A damaged card is left out, with a warning.
    """
    cards = {}
    for name, folder in folders().items():
        try:
            card = read_card(folder)
            if DOMAINS.keys().isdisjoint(sources_of(card)) == observed:
                cards[name] = card
        except CheckpointError as error:
            warnings.warn(f"checkpoint {name!r} is left out: {error}", stacklevel=2)
    return cards
