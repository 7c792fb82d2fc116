"""Command line: python -m train fit | evaluate | ship."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence

from data.arguments import whole_number


def _add_fit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", required=True, help="YAML, as in train/configs")
    parser.add_argument("--data", help="map store (default: the configuration's)")
    parser.add_argument("--output", help="folder of the run (default: runs/NAME)")
    parser.add_argument("--init", help="checkpoint (name or folder) to start from")
    parser.add_argument("--normalization", help="default, store, or init for that checkpoint's")
    parser.add_argument("--steps", type=int, help="override the number of steps")
    parser.add_argument("--max-seconds", type=float, help="override the limit on training time")
    parser.add_argument("--threads", type=int, help="override the CPU threads")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is one)")
    parser.add_argument("--compile", action="store_true", default=None, help="use torch.compile")


def _add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", action="append", default=[],
        help="name or folder, or all for those at hand; may be given several times",
    )  # fmt: skip
    parser.add_argument("--baselines", action="store_true", help="judge the baselines as well")
    parser.add_argument("--data", help="map store")
    parser.add_argument("--galaxies", type=whole_number, default=40, help="hold-out galaxies (40)")
    parser.add_argument(
        "--split", choices=("test", "all"), default="test",
        help="of the store: the hold-out galaxies, or all where nothing was trained on it (test)",
    )  # fmt: skip
    parser.add_argument("--samples", type=whole_number, default=4, help="samples of each map (4)")
    parser.add_argument(
        "--focus-only", action="store_true", help="judge none but the five directions from gas"
    )
    parser.add_argument(
        "--direction", action="append", default=[], metavar="SOURCE:TARGET",
        help="judge none but this one, as hi:dark_matter; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--focus-samples", type=whole_number, default=16,
        help="samples of each map in the five directions from gas (16); at least --samples",
    )  # fmt: skip
    parser.add_argument(
        "--log-density", type=whole_number, default=0, metavar="N",
        help="measure ln p(truth | source) of N galaxies in those directions, seconds each",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=whole_number, help="steps of a sample (default: as the card says)"
    )
    parser.add_argument("--sampler", help="how to sample (default: as the card says)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 (default: cuda where there is one)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads")
    parser.add_argument("--output", help="evaluation file (.h5) to write, or folder for NAME.h5")
    parser.add_argument(
        "--write", action="store_true",
        help="write evaluation.h5 beside the weights (of baselines: among the shipped)",
    )  # fmt: skip
    parser.add_argument(
        "--cost-only", action="store_true",
        help="measure none but the time of a sample, and renew it in the files written before",
    )  # fmt: skip
    parser.add_argument(
        "--report", metavar="FOLDER",
        help="judge nothing, but write a page of evaluation files into this folder",
    )  # fmt: skip
    parser.add_argument(
        "files", nargs="*", help="of the report (default: those beside the checkpoints at hand)"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="train a translator")
    _add_fit_options(fit)
    fit.add_argument("--resume", action="store_true", help="go on from the saved state")
    fit.add_argument(
        "--dry-run", action="store_true", help="print the resolved configuration and the run's size"
    )
    _add_evaluate_options(
        commands.add_parser("evaluate", help="judge translators on hold-out galaxies")
    )
    ship = commands.add_parser(
        "ship", help="make synthetic maps, train on them and score; goes on where it stopped"
    )
    _add_fit_options(ship)
    ship.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    ship.add_argument("--galaxies", type=whole_number, default=2000, help="to map (2000)")
    ship.add_argument("--rotations", type=whole_number, help="of a galaxy (as `data build`)")
    ship.add_argument("--grid-size", type=whole_number, default=128, help="pixels a side (128)")
    ship.add_argument("--workers", type=whole_number, help="that make maps (default: one a core)")
    ship.add_argument("--hold-out", type=whole_number, default=24, help="galaxies to score (24)")
    ship.add_argument("--samples", type=whole_number, default=4, help="samples of each map (4)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 on success, 2 with one sentence on bad input."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "fit":
            return _fit(options)
        if options.command == "ship":
            return _ship(options)
        return _evaluate(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _fit(options: argparse.Namespace) -> int:
    from train.config import load_config
    from train.loop import fit, trainer_of
    from train.plan import describe

    config = load_config(
        options.config, data=options.data, output=options.output, init=options.init,
        normalization=options.normalization, steps=options.steps, threads=options.threads,
        max_seconds=options.max_seconds, compile=options.compile,
    )  # fmt: skip
    if options.dry_run:
        trainer = trainer_of(config)(config, device=options.device)
        if config.init:
            trainer.warm_start()
        print(describe(trainer))
        return 0
    folder = fit(config, resume=options.resume, device=options.device)
    if os.environ.get("RANK", "0") == "0":
        print(folder)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    if options.report:
        from train.report.command import write_report

        print(*write_report(options.report, options.files), sep="\n")
        return 0
    if not options.data or options.files:
        raise ValueError("evaluate needs --data, or --report FOLDER for evaluation files")
    from train.evaluate import run

    return run(options)


def _ship(options: argparse.Namespace) -> int:
    from data.__main__ import main as make_maps
    from train.ship import stages

    commands = {"data": make_maps, "train": main}
    for package, words in stages(options):
        if options.dry_run:
            print(shlex.join(["python", "-m", package, *words]))
            continue
        print("$ python -m", package, *words, file=sys.stderr)
        start = time.monotonic()
        if code := commands[package](words):
            return code
        print(f"{words[0]} took {time.monotonic() - start:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
