"""The training loop: from a configuration to a checkpoint, resumable at any moment."""

from __future__ import annotations

import math
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from tqdm import tqdm

from engine.checkpoint import CARD
from engine.memory import explained
from train.config import ConfigError, FitConfig
from train.logs import Log
from train.points import PointTrainer
from train.trainer import CHECKPOINT, STATE, Trainer
from train.world import joined


def fit(config: FitConfig, *, resume: bool = False, device: str | None = None) -> Path:
    """Train to the end of the configuration, or until SIGTERM or Ctrl-C, which save and stop.

    Returns
    -------
    The folder with model.safetensors and card.json, or the run's folder if stopped early. The
    run's folder holds state.pt, log.csv and the TensorBoard events.

    Raises
    ------
    ConfigError : one sentence on what does not fit.
    OutOfMemoryError : where the device does not hold the run, however small the parts of a batch.
    DiskFull : where there is no room for the state; the one that was saved before stays.
    """
    shortage = (
        "the memory of the device does not hold this run: lower the widths or blocks of the "
        "network, the size of the maps, or their number"
    )
    with explained(shortage), joined(device) as world:
        trainer = trainer_of(config)(config, world=world)
        if resume:
            trainer.resume()
            done = config.folder / CHECKPOINT
            if trainer.progress == 1.0 and (done / CARD).is_file():
                return done  # Nothing is left to do, and nothing to write anew.
        elif (config.folder / STATE).exists():
            raise ConfigError(f"{config.folder} holds a run: give --resume, or another --output")
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
        return config.folder


def trainer_of(config: FitConfig) -> type[Trainer]:
    """Return the trainer of a configuration: of points where it speaks of them, else of maps."""
    return PointTrainer if config.points else Trainer


def _run(trainer: Trainer, stopped: list[int]) -> None:
    config, writes = trainer.config, trainer.world.writes
    saved = time.monotonic()
    with ExitStack() as stack:
        log = stack.enter_context(Log(config.folder, trainer.step)) if writes else None
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
