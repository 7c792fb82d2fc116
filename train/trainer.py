"""The state of a run, and what is done with it: a step, a look at held-out maps, a save."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.atomic import replacing
from data.dataset import MapDataset
from data.normalize import DEFAULT
from engine.checkpoint import build, save_checkpoint
from engine.processes import PROCESSES, Process
from engine.translator import Translator
from train.batches import PairSampler
from train.card import new_card, training_record
from train.config import ConfigError, FitConfig
from train.normalization import require_like_constants, wanted_normalization
from train.objectives import Objective
from train.pictures import pictures
from train.warm_start import best_scale, summary, warm_start
from train.world import World, place_of

STATE, CHECKPOINT = "state.pt", "checkpoint"


class Trainer:
    """State of one run: network, averaged weights, optimizers, generators and clocks."""

    def __init__(
        self, config: FitConfig, *, device: str | None = None, world: World | None = None
    ) -> None:
        self.config = config
        self.world = world or World(device=place_of(device))
        self.device = self.world.device
        if config.batch_size < self.world.size:
            raise ConfigError(
                f"batch_size must be at least the number of processes, {self.world.size}, "
                f"got {config.batch_size}"
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        network, process = self.prepare()
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.objective = self.make_objective(process)
        if config.compile:
            self.network.compile()
            self.objective.auxiliary.compile()
        self.average = self._parameters()
        self.init: dict[str, Any] | None = None  # What a warm start took.
        self.step, self.seconds = 0, 0.0
        dtype = torch.bfloat16 if config.precision == "bfloat16" else None
        self.amp: Any = partial(torch.autocast, self.device.type, dtype) if dtype else nullcontext

    def prepare(self) -> tuple[Any, Process]:
        """Open what the run learns from, write its card, and return the untrained network.

        Sets `card`, `normalization` and `counts`, which the card tells of the data.
        """
        config = self.config
        self.normalization: Any = wanted_normalization(config)
        self.sets = {
            split: MapDataset(config.data, split, lazy=True, normalization=self.normalization)
            for split in ("train", "validation")
        }
        self.domains, self.grid_size = self.sets["train"].domains, self.sets["train"].grid_size
        self.counts = {"map_stacks": len(self.sets["train"])}
        self.card = new_card(config, self.sets["train"])
        network, process = build(self.card)
        if self.grid_size % network.multiple:
            raise ConfigError(
                f"maps of {config.data} must have sides that are multiples of {network.multiple} "
                f"for this network, got {self.grid_size}"
            )
        return network, process

    def make_objective(self, process: Process) -> Objective:
        """Return what a step does."""
        return Objective(process, self.network, self.config, self.world)

    @cached_property
    def samplers(self) -> dict[str, PairSampler]:
        """Batches of both splits, whose maps are read when the first is asked for."""
        return {
            split: PairSampler(
                maps.maps.to(self.device), maps.available, maps.domains, self.config.focus_share,
                self.generator if split == "train" else torch.Generator(), self.config.sources,
            )
            for split, maps in self.sets.items()
        }  # fmt: skip

    def _parameters(self) -> dict[str, Tensor]:
        return {k: v.detach().clone() for k, v in self.network.named_parameters()}

    def warm_start(self) -> None:
        """Take the weights of the recipe's `init` as far as they fit, and say how far that is.

        From another process, the last layer is scaled to what this one wants of a network.
        """
        require_like_constants(self.config.init, self.domains, self.normalization)
        self.init, process = warm_start(self.network, self.domains, self.config.init)
        self.average = self._parameters()
        if process != self.objective.process:
            scale = self.world.first(self._output_scale())
            with torch.no_grad():
                for parameter in self.network.refine[-1].parameters():
                    parameter.mul_(scale)
            self.average = self._parameters()
            self.init["output_scale"] = round(scale, 4)
        if self.world.writes:
            print(summary(self.init), file=sys.stderr)

    def _output_scale(self) -> float:
        batch = self.samplers["train"].draw(128)
        seed = self.config.seed
        with self.averaged():
            return best_scale(
                lambda scale: self.objective.validate(
                    batch, torch.Generator().manual_seed(seed), scale=scale
                )
            )

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        limit = self.config.max_seconds
        by_time = self.seconds / limit if limit > 0 else 0.0
        return min(1.0, max(self.step / self.config.steps, by_time))

    def learning_rate(self) -> float:
        """Return the rate of this step: linear warm-up, then a cosine to zero or the full rate."""
        warm = min(1.0, (self.step + 1) / max(1, self.config.warmup_steps))
        falling = self.config.schedule == "cosine"
        decay = 0.5 * (1.0 + math.cos(math.pi * self.progress)) if falling else 1.0
        return self.config.learning_rate * warm * decay

    def train_step(self) -> dict[str, float]:
        """Take one step; return its losses, over all processes, where it is one to log."""
        sampler = self.samplers["train"]
        start = time.monotonic()
        # Dropout has no generator but the global one: its state follows from ours, too.
        torch.manual_seed(int(torch.randint(2**31, (), generator=self.generator)) + self.world.rank)
        for optimizer in self.objective.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate()
        batch = sampler.draw(self.config.batch_size, part=self.world.part)
        losses = self.objective.step(batch, self.generator, self.amp)
        self.step += 1
        # Half-life as a share of the steps so far, so that early weights are soon forgotten.
        decay = 0.5 ** (1.0 / max(1.0, self.config.ema_half_life * self.step))
        parameters = [p.detach() for p in self.network.parameters()]
        torch._foreach_lerp_(list(self.average.values()), parameters, 1.0 - decay)
        self.seconds = self.world.first(self.seconds + time.monotonic() - start)
        if self.step % self.config.log_every:
            return {}
        values = torch.stack(list(losses.values()))
        self.world.add_up([values])
        return dict(zip(losses, values.tolist(), strict=True))

    def uncompiled(self) -> Any:
        """Return a context in which nothing is compiled, as for a few batches of another size."""
        return torch.compiler.set_stance("force_eager") if self.config.compile else nullcontext()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averaged weights into the network, ready for use, while this lasts."""
        live = self._parameters()
        self.network.load_state_dict(self.average)
        self.network.eval()
        try:
            with self.uncompiled():
                yield
        finally:
            self.network.load_state_dict(live)
            self.network.train()

    def validate(self) -> float:
        """Return the loss of the averaged weights on fixed hold-out batches."""
        sampler = self.samplers["validation"]
        sampler.generator.manual_seed(1)
        generator = torch.Generator().manual_seed(1)
        batches = [sampler.draw(32, augment=False) for _ in range(4)]
        with self.averaged():
            losses = [self.objective.validate(batch, generator) for batch in batches]
        return sum(losses) / len(losses)

    def pictures(self) -> dict[str, NDArray[np.uint8]]:
        """Return pictures of hold-out maps as the averaged weights translate them, by direction."""
        with self.averaged():
            translator = Translator(
                self.network, self.objective.process, self.card, str(self.device)
            )
            return pictures(translator, self.sets["validation"])

    def save(self) -> None:
        """Write the full state, aside first, then rename."""
        if not self.world.writes:
            return
        self.config.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "normalization": self.normalization.to_json(),
            "network": self.network.state_dict(), "average": self.average,
            "auxiliary": self.objective.auxiliary.state_dict(),
            "optimizers": [o.state_dict() for o in self.objective.optimizers],
            "generator": self.generator.get_state(), "step": self.step, "seconds": self.seconds,
            "init": self.init, "config": asdict(self.config),
        }  # fmt: skip
        # Into a file of Python's, for what torch says of its own does not tell a full disk.
        with replacing(self.config.folder / STATE) as aside, aside.open("wb") as file:
            torch.save(state, file)

    def resume(self) -> None:
        """Go on from the saved state; ConfigError if it is of another run or damaged."""
        path = self.config.folder / STATE
        state = _read_state(path, self.device)
        try:
            began = state["config"]
            process = PROCESSES[began["family"]](**began["process"])
            self.network.load_state_dict(state["network"])
            self.objective.auxiliary.load_state_dict(state["auxiliary"])
        except (RuntimeError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"cannot resume: {path} is the state of another network") from None
        if process != self.objective.process:  # Their networks may be alike.
            raise ConfigError(f"cannot resume: {path} is the state of another process, {process}")
        if state.get("normalization", DEFAULT.to_json()) != self.normalization.to_json():
            raise ConfigError(
                f"cannot resume: {path} is of maps that were normalized otherwise, by another "
                "setting or by a store that has changed since"
            )
        for optimizer, saved in zip(self.objective.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average = state["average"]
        self.generator.set_state(state["generator"].cpu())
        self.step, self.seconds, self.init = state["step"], state["seconds"], state.get("init")

    def finish(self) -> Path:
        """Write the averaged weights with their card; return the folder."""
        size = sum(p.numel() for p in self.average.values())
        training = training_record(
            self.config, **self.counts, steps=self.step,
            pairs_seen=self.step * self.config.batch_size,
            device=f"{self.device.type}, threads: {torch.get_num_threads()}",
            processes=self.world.size, seconds=round(self.seconds), torch=torch.__version__,
            validation_loss=round(self.validate(), 5),
        )  # fmt: skip
        if self.init:
            training["init"] = self.init
        folder = self.config.folder / CHECKPOINT
        card = {**self.card, "parameters": size, "training": training}
        if self.world.writes:
            save_checkpoint(folder, self.average, card)
        return folder


def _read_state(path: Path, device: torch.device) -> dict[str, Any]:
    """Return a saved state with its tensors on a device; ConfigError if there is none."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise ConfigError(f"nothing to resume: {path} does not exist") from None
    except Exception:  # What torch.load raises on a damaged file is not specified.
        raise ConfigError(f"cannot resume: {path} is damaged") from None
