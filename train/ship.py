"""From nothing to a judged checkpoint: maps, training and evaluation, stage by stage."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from engine.checkpoint import CARD, weights_digest
from engine.evaluation import Evaluation, EvaluationError
from engine.shelf import EVALUATION
from train.config import load_config
from train.trainer import CHECKPOINT, STATE


def stages(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yield (package, arguments) of the commands that are still to be run.

    Each is chosen after the one before has come to its end, by what lies on the disk: started
    again, it goes on where it stopped. It ends early where training was stopped. A dry run, which
    makes nothing, yields them as if each would come to its end.
    """
    config = load_config(options.config, data=options.data, output=options.output)
    run = config.folder
    if not options.dry_run:
        Path(config.data).parent.mkdir(parents=True, exist_ok=True)
    maps = [*_given(options, "rotations"), "--grid-size", options.grid_size]
    workers = ["--workers", options.workers] if options.workers else []
    yield _command(
        "data", "build", config.data, "--synthetic", f"0:{options.galaxies}", *maps, *workers
    )
    checkpoint = run / CHECKPOINT
    if not (checkpoint / CARD).exists():
        names = ("init", "normalization", "steps", "max_seconds", "threads", "device")
        flags = ["--compile"] * bool(options.compile) + ["--resume"] * (run / STATE).exists()
        yield _command(
            "train", "fit", "--config", options.config, "--data", config.data, "--output", run,
            *_given(options, *names), *flags,
        )  # fmt: skip
    is_trained = options.dry_run or (checkpoint / CARD).exists()
    if is_trained and not _is_evaluated(checkpoint):
        yield _command(
            "train", "evaluate", "--checkpoint", checkpoint, "--data", config.data,
            "--galaxies", options.hold_out, "--samples", options.samples, "--write",
            *_given(options, "threads", "device"),
        )  # fmt: skip


def _is_evaluated(checkpoint: Path) -> bool:
    """Return whether the evaluation beside the weights is of these weights."""
    try:
        evaluation = Evaluation.read(checkpoint / EVALUATION)
    except EvaluationError:
        return False
    return evaluation.method.checkpoint_sha256 == weights_digest(checkpoint)


def _given(options: argparse.Namespace, *names: str) -> list[object]:
    """Return those of the options that were given, as words of a command."""
    return [
        word
        for name in names
        if (value := getattr(options, name)) is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]


def _command(package: str, *words: object) -> tuple[str, list[str]]:
    return package, list(map(str, words))
