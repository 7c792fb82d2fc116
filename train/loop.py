"""The training loop: one network, all directions, resumable at any moment."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from data.atomic import replacing
from data.dataset import MapDataset
from data.normalize import DEFAULT, Normalization
from data.statistics import store_normalization
from data.store import MapStore
from engine.checkpoint import build, save_checkpoint
from engine.networks import configure, network_fields
from engine.translator import Translator
from train.batches import PairSampler
from train.config import ConfigError, FitConfig
from train.logs import Log
from train.objectives import Objective
from train.pictures import pictures
from train.warm_start import best_scale, starting_normalization, summary, warm_start
from train.world import World, joined, place_of

STATE, CHECKPOINT = "state.pt", "checkpoint"


class Trainer:
    """State of one run: network, averaged weights, optimizers, generators and clocks."""

    def __init__(
        self, config: FitConfig, *, device: str | None = None, world: World | None = None
    ) -> None:
        self.config = config
        self.world = world or World(device=place_of(device))
        self.device = self.world.device
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.folder = Path(config.output or Path("runs") / config.name)
        self.normalization = _normalization(config)
        self.sets = {
            split: MapDataset(config.data, split, lazy=True, normalization=self.normalization)
            for split in ("train", "validation")
        }
        self.domains, self.images = self.sets["train"].domains, len(self.sets["train"])
        self.grid_size = self.sets["train"].grid_size
        self.generator = torch.Generator().manual_seed(config.seed)
        self.card = self._new_card()
        network, process = build(self.card)
        if self.grid_size % network.multiple:
            raise ConfigError(
                f"maps of {config.data} must have sides that are multiples of {network.multiple} "
                f"for this network, got {self.grid_size}"
            )
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = Objective(process, self.network, config, self.world)
        if config.compile:
            self.network.compile()
            self.objective.auxiliary.compile()
        self.average = self._parameters()
        self.init: dict[str, Any] | None = None  # What a warm start took.
        self.step, self.seconds = 0, 0.0
        dtype = torch.bfloat16 if config.precision == "bfloat16" else None
        self.amp: Any = partial(torch.autocast, self.device.type, dtype) if dtype else nullcontext

    @cached_property
    def samplers(self) -> dict[str, PairSampler]:
        """Batches of both splits, whose maps are read when the first is asked for."""
        return {
            split: PairSampler(
                maps.maps.to(self.device), maps.available, maps.domains, self.config.focus_share,
                self.generator if split == "train" else torch.Generator(),
            )
            for split, maps in self.sets.items()
        }  # fmt: skip

    def _new_card(self) -> dict[str, Any]:
        c = self.config
        channels = 1 if c.family == "pix2pix" else 2
        fields = {
            "channels_in": channels, "num_domains": len(self.domains),
            "null_source": bool(c.drop_source), **c.network,
        }  # fmt: skip
        if fields["num_domains"] != len(self.domains):
            raise ConfigError(f"network.num_domains must be {len(self.domains)}, as in {c.data}")
        if fields["null_source"] != bool(c.drop_source):
            raise ConfigError(
                f"network.null_source must be left to drop_source, {c.drop_source}, "
                f"got {fields['null_source']!r}"
            )
        try:
            network = network_fields(configure(fields))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"network: {error}") from None
        return {
            "name": c.name, "title": c.title, "family": c.family, "network": network,
            "process": c.process, "domains": list(self.domains), "grid_size": self.grid_size,
            "normalization": self.normalization.to_json(), "default_steps": c.default_steps,
            "default_sampler": c.default_sampler,
        }  # fmt: skip

    def _parameters(self) -> dict[str, Tensor]:
        return {k: v.detach().clone() for k, v in self.network.named_parameters()}

    def warm_start(self) -> None:
        """Take the weights of the recipe's `init` as far as they fit, and say how far that is.

        From another process, the last layer is scaled to what this one wants of a network.
        """
        before = starting_normalization(self.config.init)
        for domain in self.domains:
            if before.scales.get(domain, self.normalization[domain]) != self.normalization[domain]:
                raise ConfigError(
                    f"init: {self.config.init} was trained on maps of {domain} that were "
                    "normalized otherwise; set normalization: init to go on with its constants"
                )
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

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averaged weights into the network, ready for use, while this lasts.

        A compiled network is not compiled once more for the few batches of this.
        """
        live = self._parameters()
        self.network.load_state_dict(self.average)
        self.network.eval()
        eager = torch.compiler.set_stance("force_eager") if self.config.compile else nullcontext()
        try:
            with eager:
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
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "normalization": self.normalization.to_json(),
            "network": self.network.state_dict(), "average": self.average,
            "auxiliary": self.objective.auxiliary.state_dict(),
            "optimizers": [o.state_dict() for o in self.objective.optimizers],
            "generator": self.generator.get_state(), "step": self.step, "seconds": self.seconds,
            "init": self.init, "config": asdict(self.config),
        }  # fmt: skip
        with replacing(self.folder / STATE) as aside:
            torch.save(state, aside)

    def resume(self) -> None:
        """Go on from the saved state; ConfigError if it is of another network or damaged."""
        path = self.folder / STATE
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except FileNotFoundError:
            raise ConfigError(f"nothing to resume: {path} does not exist") from None
        except Exception:  # What torch.load raises on a damaged file is not specified.
            raise ConfigError(f"cannot resume: {path} is damaged") from None
        try:
            self.network.load_state_dict(state["network"])
            self.objective.auxiliary.load_state_dict(state["auxiliary"])
        except (RuntimeError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"cannot resume: {path} is the state of another network") from None
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
        recipe = {
            k: v for k, v in asdict(self.config).items() if k not in ("data", "output", "init")
        }
        training = {
            "recipe": recipe, "data": Path(self.config.data).name, "map_stacks": self.images,
            "steps": self.step, "pairs_seen": self.step * self.config.batch_size,
            "device": f"{self.device.type}, threads: {torch.get_num_threads()}",
            "processes": self.world.size,
            "seconds": round(self.seconds), "torch": torch.__version__,
            "validation_loss": round(self.validate(), 5),
        }  # fmt: skip
        if self.init:
            training["init"] = self.init
        folder = self.folder / CHECKPOINT
        card = {**self.card, "parameters": size, "training": training}
        if self.world.writes:
            save_checkpoint(folder, self.average, card)
        return folder


def _normalization(config: FitConfig) -> Normalization:
    """Return what the recipe wants maps normalized by; the default where its source has none."""
    if config.normalization == "default":
        return DEFAULT
    if config.normalization == "init":
        return Normalization({**DEFAULT.scales, **starting_normalization(config.init).scales})
    with MapStore.open(config.data) as store:
        return Normalization({**DEFAULT.scales, **store_normalization(store).scales})


def fit(config: FitConfig, *, resume: bool = False, device: str | None = None) -> Path:
    """Train to the end of the configuration, or until SIGTERM or Ctrl-C, which save and stop.

    Returns
    -------
    The folder with model.safetensors and card.json, or the run's folder if stopped early. The
    run's folder holds state.pt, log.csv and the TensorBoard events.
    """
    with joined(device) as world:
        trainer = Trainer(config, world=world)
        if resume:
            trainer.resume()
        elif (trainer.folder / STATE).exists():
            raise ConfigError(f"{trainer.folder} holds a run: give --resume, or another --output")
        elif config.init:
            trainer.warm_start()
        stopped: list[int] = []

        def stop(number: int, _: FrameType | None) -> None:
            stopped.append(number)

        previous = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            _run(trainer, stopped)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        trainer.save()
        if trainer.progress == 1.0:
            return trainer.finish()
        if world.writes:
            print(f"stopped at step {trainer.step} and saved: go on with --resume", file=sys.stderr)
        return trainer.folder


def _run(trainer: Trainer, stopped: list[int]) -> None:
    config, writes = trainer.config, trainer.world.writes
    saved = time.monotonic()
    with ExitStack() as stack:
        log = stack.enter_context(Log(trainer.folder, trainer.step)) if writes else None
        bar = stack.enter_context(
            tqdm(total=config.steps, initial=trainer.step, unit="step", file=sys.stderr,
                 mininterval=2.0, disable=not writes)
        )  # fmt: skip
        while trainer.progress < 1.0 and not trainer.world.any(bool(stopped)):
            losses = trainer.train_step()
            bar.update()
            if trainer.step % config.validate_every == 0:
                losses["validation"] = trainer.validate()
            if log and losses:
                log.write(trainer.step, trainer.seconds, losses)
                bar.set_postfix({k: f"{v:.4f}" for k, v in losses.items()})
            if not all(map(math.isfinite, losses.values())):
                raise ConfigError(
                    f"the loss is no longer finite at step {trainer.step}: lower learning_rate"
                )
            if log and config.sample_every and trainer.step % config.sample_every == 0:
                log.show(trainer.step, trainer.pictures())
            if time.monotonic() - saved > config.save_every_s:
                trainer.save()
                saved = time.monotonic()
