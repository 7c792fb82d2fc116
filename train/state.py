"""The full state of a run on disk: written aside, then renamed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from train.ema import EMA
from train.objectives import Objective

STATE = "state.pt"


class RunError(ValueError):
    """A run cannot start or go on."""


def save_state(
    folder: Path, objective: Objective, ema: EMA, generator: torch.Generator, extra: dict[str, Any]
) -> None:
    """Write modules, optimizers, averaged weights and random generators; `extra` is plain data."""
    state = {
        **extra,
        "modules": {name: m.state_dict() for name, m in objective.modules.items()},
        "optimizers": {name: o.state_dict() for name, o in objective.optimizers.items()},
        "ema": ema.network.state_dict(),
        "generator": generator.get_state(),
        "global_generator": torch.get_rng_state(),
    }
    aside = folder / f".{STATE}.part"
    torch.save(state, aside)
    os.replace(aside, folder / STATE)


def read_state(folder: Path) -> dict[str, Any]:
    """Return a saved state; RunError where it is missing or damaged."""
    path = folder / STATE
    if not path.is_file():
        raise RunError(f"nothing to resume: {path} does not exist")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, ValueError) as error:
        raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
    if not isinstance(state, dict) or "modules" not in state:
        raise RunError(f"{path} is not the state of a run")
    return state


def restore(
    state: dict[str, Any], objective: Objective, ema: EMA, generator: torch.Generator
) -> None:
    """Put a saved state back into the parts of a run."""
    for name, module in objective.modules.items():
        module.load_state_dict(state["modules"][name])
    for name, optimizer in objective.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    ema.network.load_state_dict(state["ema"])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["global_generator"])
