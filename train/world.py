"""The processes of one run: a single one, or those that torchrun started.

All of them do the same thing at the same time, each on its part of every batch, and add up what
they find. Only the first one writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed

from train.config import ConfigError


@dataclass(frozen=True)
class World:
    """Place of this process among those of the run.

    Attributes
    ----------
    rank, size : number of this process, from zero, and how many there are.
    device : that it computes on.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """What of each batch is this process's."""
        return slice(self.rank, None, self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one device and type by their sums over all processes."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([t.reshape(-1) for t in tensors])
        distributed.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(total.view(tensor.shape))

    def first(self, value: float) -> float:
        """Return the value that the first process has."""
        mine = torch.tensor(value if self.rank == 0 else 0.0, dtype=torch.float64)
        self.add_up([mine])
        return float(mine)

    def any(self, flag: bool) -> bool:
        """Return whether any process says so."""
        count = torch.tensor(float(flag))
        self.add_up([count])
        return bool(count)


ALONE = World()


def place_of(device: str | None) -> torch.device:
    """Return the device of that name, by default the GPU where there is one.

    Raises
    ------
    ConfigError : if there is no such device.
    """
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError):  # The latter from a PyTorch without CUDA.
        raise ConfigError(f"device must be one of this machine, got {device!r}") from None
    return place


@contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """Join the processes that torchrun started, if it did.

    Parameters
    ----------
    device : "cpu", "cuda", ...; by default the GPU where there is one. Under torchrun each process
        of a machine takes the GPU of its number.
    """
    size, place = int(os.environ.get("WORLD_SIZE", "1")), place_of(device)
    if size == 1:
        yield World(device=place)
        return
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    # Numbers on the CPU (clock, stop) go by gloo also where gradients go by NCCL.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size, place)
    finally:
        distributed.destroy_process_group()
