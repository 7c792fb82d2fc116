"""Translators of points: from the gas of a galaxy to its dark matter or stars, in space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.clouds import Cloud
from engine.draws import generator_of, noise_of
from engine.points.checkpoint import SHIPPED, load_points
from engine.points.network import Condition, PointMamba
from engine.points.process import conditioned
from engine.points.scale import CloudScale, radius_of
from engine.processes import Process
from engine.requests import TranslatorError, check_count
from engine.samplers import SAMPLERS, Task

Points = NDArray[np.float32]
MAX_POINTS, MAX_STEPS = 2**20, 1000
# Sets that the network sees at once.
BATCH = 8


@dataclass(frozen=True)
class CloudStep:
    """One step of a translation.

    Attributes
    ----------
    index, num_steps : of this step, from 1, and in all.
    time : the process's time after the step, 0 at the end.
    x : (n, 3) float32 kpc, the state: at first a cloud of noise, in the end the result.
    estimate : (n, 3) float32 kpc, where the network takes each point to end.
    mass : Msun of all points together.
    """

    index: int
    time: float
    x: Points
    estimate: Points
    num_steps: int
    mass: float


class CloudTranslator:
    """A trained network of points with its process.

    Attributes
    ----------
    card : what the checkpoint says about itself.
    targets : what it draws, of `data.clouds.TARGETS`.
    num_points : of a set as it was trained on.
    scale : the constants that it was trained with.
    """

    def __init__(
        self, network: PointMamba, process: Process, scale: CloudScale, card: dict[str, Any],
        device: str = "cpu",
    ) -> None:  # fmt: skip
        self.device = torch.device(device)
        self.network = network.to(self.device).eval()
        self.process, self.scale, self.card = process, scale, card
        self.targets: tuple[str, ...] = tuple(card["targets"])
        self.num_points: int = card["num_points"]
        self.default_steps = int(card.get("default_steps", 16))
        self.default_sampler = str(card.get("default_sampler", "ddim"))

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str | None = None) -> CloudTranslator:
        """Load a shipped checkpoint by name or any by its folder; CheckpointError if damaged.

        On CUDA where there is one, if `device` is None.
        """
        folder = SHIPPED / str(name_or_path)
        folder = folder if folder.is_dir() else Path(name_or_path)
        return cls(*load_points(folder), device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def translate(
        self, cloud: Cloud, target: str, *, num_points: int | None = None,
        num_steps: int | None = None, seed: int = 0, sampler: str | None = None,
        set_size: int | None = None,
    ) -> Points:  # fmt: skip
        """Return (num_points, 3) float32 kpc; parameters and errors are those of `trajectory`."""
        for step in self.trajectory(
            cloud, target, num_points=num_points, num_steps=num_steps, seed=seed, sampler=sampler,
            set_size=set_size,
        ):  # fmt: skip
            points = step.x
        return points

    def trajectory(
        self, cloud: Cloud, target: str, *, num_points: int | None = None,
        num_steps: int | None = None, seed: int = 0, sampler: str | None = None,
        set_size: int | None = None,
    ) -> Iterator[CloudStep]:  # fmt: skip
        """Translate step by step; close the iterator to cancel.

        Parameters
        ----------
        cloud : of a galaxy, of which only the gas is looked at, in whatever order its points come.
        target : one of `targets`.
        num_points : to draw, up to 2^20; as in training where None.
        num_steps, sampler : as for maps; as the card says where None.
        seed : non-negative; the same seed gives the same points.
        set_size : points that the network sees together, as in training where None. More points
            are drawn in several sets, each beside its own share of the gas points, so that time is
            linear and memory bounded whatever the number; given the gas, sets are independent.

        Raises
        ------
        TranslatorError : at the call, in one sentence.
        """
        if target not in self.targets:
            raise TranslatorError(
                f"target must be one of {', '.join(self.targets)}, got {target!r}"
            )
        count = self.num_points if num_points is None else num_points
        size = min(count, self.num_points) if set_size is None else set_size
        steps = self.default_steps if num_steps is None else num_steps
        for name, value, least, most in (
            ("num_points", count, 1, MAX_POINTS), ("set_size", size, 1, MAX_POINTS),
            ("num_steps", steps, 1, MAX_STEPS), ("seed", seed, 0, 2**63 - 1),
        ):  # fmt: skip
            check_count(name, value, least, most)
        name = self.default_sampler if sampler is None else sampler
        if name not in SAMPLERS:
            raise TranslatorError(f"sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
        if not len(cloud.gas):
            raise TranslatorError(f"the cloud of {cloud.name} has no gas points")
        try:
            walk = SAMPLERS[name](self._task(cloud, target, int(count), int(size), seed), steps)
        except ValueError as error:
            raise TranslatorError(f"sampler {sampler!r}: {error}") from None
        deviate = float(torch.randn((), generator=generator_of((int(seed), 2**31))))
        mass, radius = self.scale.mass(cloud, target, deviate), radius_of(cloud)

        def points(state: Tensor) -> Points:
            flat = state.cpu().float().reshape(-1, 3)[:count]
            return self.scale.warps[target].undo(flat, radius).numpy()

        return (
            CloudStep(s.index, s.time, points(s.x), points(s.estimate), int(steps), mass)
            for s in walk
        )

    def _task(self, cloud: Cloud, target: str, count: int, size: int, seed: int) -> Task:
        """Return the task of as many sets as the points take, in a batch (sets, 1, size, 3)."""
        sets = -(-count // size)
        size = -(-count // sets)
        whole = self.scale.condition(_in_order(cloud), target)
        rows = _shares(
            whole.gas.shape[1], sets, min(whole.gas.shape[1], max(size, self.num_points))
        )
        condition = Condition(
            whole.gas[0, rows].to(self.device), whole.features[0, rows].to(self.device),
            whole.scalars.expand(sets, -1).to(self.device),
        )  # fmt: skip
        index = torch.full((sets,), self.targets.index(target), device=self.device)
        network = conditioned(self.network, condition, index, batch=BATCH)
        noise = noise_of([(int(seed), k) for k in range(sets)], (1, size, 3), self.device)
        y = torch.zeros(sets, 1, size, 3, device=self.device)
        return Task(self.process, network, y, noise)


def _in_order(cloud: Cloud) -> Cloud:
    """Return the cloud with its gas in an order that is its own, mixed in space."""
    columns = np.concatenate([cloud.gas, cloud.features], axis=1)
    order = np.lexsort(columns.T[::-1])
    order = order[np.random.default_rng(0).permutation(len(order))]
    return replace(cloud, gas=cloud.gas[order], features=cloud.features[order])


def _shares(available: int, sets: int, size: int) -> Tensor:
    """Return which gas points each set sees, (sets, size): one share after the other, around."""
    return (torch.arange(sets)[:, None] * size + torch.arange(size)) % available
