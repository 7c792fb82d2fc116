"""Command line: `python -m train fit` and `python -m train evaluate`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from data.dataset import MapDataset
from train.config import Config, load_config


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; bad input ends in one sentence and status 2."""
    options = _parser().parse_args(arguments)
    try:
        return fit(options) if options.command == "fit" else evaluate(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("fit", help="train a translator")
    one.add_argument("--config", required=True, help="YAML, such as train/configs/ddpm.yaml")
    one.add_argument("--data", help="map store, instead of the configuration's")
    one.add_argument("--output", help="folder of the run; runs/NAME by default")
    one.add_argument("--resume", action="store_true", help="go on where the run stopped")
    one.add_argument("--steps", type=int, help="instead of the configuration's")
    one.add_argument("--max-seconds", type=float, help="instead of the configuration's")
    two = commands.add_parser("evaluate", help="score a checkpoint on hold-out galaxies")
    two.add_argument("--checkpoint", required=True, help="name or folder")
    two.add_argument("--data", required=True, help="map store")
    two.add_argument("--split", default="test", choices=("validation", "test"))
    two.add_argument("--maps", type=int, default=32, help="hold-out maps a direction")
    two.add_argument("--samples", type=int, default=4, help="samples of which the mean is taken")
    two.add_argument("--steps", type=int, help="evaluations of the network a sample")
    two.add_argument("--threads", type=int, default=1, help="of torch")
    two.add_argument("--write-card", action="store_true", help="keep the scores in the card")
    return parser


def configured(options: argparse.Namespace) -> Config:
    """Return the configuration file's run with the command line's changes."""
    config = load_config(options.config)
    changes = {"steps": options.steps, "max_seconds": options.max_seconds}
    changes = {key: value for key, value in changes.items() if value is not None}
    config = replace(config, optimization=replace(config.optimization, **changes))
    return replace(config, data=options.data or config.data)


def fit(options: argparse.Namespace) -> int:
    """Train; status 1 where a signal ended the run early."""
    from train.loop import Run

    config = configured(options)
    output = Path(options.output or Path("runs") / config.name)
    train, validation = (MapDataset(config.data, split) for split in ("train", "validation"))
    galaxies = len(set(train.names))
    note = f"{Path(config.data).name}: {len(train)} maps of {galaxies} galaxies (train split)"
    run = Run(config, output, train, validation, resume=options.resume, data_note=note)
    if run.fit():
        print(f"done after {run.step} steps; checkpoint in {output / 'checkpoint'}")
        return 0
    print(f"stopped at step {run.step}; go on with --resume")
    return 1


def evaluate(options: argparse.Namespace) -> int:
    """Print the scores of a checkpoint beside the pixelwise baseline's."""
    from train.evaluate import evaluate_command

    return evaluate_command(options)


if __name__ == "__main__":
    sys.exit(main())
