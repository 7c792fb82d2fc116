"""The training loop."""

from __future__ import annotations

import math
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from engine.checkpoint import network_fields, normalization, save_checkpoint
from engine.networks.unet import UNet
from train.batches import Batch, BatchMaker
from train.config import Config, to_dict
from train.ema import EMA
from train.logs import Logs
from train.objectives import OBJECTIVES
from train.state import STATE, RunError, read_state, restore, save_state

CHECKPOINT = "checkpoint"


class Maps(Protocol):
    """What the loop needs of a data set; `data.dataset.MapDataset` has it."""

    domains: tuple[str, ...]

    def tensor(self) -> tuple[Tensor, Tensor]:
        """Return normalized maps (n, D, H, W) and which are there (n, D)."""


class Run:
    """A run in its folder: state.pt, log.csv, tensorboard/ and checkpoint/.

    Parameters
    ----------
    config : what to train. Its network speaks the domains of the data.
    output : the run's folder.
    train, validation : data; where `validation` is None no validation loss is logged.
    resume : go on from the folder's state.
    data_note : what the card says about the data.
    """

    def __init__(
        self, config: Config, output: str | Path, train: Maps, validation: Maps | None = None,
        *, resume: bool = False, data_note: str = "",
    ) -> None:  # fmt: skip
        self.folder, self.data_note = Path(output), data_note
        if (self.folder / STATE).exists() and not resume:
            raise RunError(f"{output} holds a run already: resume it or give another output")
        if config.optimization.threads:
            torch.set_num_threads(config.optimization.threads)
        fields = replace(config.network, num_domains=len(train.domains))
        self.config = replace(config, network=fields)
        self.domains, self.settings = tuple(train.domains), config.optimization
        torch.manual_seed(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        network = UNet(fields).to(memory_format=torch.channels_last)
        self.objective = OBJECTIVES[config.family](network, self.config)
        self.ema = EMA(network, self.settings.ema_half_life * self.settings.steps)
        maps, available = train.tensor()
        self.grid_size = int(maps.shape[-1])
        if self.grid_size % network.multiple or maps.shape[-1] != maps.shape[-2]:
            raise RunError(
                f"maps must be square with sides that are multiples of {network.multiple}, "
                f"got {tuple(maps.shape[-2:])}"
            )
        self.batches = BatchMaker(maps, available, self.domains, focus=self.settings.focus)
        self.held_out = self._held_out(validation)
        self.step, self.seconds, self.stopped = 0, 0.0, False
        if resume:
            self._resume()
        self.folder.mkdir(parents=True, exist_ok=True)

    def _held_out(self, validation: Maps | None) -> Batch | None:
        if validation is None:
            return None
        maker = BatchMaker(*validation.tensor(), self.domains, focus=self.settings.focus)
        return maker.draw(self.config.logging.validation_pairs, torch.Generator().manual_seed(0))

    def _resume(self) -> None:
        state = read_state(self.folder)
        mine = {**to_dict(self.config), "domains": list(self.domains)}
        for key in ("family", "process", "network", "domains"):
            if state["identity"].get(key) != mine[key]:
                raise RunError(
                    f"cannot resume {self.folder} with another {key}: it has "
                    f"{state['identity'].get(key)}, asked for is {mine[key]}"
                )
        restore(state, self.objective, self.ema, self.generator)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def progress(self) -> float:
        """Return how much of the run is done, 0 to 1, by steps or by time."""
        done = self.step / self.settings.steps
        if self.settings.max_seconds:
            done = max(done, self.seconds / self.settings.max_seconds)
        return min(done, 1.0)

    def learning_rate(self) -> float:
        """Return the rate for the next step: a linear rise, then half a cosine down to 0."""
        rise = min(1.0, (self.step + 1) / max(self.settings.warmup_steps, 1))
        return self.settings.learning_rate * rise * 0.5 * (1.0 + math.cos(math.pi * self.progress()))

    def fit(self) -> bool:
        """Train to the end of the budget; return False where a signal ended it before.

        The state is saved at intervals, at the end, and on SIGTERM or SIGINT.
        """
        logs = Logs(self.folder, self.step)
        handlers = self._catch_signals()
        bar = tqdm(total=self.settings.steps, initial=self.step, unit="step", desc=self.config.name)
        try:
            self._steps(logs, bar)
            self.save()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            bar.close()
            logs.close()
        return self.progress() >= 1.0

    def _steps(self, logs: Logs, bar: tqdm[Any]) -> None:
        pace, last_save = self.config.logging, time.monotonic()
        sums: dict[str, Tensor] = {}
        count = 0
        while self.progress() < 1.0 and not self.stopped:
            start = time.monotonic()
            rate = self.learning_rate()
            self.objective.set_learning_rate(rate)
            batch = self.batches.draw(self.settings.batch_size, self.generator)
            losses = self.objective.update(batch, self.generator)
            self.step += 1
            self.ema.update(self.objective.network, self.step)
            self.seconds += time.monotonic() - start
            sums = {name: sums.get(name, 0.0) + value for name, value in losses.items()}
            count += 1
            bar.update()
            if self.step % pace.log_every == 0:
                row = {name: float(total) / count for name, total in sums.items()}
                if not all(map(math.isfinite, row.values())):
                    raise RunError(f"the loss is no longer finite at step {self.step}: {row}")
                bar.set_postfix(loss=f"{row['loss']:.4f}")
                row |= {"learning_rate": rate, "seconds": self.seconds}
                row |= {"images": float(self.step * self.settings.batch_size)}
                if self.step % pace.validate_every == 0 and self.held_out is not None:
                    row["validation_loss"] = self.validate()
                logs.write(self.step, row)
                sums, count = {}, 0
            if time.monotonic() - last_save > pace.save_every_seconds:
                self.save()
                last_save = time.monotonic()

    @torch.no_grad()
    def validate(self) -> float:
        """Return the loss of the averaged weights on the same held-out pairs and noise each time."""
        assert self.held_out is not None
        generator = torch.Generator().manual_seed(1)
        sums = 0.0
        for parts in zip(*(field.split(32) for field in self.held_out), strict=True):
            batch = Batch(*parts)
            sums += float(self.objective.validate(self.ema.network, batch, generator).sum())
        return sums / len(self.held_out.x)

    def save(self) -> None:
        """Write state and checkpoint, each aside first."""
        identity = {**to_dict(self.config), "domains": list(self.domains)}
        extra = {"identity": identity, "step": self.step, "seconds": self.seconds}
        save_state(self.folder, self.objective, self.ema, self.generator, extra)
        save_checkpoint(self.folder / CHECKPOINT, self.ema.network.state_dict(), self.card())

    def card(self) -> dict[str, Any]:
        """Return what the checkpoint says about itself."""
        recipe = to_dict(self.config)
        return {
            "name": self.config.name,
            "title": self.config.title,
            "family": self.config.family,
            "network": network_fields(self.config.network),
            "process": self.config.process,
            "domains": list(self.domains),
            "grid_size": self.grid_size,
            "normalization": {name: normalization()[name] for name in self.domains},
            "default_steps": self.config.default_steps,
            "parameters": sum(p.numel() for p in self.ema.network.parameters()),
            "training": {
                "recipe": {key: recipe[key] for key in ("seed", "optimization")},
                "data": self.data_note,
                "steps": self.step,
                "images": self.step * self.settings.batch_size,
                "device": f"cpu, threads: {torch.get_num_threads()}",
                "seconds": round(self.seconds),
                "torch": torch.__version__,
            },
            "scores": {},
        }

    def _catch_signals(self) -> dict[int, Any]:
        """Turn SIGTERM and SIGINT into a stop after the step; return the handlers before."""
        if threading.current_thread() is not threading.main_thread():
            return {}

        def stop(number: int, frame: Any) -> None:
            self.stopped = True

        return {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
