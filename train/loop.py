"""The training loop: one network, all directions, resumable at any moment."""

from __future__ import annotations

import math
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from tqdm import tqdm

from data.atomic import replacing
from data.dataset import MapDataset
from engine.checkpoint import build, normalization, save_checkpoint
from engine.networks import configure, network_fields
from train.batches import PairSampler
from train.config import ConfigError, FitConfig
from train.logs import Log
from train.objectives import Objective

STATE, CHECKPOINT = "state.pt", "checkpoint"


class Trainer:
    """State of one run: network, averaged weights, optimizers, generators and clocks."""

    def __init__(self, config: FitConfig, *, device: str | None = None) -> None:
        self.config = config
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.folder = Path(config.output or Path("runs") / config.name)
        sets = {split: MapDataset(config.data, split) for split in ("train", "validation")}
        self.domains, self.images = sets["train"].domains, len(sets["train"])
        self.grid_size = sets["train"].maps.shape[-1]
        self.generator = torch.Generator().manual_seed(config.seed)
        self.samplers = {
            split: PairSampler(
                s.maps.to(self.device), s.available.to(self.device), s.domains,
                config.focus_share, self.generator if split == "train" else torch.Generator(),
            )
            for split, s in sets.items()
        }  # fmt: skip
        self.card = self._new_card()
        network, process = build(self.card)
        if self.grid_size % network.multiple:
            raise ConfigError(
                f"maps of {config.data} must have sides that are multiples of {network.multiple} "
                f"for this network, got {self.grid_size}"
            )
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = Objective(process, self.network, config)
        self.objective.auxiliary.to(self.device)
        self.average = {k: v.detach().clone() for k, v in self.network.named_parameters()}
        self.step, self.seconds = 0, 0.0
        dtype = torch.bfloat16 if config.precision == "bfloat16" else None
        self.amp: Any = partial(torch.autocast, self.device.type, dtype) if dtype else nullcontext

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
            "normalization": normalization(), "default_steps": c.default_steps,
            "default_sampler": c.default_sampler,
        }  # fmt: skip

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        limit = self.config.max_seconds
        by_time = self.seconds / limit if limit > 0 else 0.0
        return min(1.0, max(self.step / self.config.steps, by_time))

    def learning_rate(self) -> float:
        """Return the rate of this step: linear warm-up, then a cosine to zero."""
        warm = min(1.0, (self.step + 1) / max(1, self.config.warmup_steps))
        return self.config.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * self.progress))

    def train_step(self) -> dict[str, float]:
        """Take one step and return its losses."""
        start = time.monotonic()
        for optimizer in self.objective.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate()
        batch = self.samplers["train"].draw(self.config.batch_size)
        losses = self.objective.step(batch, self.generator, self.amp)
        self.step += 1
        # Half-life as a share of the steps so far, so that early weights are soon forgotten.
        decay = 0.5 ** (1.0 / max(1.0, self.config.ema_half_life * self.step))
        parameters = [p.detach() for p in self.network.parameters()]
        torch._foreach_lerp_(list(self.average.values()), parameters, 1.0 - decay)
        self.seconds += time.monotonic() - start
        return {k: float(v) for k, v in losses.items()} if self._logs() else {}

    def _logs(self) -> bool:
        return self.step % self.config.log_every == 0

    def validate(self) -> float:
        """Return the loss of the averaged weights on fixed hold-out batches."""
        sampler = self.samplers["validation"]
        sampler.generator.manual_seed(1)
        generator = torch.Generator().manual_seed(1)
        live = {k: v.detach().clone() for k, v in self.network.named_parameters()}
        self.network.load_state_dict(self.average)
        self.network.eval()
        batches = [sampler.draw(32, augment=False) for _ in range(4)]
        losses = [self.objective.validate(batch, generator) for batch in batches]
        self.network.load_state_dict(live)
        self.network.train()
        return sum(losses) / len(losses)

    def save(self) -> None:
        """Write the full state, aside first, then rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "network": self.network.state_dict(), "average": self.average,
            "auxiliary": self.objective.auxiliary.state_dict(),
            "optimizers": [o.state_dict() for o in self.objective.optimizers],
            "generator": self.generator.get_state(), "step": self.step, "seconds": self.seconds,
            "config": asdict(self.config),
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
        for optimizer, saved in zip(self.objective.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.average = state["average"]
        self.generator.set_state(state["generator"].cpu())
        self.step, self.seconds = state["step"], state["seconds"]

    def finish(self) -> Path:
        """Write the averaged weights with their card; return the folder."""
        size = sum(p.numel() for p in self.average.values())
        recipe = {k: v for k, v in asdict(self.config).items() if k not in ("data", "output")}
        training = {
            "recipe": recipe, "data": Path(self.config.data).name, "map_stacks": self.images,
            "steps": self.step, "pairs_seen": self.step * self.config.batch_size,
            "device": f"{self.device.type}, threads: {torch.get_num_threads()}",
            "seconds": round(self.seconds), "torch": torch.__version__,
            "validation_loss": round(self.validate(), 5),
        }  # fmt: skip
        folder = self.folder / CHECKPOINT
        save_checkpoint(
            folder, self.average, {**self.card, "parameters": size, "training": training}
        )
        return folder


def fit(config: FitConfig, *, resume: bool = False, device: str | None = None) -> Path:
    """Train to the end of the configuration, or until SIGTERM or Ctrl-C, which save and stop.

    Returns
    -------
    The folder with model.safetensors and card.json, or the run's folder if stopped early. The
    run's folder holds state.pt, log.csv and the TensorBoard events.
    """
    trainer = Trainer(config, device=device)
    if resume:
        trainer.resume()
    elif (trainer.folder / STATE).exists():
        raise ConfigError(f"{trainer.folder} holds a run: give --resume, or another --output")
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
    if stopped:
        print(f"stopped at step {trainer.step} and saved: go on with --resume", file=sys.stderr)
        return trainer.folder
    return trainer.finish()


def _run(trainer: Trainer, stopped: list[int]) -> None:
    config = trainer.config
    saved = time.monotonic()
    log = Log(trainer.folder, trainer.step)
    bar = tqdm(total=config.steps, initial=trainer.step, unit="step", file=sys.stderr,
               mininterval=2.0)  # fmt: skip
    with log, bar:
        while trainer.progress < 1.0 and not stopped:
            losses = trainer.train_step()
            bar.update()
            if trainer.step % config.validate_every == 0:
                losses["validation"] = trainer.validate()
            if losses:
                log.write(trainer.step, trainer.seconds, losses)
                bar.set_postfix({k: f"{v:.4f}" for k, v in losses.items()})
            if not all(map(math.isfinite, losses.values())):
                raise ConfigError(
                    f"the loss is no longer finite at step {trainer.step}: lower learning_rate"
                )
            if time.monotonic() - saved > config.save_every_s:
                trainer.save()
                saved = time.monotonic()
