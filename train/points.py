"""Training of networks of points: what differs from that of maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.clouds import TARGETS, Cloud, CloudStore
from data.splits import split_of
from engine.points.checkpoint import build_points
from engine.points.network import Condition, PointMambaConfig
from engine.points.process import point_loss
from engine.points.scale import SCALARS, CloudScale, Warp, radius_of, scalars_of
from engine.processes import Process
from train.config import ConfigError
from train.objectives import Objective
from train.trainer import Trainer

_VALIDATION_CLOUDS = 16


@dataclass(frozen=True)
class PointOptions:
    """What a recipe says under `points`.

    Attributes
    ----------
    num_points : of the target, and of the gas, in one set.
    targets : types of points to draw, of `data.clouds.TARGETS`; batches take them in equal parts.
    softening : by target, of `engine.points.scale.Warp`.
    """

    num_points: int = 2048
    targets: list[str] = field(default_factory=lambda: ["dark_matter"])
    softening: dict[str, float] = field(default_factory=lambda: {"dark_matter": 0.1, "stars": 0.01})

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> PointOptions:
        """Return what a recipe says; ConfigError where it makes no sense."""
        try:
            options = cls(**fields)
        except TypeError:
            known = ", ".join(cls.__dataclass_fields__)
            raise ConfigError(
                f"points may hold {known}, got {', '.join(map(str, fields))}"
            ) from None
        if type(options.num_points) is not int or options.num_points < 1:
            raise ConfigError(
                f"num_points must be a whole number above zero, got {options.num_points!r:.80}"
            )
        chosen = options.targets
        if not isinstance(chosen, list) or not chosen or set(map(str, chosen)) - set(TARGETS):
            raise ConfigError(f"targets must be some of {', '.join(TARGETS)}, got {chosen!r:.80}")
        if lacking := [name for name in chosen if name not in options.softening]:
            raise ConfigError(f"softening lacks {', '.join(lacking)}")
        return options


class CloudBatch(NamedTuple):
    """Points x (n, k, 3), their gas and target (n,): the `part` of `total` that a process has."""

    x: Tensor
    condition: Condition
    target: Tensor
    total: int

    def rows(self, rows: slice) -> CloudBatch:
        """Return some of this part's sets, still as of the whole batch."""
        condition = Condition(*(each[rows] for each in self.condition))
        return CloudBatch(self.x[rows], condition, self.target[rows], self.total)

    def mean(self, values: Tensor) -> Tensor:
        """Return this part's share of the mean of values (n,) over the whole batch."""
        return values.sum() / self.total


class CloudSampler:
    """Draws sets of points of galaxies, each turned at random.

    Parameters
    ----------
    clouds : file of them.
    rows : of the galaxies to draw from.
    options, scale : of the run.
    generator : on the CPU; its state is all that a resumed run needs.
    """

    def __init__(
        self, clouds: CloudStore, rows: list[int], options: PointOptions, scale: CloudScale,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        self.clouds, self.rows, self.options, self.scale = clouds, rows, options, scale
        self.generator = generator

    def draw(self, size: int, *, part: slice = slice(None)) -> CloudBatch:
        """Return the part of a batch; as many random numbers are drawn whatever the part."""
        g, targets = self.generator, self.options.targets
        rows = torch.randint(len(self.rows), (size,), generator=g)
        kinds = torch.randint(len(targets), (size,), generator=g)
        starts = torch.randint(self.clouds.num_points, (size, 2), generator=g)
        turns = torch.linalg.qr(torch.randn(size, 3, 3, generator=g, dtype=torch.float64))[0]
        turns = turns * (2.0 * torch.randint(2, (size, 1, 1), generator=g) - 1.0)
        sets = [
            self._one(self.rows[int(rows[i])], targets[int(kinds[i])], starts[i], turns[i])
            for i in range(size)[part]
        ]
        condition = Condition(
            *(torch.cat(parts) for parts in zip(*(c for _, c in sets), strict=True))
        )
        return CloudBatch(torch.stack([x for x, _ in sets]), condition, kinds[part], size)

    def _one(self, row: int, target: str, starts: Tensor, turn: Tensor) -> tuple[Tensor, Condition]:
        """Return a set (k, 3) of one galaxy with its gas; orthogonal `turn`, reflections too."""
        cloud, count = self.clouds[row], self.options.num_points
        # The points of a cloud are in random order, so that any that follow each other will do.
        gas, chosen = ((torch.arange(count) + s) % self.clouds.num_points for s in starts)
        whole, warp = self.scale.condition(cloud, target), self.scale.warps[target]
        x = warp.apply(torch.from_numpy(cloud.points[target])[chosen], radius_of(cloud))
        turn = turn.float()
        return x @ turn, Condition(whole.gas[:, gas] @ turn, whole.features[:, gas], whole.scalars)


class PointObjective(Objective):
    """A step on a `CloudBatch`."""

    def _draw(  # type: ignore[override]
        self, batch: CloudBatch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return times (n,), stratified over the process's own, and noise (n, k, 3) of a batch."""
        n, device = batch.total, self.world.device
        first = torch.rand(1, generator=generator)
        uniform = ((first + torch.arange(n) / n) % 1.0)[: len(batch.x)]
        noise = torch.randn(batch.x.shape, generator=generator)
        return self.process.training_times(uniform).to(device), noise.to(device)

    def _loss(  # type: ignore[override]
        self, batch: CloudBatch, draws: tuple[Tensor, Tensor], rows: slice, scale: float = 1.0
    ) -> Tensor:
        """Return what some sets add to the mean loss; `scale` multiplies what the network gives."""
        part, device = batch.rows(rows), self.world.device
        time, noise = (draw[rows] for draw in draws)
        condition = Condition(*(c.to(device) for c in part.condition))

        def network(x: Tensor, t: Tensor, about: Condition, target: Tensor) -> Tensor:
            return scale * self.network(x, t, about, target).float()

        x, target = part.x.to(device), part.target.to(device)
        return part.mean(point_loss(self.process, network, x, condition, target, time, noise))


class PointTrainer(Trainer):
    """A run on clouds; on one device."""

    def prepare(self) -> tuple[Any, Process]:
        """Open the clouds, measure their constants, and return the untrained network."""
        config = self.config
        if config.init:
            raise ConfigError("init must be empty for a network of points")
        if self.world.size > 1:
            raise ConfigError("a network of points is trained by one process")
        self.options = options = PointOptions.read(config.points)
        self.clouds = CloudStore(config.data)
        if options.num_points > self.clouds.num_points:
            raise ConfigError(
                f"num_points must be at most the {self.clouds.num_points} of {config.data}, "
                f"got {options.num_points}"
            )
        splits = [
            split_of(n, at) for n, at in zip(self.clouds.names, self.clouds.lineages, strict=True)
        ]
        self.rows = {
            split: [i for i, found in enumerate(splits) if found == split]
            for split in ("train", "validation")
        }
        if lacking := [split for split, rows in self.rows.items() if not rows]:
            raise ConfigError(f"{config.data} has no galaxies for {' and '.join(lacking)}")
        training = (self.clouds[row] for row in self.rows["train"])
        self.normalization = measure_scale(training, options)
        self.counts = {"clouds": len(self.rows["train"])}
        try:
            sizes = PointMambaConfig(
                **{"num_targets": len(options.targets), "scalars": len(SCALARS), **config.network}
            )
        except (TypeError, ValueError) as error:
            raise ConfigError(f"network: {error}") from None
        self.card = {
            "name": config.name, "title": config.title, "family": config.family,
            "network": asdict(sizes), "process": config.process, "targets": options.targets,
            "num_points": options.num_points, "scale": self.normalization.to_json(),
            "default_steps": config.default_steps, "default_sampler": config.default_sampler,
        }  # fmt: skip
        network, process = build_points(self.card)
        self.card["process"] = asdict(process)
        return network, process

    def make_objective(self, process: Process) -> Objective:
        """Return what a step does."""
        return PointObjective(process, self.network, self.config, self.world)

    @cached_property
    def samplers(self) -> dict[str, Any]:
        """Sets of both splits."""
        return {
            split: CloudSampler(
                self.clouds, rows, self.options, self.normalization,
                self.generator if split == "train" else torch.Generator(),
            )
            for split, rows in self.rows.items()
        }  # fmt: skip

    def validate(self) -> float:
        """Return the loss of the averaged weights on fixed hold-out sets."""
        sampler = self.samplers["validation"]
        sampler.generator.manual_seed(1)
        generator = torch.Generator().manual_seed(1)
        with self.averaged():
            losses = [
                self.objective.validate(sampler.draw(4), generator)
                for _ in range(_VALIDATION_CLOUDS // 4)
            ]
        return sum(losses) / len(losses)

    def pictures(self) -> dict[str, NDArray[np.uint8]]:
        """Return no pictures."""
        return {}


def measure_scale(clouds: Iterable[Cloud], options: PointOptions) -> CloudScale:
    """Return the constants of training clouds: warps, moments and the fit of the masses.

    Raises
    ------
    ConfigError : where a cloud lacks a target.
    """
    squares: dict[str, list[float]] = {name: [] for name in options.targets}
    ratios: dict[str, list[float]] = {name: [] for name in options.targets}
    moments, scalars = [], []
    for cloud in clouds:
        radius = radius_of(cloud)
        scalars.append(scalars_of(cloud))
        features = cloud.features.astype(np.float64)
        moments.append([features.mean(axis=0), np.square(features).mean(axis=0)])
        for name in options.targets:
            if name not in cloud.points:
                raise ConfigError(f"{cloud.name} has no {name.replace('_', ' ')} to learn from")
            plain = Warp(options.softening[name], 1.0)
            warped = plain.apply(torch.from_numpy(cloud.points[name]), radius)
            squares[name].append(float(warped.square().mean()))
            ratios[name].append(float(np.log10(cloud.masses[name] / cloud.gas_mass)))
    mean, square = np.mean(moments, axis=0)
    spread = np.sqrt(np.maximum(square - mean**2, 1e-4))
    table = np.array(scalars)
    # What all of them have in common, as a redshift, has no spread.
    deviations = np.where(table.std(axis=0) > 1e-6, table.std(axis=0), 1.0)
    z = (table - table.mean(axis=0)) / deviations
    return CloudScale(
        {n: Warp(options.softening[n], float(np.mean(squares[n]) ** 0.5)) for n in options.targets},
        tuple(zip(mean.tolist(), spread.tolist(), strict=True)),
        tuple(zip(table.mean(axis=0).tolist(), deviations.tolist(), strict=True)),
        {name: _fit(z, np.array(found)) for name, found in ratios.items()},
    )


def _fit(z: NDArray[Any], values: NDArray[Any]) -> tuple[float, ...]:
    """Return intercept, slopes and scatter of a ridge regression of values (g,) on z (g, s)."""
    design = np.column_stack([np.ones(len(z)), z])
    ridge = 1e-3 * len(z) * np.diag([0.0, *np.ones(z.shape[1])])
    found = np.linalg.solve(design.T @ design + ridge, design.T @ values)
    free = max(len(z) - len(found), 1)
    scatter = float(np.sqrt(np.square(values - design @ found).sum() / free))
    return (*found.tolist(), scatter)
