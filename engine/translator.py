"""Translators: load one, hand it a map, watch it make another."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.normalize import denormalize, log_jacobian, normalize
from engine.checkpoint import CheckpointError, load_checkpoint, normalization_of, sources_of
from engine.draws import Draw, copies, generator_of, noise_of
from engine.guidance import guided
from engine.inverse import Measurement, Observation, PosteriorTask, maximum, require_noise
from engine.likelihood import log_density, signs
from engine.memory import Parts, explained, explaining
from engine.processes import Network, Process
from engine.requests import (
    Request,
    TranslatorError,
    check_count,
    check_domain,
    check_number,
    check_pair,
    check_sampler,
    check_shape,
    check_values,
    shortage,
)
from engine.samplers import SAMPLERS, Sample, Task
from engine.shelf import available, checkpoint_folder
from engine.step import Maps, Step

__all__ = ["Request", "Step", "Translator", "TranslatorError", "available"]

MAX_STEPS = 1000
BATCH = 32
# Pixels of all maps that are well translated at once. On a CPU two maps of 128x128 gain little over
# one, and larger ones nothing; a GPU has room for many and is idle with few.
PIXELS_TOGETHER = {"cpu": 8 * 64**2, "cuda": 32 * 128**2}


class Translator:
    """A trained network with its process.

    Attributes
    ----------
    card : what the checkpoint says about itself.
    domains : the domains it speaks, in the order of its embeddings.
    sources : those of them that it translates from.
    grid_size : side in pixels of the maps it was trained on.
    normalization : the constants that it was trained with.
    default_steps, default_sampler : what its card recommends.
    has_prior : whether it also knows the target domains without a source, which `prior` and any
        guidance but 1 need.
    """

    def __init__(
        self, network: torch.nn.Module, process: Process, card: dict[str, Any], device: str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.process, self.card = process, card
        self._shortage = shortage(str(card["name"]), self.device)
        with explained(self._shortage):
            self.network = network.to(self.device).eval()
        for parameter in self.network.parameters():
            if parameter.ndim == 4:  # 1.2 times faster on the CPU, in float32 too.
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.name, self.family = str(card["name"]), str(card["family"])
        self.domains, self.grid_size = tuple(card["domains"]), int(card["grid_size"])
        self.normalization, self.sources = normalization_of(card), sources_of(card)
        self._multiple = int(getattr(network, "multiple", 1))
        self.has_prior = bool(getattr(network.config, "null_source", False))
        steps = int(card.get("default_steps", 32))
        self.default_steps = steps if process.is_iterative else 1
        self.default_sampler = str(card.get("default_sampler", "ddim"))
        if self.default_sampler not in SAMPLERS:
            raise CheckpointError(
                f"default_sampler of {self.name} must be one of {', '.join(SAMPLERS)}, "
                f"got {self.default_sampler!r}"
            )

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str | None = None) -> Translator:
        """Load a checkpoint by name (see `available`) or from a folder.

        Parameters
        ----------
        device : "cpu", "cuda", ...; by default the GPU where there is one.

        Raises
        ------
        TranslatorError : where there is no such name or folder.
        CheckpointError : where the checkpoint is damaged or made for other domains.
        """
        network, process, card = load_checkpoint(checkpoint_folder(name_or_path))
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(network, process, card, device)

    def supports(self, source: str, target: str) -> bool:
        """Return whether the translator makes `target` from `source`."""
        return source != target and source in self.sources and target in self.domains

    def translate(
        self, source_map: NDArray[Any], source: str, target: str, *,
        num_steps: int | None = None, num_samples: int = 1, seed: int = 0,
        sampler: str | None = None, guidance: float = 1.0,
    ) -> Maps:  # fmt: skip
        """Return (num_samples, H, W) float32 maps of `target` in its physical unit.

        Parameters and errors are those of `trajectory`.
        """
        steps = self.trajectory(
            source_map, source, target,
            num_steps=num_steps, num_samples=num_samples, seed=seed, sampler=sampler,
            guidance=guidance,
        )  # fmt: skip
        return _last(steps)

    def trajectory(
        self, source_map: NDArray[Any], source: str, target: str, *,
        num_steps: int | None = None, num_samples: int = 1, seed: int = 0,
        sampler: str | None = None, guidance: float = 1.0,
    ) -> Iterator[Step]:  # fmt: skip
        """Translate step by step; close the iterator to cancel.

        Parameters
        ----------
        source_map : (H, W) in the unit of domain `source`, row = y, origin lower.
        source, target : names of two different domains.
        num_steps : steps to take and to report, each one evaluation of the network but where the
            sampler says otherwise; `default_steps` if None. A family of one step takes one,
            whatever is asked.
        num_samples : independent draws, returned side by side.
        seed : non-negative; sample i of a seed is the same however many are drawn with it.
        sampler : one of `engine.samplers.SAMPLERS`, `default_sampler` if None: "ddim", "ancestral",
            "dpm_solver" (second order at the same cost), "heun" (two evaluations a step), "ode"
            (adaptive), and "reverse_sde" and "predictor_corrector", which want some hundred steps.
        guidance : how strongly the source is heeded, from 0, which is the prior p(x), over 1,
            p(x | y); each estimate is prior + guidance (conditional - prior), see
            `engine.guidance`. Any but 1 needs `has_prior`.

        Returns
        -------
        Iterator of `Step`; the last step's estimate is what `translate` returns.

        Raises
        ------
        TranslatorError : at the call, in one sentence.
        OutOfMemoryError : where memory is short even if the network takes samples one by one.
        """
        y = self._source(source_map, source, target)
        steps = self._check_numbers(num_steps, num_samples, seed)
        sampler = check_sampler(sampler, self.default_sampler)
        network = self._network(source, target, guidance)
        task = self._task(network, *copies(y, num_samples, seed))
        return self._steps(task, target, steps, sampler)

    def together(
        self, requests: Sequence[Request], *, num_steps: int | None = None,
        sampler: str | None = None, guidance: float = 1.0,
    ) -> Generator[list[Step], None, None]:  # fmt: skip
        """Translate for several at once, in any directions; yield a `Step` for each at each step.

        Each has one sample, that of `trajectory` with its own seed; as far as the last digits, for
        which a network's layers may choose other ways through a batch. All maps are of one shape.
        The others are those of `trajectory`.
        """
        given = [self._source(each.source_map, each.source, each.target) for each in requests]
        if len({each.shape for each in given}) != 1:
            raise TranslatorError("requests must hold one or more, of maps of one shape")
        steps = max(self._check_numbers(num_steps, 1, each.seed) for each in requests)
        sampler = check_sampler(sampler, self.default_sampler)
        targets = [each.target for each in requests]
        if sampler == "ode":  # which takes each sample by itself
            walks = [
                self.trajectory(**vars(each), num_steps=steps, sampler=sampler, guidance=guidance)
                for each in requests
            ]
            return (list(each) for each in zip(*walks, strict=True))
        network = self._network([each.source for each in requests], targets, guidance)
        draws = [(int(each.seed), 0) for each in requests]
        task = self._task(network, torch.stack(given)[:, None], draws)
        made = (
            [self._step(sample, slice(i, i + 1), name, steps) for i, name in enumerate(targets)]
            for sample in self._walk(task, steps, sampler)
        )
        return explaining(self._shortage, made)

    def room(self, shape: tuple[int, int]) -> int:
        """Return how many maps (H, W) are best translated `together`: speed and memory allow it."""
        pixels = PIXELS_TOGETHER.get(self.device.type, PIXELS_TOGETHER["cpu"])
        return max(1, pixels // (shape[0] * shape[1]))

    def prior(
        self, target: str, *, shape: tuple[int, int] | None = None,
        num_steps: int | None = None, num_samples: int = 1, seed: int = 0,
        sampler: str | None = None,
    ) -> Maps:  # fmt: skip
        """Return (num_samples, H, W) maps of `target` in its unit, drawn without any source.

        They are what `translate` gives with a guidance of 0, whatever the source.

        Parameters
        ----------
        shape : (H, W), `grid_size` on both sides if None. The others are those of `trajectory`.

        Raises
        ------
        TranslatorError : also where the source was never dropped in training.
        """
        y = self._source(None, None, target, shape)
        steps = self._check_numbers(num_steps, num_samples, seed)
        sampler = check_sampler(sampler, self.default_sampler)
        task = self._task(self._network(None, target), *copies(y, num_samples, seed))
        return _last(self._steps(task, target, steps, sampler))

    def posterior(
        self, observation: Observation, target: str, *,
        source_map: NDArray[Any] | None = None, source: str | None = None,
        shape: tuple[int, int] | None = None, num_steps: int | None = None,
        num_samples: int = 1, seed: int = 0, sampler: str | None = None,
    ) -> Maps:  # fmt: skip
        """Return (num_samples, H, W) maps of `target` in its unit that agree with an observation.

        They are drawn from p(x | d) ~ p(d | x) p(x), or with a source map y from p(x | d, y) ~
        p(d | x) p(x | y), as `engine.inverse.PosteriorTask` says: exactly where the prior is normal
        and the observation linear in the logarithm, otherwise by an approximation. About twelve
        times the cost of a translation.

        Parameters
        ----------
        observation : of the target, see `engine.inverse.Observation`.
        source_map, source : as in `trajectory`; without them p(x) needs `has_prior`.
        shape : (H, W) of the result, without a source map; `grid_size` on both sides if None. The
            others are those of `trajectory`.

        Raises
        ------
        TranslatorError : at the call, in one sentence.
        """
        y = self._source(source_map, source, target, shape)
        steps = self._check_numbers(num_steps, num_samples, seed)
        sampler = check_sampler(sampler, self.default_sampler)
        measurement = self._measurement(observation, target, y)
        network = self._network(source, target)
        maps, draws = copies(y, num_samples, seed)
        out = []
        for start in range(0, num_samples, BATCH):
            rows = slice(start, start + BATCH)
            plain = self._task(network, maps[rows], draws[rows])
            task = PosteriorTask(**vars(plain), measurement=measurement)
            out.append(_last(self._steps(task, target, steps, sampler)))
        return np.concatenate(out)

    def most_probable(
        self, observation: Observation, target: str, *,
        source_map: NDArray[Any] | None = None, source: str | None = None,
        shape: tuple[int, int] | None = None, num_steps: int = 100, smoothing: float = 0.2,
    ) -> Maps:  # fmt: skip
        """Return the map (H, W) of `target` in its unit at which p(x | d) is greatest.

        The maximum is that in the network's units, in which maps are about normal, with the prior
        blurred by `smoothing`: see `engine.inverse.maximum`. The others are those of `posterior`.
        """
        y = self._source(source_map, source, target, shape)
        check_count("num_steps", num_steps, 1, MAX_STEPS)
        check_number("smoothing", smoothing, zero=False)
        measurement = self._measurement(observation, target, y)
        task = self._task(self._network(source, target), y[None, None], [])
        with explained(self._shortage):
            x = maximum(task, measurement, num_steps=num_steps, smoothing=smoothing)
        return denormalize(x[0, 0].cpu().numpy(), target, self.normalization)

    def log_density(
        self, target_map: NDArray[Any], target: str, *,
        source_map: NDArray[Any] | None = None, source: str | None = None,
        num_probes: int = 4, seed: int = 0,
    ) -> float:  # fmt: skip
        """Return ln p(x) of a map of `target`, or with a source map ln p(x | y), in nats.

        A density per unit of the domain in each pixel, so that values compare maps of one domain
        and size: of a truth under several sources or translators, or of several maps under one.

        Parameters
        ----------
        target_map : (H, W) x, in the unit of `target`.
        source_map, source : as in `trajectory`; without them p(x) needs `has_prior`.
        num_probes : random directions in which the divergence is measured, all at once; the error
            of the result falls with its root.
        seed : of the directions.

        Raises
        ------
        TranslatorError : also for a family that knows no density, such as pix2pix.
        """
        values = np.asarray(target_map)
        shape = check_shape("target_map", values.shape, self._multiple, self.grid_size)
        y = self._source(source_map, source, target, shape if source is None else None)
        if tuple(y.shape) != shape:
            raise TranslatorError(
                f"target_map must have the shape of source_map, {tuple(y.shape)}, got {shape}"
            )
        values = check_values("target_map", values, target)
        check_count("num_probes", num_probes, 1, 1024)
        check_count("seed", seed, 0, 2**63 - 1)
        x = torch.from_numpy(normalize(values, target, self.normalization))
        maps = (m[None, None].to(self.device) for m in (x, y))
        probes = signs(num_probes, (1, *shape), generator_of((int(seed), 0))).to(self.device)
        network = self._network(source, target)
        with explained(self._shortage):
            try:
                density = log_density(self.process, network, *maps, probes=probes)
            except ValueError as error:
                raise TranslatorError(f"{self.name}: {error}") from None
        return float(density + log_jacobian(values, target, self.normalization).sum())

    def sample_normalized(
        self, source_maps: NDArray[Any], source: str, target: str, *,
        num_steps: int | None = None, num_samples: int = 1, seed: int = 0,
        sampler: str | None = None, guidance: float = 1.0,
    ) -> Maps:  # fmt: skip
        """Translate many maps at once, without leaving the network's units.

        Parameters
        ----------
        source_maps : (n, H, W), normalized by the translator's `normalization`. The others are
            those of `trajectory`.

        Returns
        -------
        (n, num_samples, H, W) float32, normalized; the samples of map k are those of `translate`
        with seed + k, so that no two maps share their noise, which would bias any average.
        """
        check_pair(source, target, self)
        steps = self._check_numbers(num_steps, num_samples, seed)
        sampler = check_sampler(sampler, self.default_sampler)
        network = self._network(source, target, guidance)
        source_maps = np.asarray(source_maps, np.float32)
        check_shape("each of source_maps", source_maps.shape[1:], self._multiple, self.grid_size)
        maps = torch.from_numpy(np.repeat(source_maps, num_samples, axis=0))
        draws = [(seed + k, i) for k in range(len(source_maps)) for i in range(num_samples)]
        out = []
        for start in range(0, len(maps), BATCH):
            rows = slice(start, start + BATCH)
            with explained(self._shortage):
                task = self._task(network, maps[rows, None], draws[rows])
                for sample in self._walk(task, steps, sampler):
                    estimate = sample.estimate
            out.append(estimate[:, 0].cpu().numpy())
        return np.concatenate(out).reshape(len(source_maps), num_samples, *maps.shape[1:])

    def _network(
        self, source: str | list[str] | None, target: str | list[str], guidance: float = 1.0
    ) -> Network:
        """Return the network of one direction, or of one a map; in parts where memory is short."""
        check_number("guidance", guidance, zero=True)
        known = None if source is None else self._indices(source)
        parts = Parts(self._shortage)
        try:
            return guided(
                self.network, known, self._indices(target), guidance=guidance, parts=parts
            )
        except ValueError as error:
            asked = "without a source" if source is None else f"with a guidance of {guidance:g}"
            raise TranslatorError(f"{self.name} cannot sample {asked}: {error}") from None

    def _indices(self, names: str | list[str]) -> int | Tensor:
        if isinstance(names, str):
            return self.domains.index(names)
        return torch.tensor([self.domains.index(name) for name in names], device=self.device)

    def _task(self, network: Network, y: Tensor, draws: list[Draw]) -> Task:
        """Return the task of normalized sources y (n, 1, h, w), each with its (seed, number)."""
        noise = noise_of(draws, y.shape[1:], self.device)
        with explained(self._shortage):
            return Task(self.process, network, y.to(self.device), noise)

    def _walk(self, task: Task, num_steps: int, sampler: str) -> Iterator[Sample]:
        """Return the sampler's steps; TranslatorError where it does not fit the process."""
        name = sampler if self.process.is_iterative else "ddim"
        try:
            return SAMPLERS[name](task, num_steps)
        except ValueError as error:
            raise TranslatorError(f"sampler {sampler!r}: {error}") from None

    def _steps(self, task: Task, target: str, num_steps: int, sampler: str) -> Iterator[Step]:
        """Return the same as steps with estimates in the unit of `target`."""
        walk = self._walk(task, num_steps, sampler)
        steps = (self._step(sample, slice(None), target, num_steps) for sample in walk)
        return explaining(self._shortage, steps)

    def _step(self, sample: Sample, rows: slice, target: str, num_steps: int) -> Step:
        x, estimate = (part[rows, 0].cpu().numpy() for part in (sample.x, sample.estimate))
        return Step(
            sample.index, sample.time, x, denormalize(estimate, target, self.normalization),
            num_steps, self.process.sigma(sample.time),
        )  # fmt: skip

    def _check_numbers(self, num_steps: int | None, num_samples: int, seed: int) -> int:
        """Return the steps to take, all three being whole numbers in range."""
        steps = self.default_steps if num_steps is None else num_steps
        check_count("num_steps", steps, 1, MAX_STEPS)
        check_count("num_samples", num_samples, 1, 1024)
        check_count("seed", seed, 0, 2**63 - 1)
        return int(steps) if self.process.is_iterative else 1

    def _source(
        self, source_map: NDArray[Any] | None, source: str | None, target: str,
        shape: tuple[int, int] | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the normalized source (h, w), zero where there is none."""
        if source_map is None and source is None:
            check_domain("target", target, self.name, self.domains)
            shape = shape or (self.grid_size, self.grid_size)
            return torch.zeros(check_shape("shape", shape, self._multiple, self.grid_size))
        if source_map is None or source is None or shape is not None:
            raise TranslatorError("source_map and source come together, and without a shape")
        check_pair(source, target, self)
        values = np.asarray(source_map)
        check_shape("source_map", values.shape, self._multiple, self.grid_size)
        return torch.from_numpy(
            normalize(check_values("source_map", values, source), source, self.normalization)
        )

    def _measurement(self, observation: Observation, target: str, y: Tensor) -> Measurement:
        """Return an observation in the network's units, on its device."""
        try:
            require_noise(self.process)
            made = observation.measurement(self.normalization[target], (y.shape[0], y.shape[1]))
        except ValueError as error:
            raise TranslatorError(f"{self.name} cannot take the observation: {error}") from None
        noise = torch.as_tensor(made.noise).to(self.device)
        return replace(made, data=made.data.to(self.device), noise=noise)


def _last(steps: Iterator[Step]) -> Maps:
    """Walk to the end; return the last step's estimate."""
    for step in steps:
        estimate = step.estimate
    return estimate
