"""The checkpoints at hand: those that are shipped, and the user's own."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from engine.checkpoint import CARD, CheckpointError, read_card
from engine.requests import TranslatorError

SHIPPED = Path(__file__).parent / "checkpoints"


def folders() -> dict[str, Path]:
    """Return checkpoint folders by name; the user's come after the shipped and replace them.

    The user's lie in the folder that the environment names in GALACTIC_ALCHEMY_CHECKPOINTS.
    """
    user = os.environ.get("GALACTIC_ALCHEMY_CHECKPOINTS")
    roots = [SHIPPED, Path(user)] if user else [SHIPPED]
    return {
        card.parent.name: card.parent for root in roots for card in sorted(root.glob(f"*/{CARD}"))
    }


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


def available() -> dict[str, dict[str, Any]]:
    """Return the cards of the shipped and the user's checkpoints by name.

    A damaged card is left out, with a warning.
    """
    cards = {}
    for name, folder in folders().items():
        try:
            cards[name] = read_card(folder)
        except CheckpointError as error:
            warnings.warn(f"checkpoint {name!r} is left out: {error}", stacklevel=2)
    return cards
