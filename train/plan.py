"""What a run will be: its whole configuration, its size and the memory it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
import yaml
from torch import Tensor

from train.batches import Batch
from train.points import PointTrainer
from train.trainer import Trainer

MIB = 2**20


def describe(trainer: Trainer) -> str:
    """Return the configuration of a run that has not begun, as YAML, with comments on its size.

    Takes two steps on empty maps to measure the memory, so that the trainer is of no more use.
    """
    if isinstance(trainer, PointTrainer):
        return _describe_points(trainer)
    config = trainer.config
    fields = {**asdict(config), "output": str(config.folder), "network": trainer.card["network"]}
    process = asdict(trainer.objective.process)
    parameters = sum(p.numel() for p in trainer.network.parameters())
    beside = sum(p.numel() for p in trainer.objective.auxiliary.parameters())
    stacks = {split: len(maps) for split, maps in trainer.sets.items()}
    pairs, side = config.steps * config.batch_size, trainer.grid_size
    memory = memory_of(trainer)
    comments = [
        f"parameters: {parameters:,}"
        + (f", and {beside:,} of the discriminator" if beside else ""),
        f"map stacks: {stacks['train']:,} for training, {stacks['validation']:,} for validation, "
        f"of {len(trainer.domains)} domains, {side} x {side} pixels",
        f"steps: {config.steps:,} of {config.batch_size} pairs"
        + (f", or {config.max_seconds / 60:,.0f} minutes, whichever is first"
           if config.max_seconds else "")
        + f"; all of them are {pairs / stacks['train']:,.0f} pairs a map stack",
        f"memory: about {sum(memory.values()) / MIB:,.0f} MiB on {trainer.device.type}: "
        + ", ".join(f"{name} {size / MIB:,.0f}" for name, size in memory.items())
        + "; besides what PyTorch and single operations need",
    ]  # fmt: skip
    text = yaml.safe_dump({**fields, "process": process}, sort_keys=False, allow_unicode=True)
    return text + "\n".join(f"# {line}" for line in comments)


def _describe_points(trainer: PointTrainer) -> str:
    config = trainer.config
    fields = {
        **asdict(config), "output": str(config.folder), "network": trainer.card["network"],
        "points": asdict(trainer.options), "process": asdict(trainer.objective.process),
    }  # fmt: skip
    parameters = sum(p.numel() for p in trainer.network.parameters())
    clouds = {split: len(rows) for split, rows in trainer.rows.items()}
    comments = [
        f"parameters: {parameters:,}",
        f"clouds: {clouds['train']:,} for training, {clouds['validation']:,} for validation, of "
        f"which each step takes {trainer.options.num_points:,} points and as many of the gas",
        f"steps: {config.steps:,} of {config.batch_size} sets",
    ]
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
    return text + "\n".join(f"# {line}" for line in comments)


def memory_of(trainer: Trainer) -> dict[str, int]:
    """Return the bytes of a run on one device, by what they are for.

    "maps" of both splits; "weights" with gradients, their average and the optimizers' state;
    "activations" kept for the backward pass, from steps with one and two maps. Not what single
    operations need on the way, nor PyTorch itself. Nothing is compiled for
    this, which would take minutes.
    """
    trained = [*trainer.network.parameters(), *trainer.objective.auxiliary.parameters()]
    with trainer.uncompiled():
        one, two = (saved_bytes(partial(_step, trainer, count), trained) for count in (1, 2))
    pixels = trainer.grid_size**2 * len(trainer.domains)
    states: list[Any] = [
        value
        for optimizer in trainer.objective.optimizers
        for state in optimizer.state.values()
        for value in state.values()
    ]
    return {
        "maps": 4 * pixels * sum(len(maps) for maps in trainer.sets.values()),
        "weights": sum(
            t.nbytes for t in (*trained, *trained, *trainer.average.values(), *states)
        ),  # Each parameter has a gradient.
        "activations": one + (trainer.config.batch_size - 1) * (two - one),
    }


def _step(trainer: Trainer, count: int) -> None:
    """Take a step on `count` maps of zeros."""
    maps = torch.zeros((count, 1, trainer.grid_size, trainer.grid_size), device=trainer.device)
    index = torch.zeros(count, dtype=torch.long, device=trainer.device)
    batch = Batch(maps, maps, index, index, count, slice(None))
    trainer.objective.step(batch, trainer.generator, trainer.amp)


def saved_bytes(compute: Callable[[], object], parameters: Iterable[Tensor]) -> int:
    """Return the bytes that a computation keeps for its backward passes, `parameters` apart."""
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor  # Held, so that no address recurs.
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        compute()
    there = {p.untyped_storage().data_ptr() for p in parameters}
    return sum(t.untyped_storage().nbytes() for place, t in kept.items() if place not in there)
