"""What each command of `python -m data` takes and does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from data import observation_command, tng
from data.arguments import whole_number
from data.atomic import replacing
from data.build import MapOptions, build
from data.clouds import CloudStore, write_clouds
from data.cutouts import CutoutError, read_cutout, write_cutout
from data.domains import DOMAINS
from data.maps import FIELD_OF_VIEW_FACTOR, field_of_view, missing_reason
from data.published import read_published, write_published
from data.rotations import ROTATIONS_PER_GALAXY
from data.sources import Cutout, Source, Synthetic, read_centers
from data.splits import SPLITS
from data.statistics import store_normalization
from data.store import MapStore, StoreError
from data.summary import contact_sheet, describe_store
from data.synthetic import KINDS, synthesize

_CONVERT_EXAMPLES = """examples:
  python -m data convert runs/maps published                      a store to one file a domain
  python -m data convert published/*.hdf5 runs/again              such files to a store"""


def _seeds(text: str) -> range:
    """Parse "0:2000" (the end is not in it) or one seed."""
    try:
        first, _, end = text.partition(":")
        seeds = range(int(first), int(end) if end else int(first) + 1)
    except ValueError:
        seeds = range(0)
    if not len(seeds) or seeds[0] < 0:
        raise argparse.ArgumentTypeError(f"seeds must look like 0:2000 or 17, got {text!r}")
    return seeds


def _build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="OUT", type=Path, help="folder of the store")
    parser.add_argument("--synthetic", metavar="FIRST:END", type=_seeds, help="seeds, as 0:2000")
    parser.add_argument("--redshifts", metavar="Z", nargs="+", type=float, default=[0.0],
                        help="of the synthetic galaxies, each made at all of them")  # fmt: skip
    parser.add_argument("--cutouts", metavar="FILE", nargs="+", type=Path, default=[])
    parser.add_argument("--centers", metavar="TABLE.csv", type=Path,
                        help="objects in the one cutout file: name, x_kpc, y_kpc, z_kpc, radius_kpc"
                        )  # fmt: skip
    parser.add_argument("--rotations", type=whole_number, default=ROTATIONS_PER_GALAXY)
    parser.add_argument("--grid-size", type=whole_number, default=64, help="pixels a side")
    parser.add_argument(
        "--field-of-view", type=float, default=FIELD_OF_VIEW_FACTOR, metavar="FACTOR",
        help="side of a map in baryonic half-mass radii",
    )  # fmt: skip
    parser.add_argument("--workers", type=whole_number, default=len(os.sched_getaffinity(0)),
                        help="processes on this machine; one a core where left out")  # fmt: skip
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="of a Dask cluster to work on instead, as tcp://host:8786"
                        )  # fmt: skip


def _clouds_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="OUT.h5", type=Path)
    parser.add_argument("--synthetic", metavar="FIRST:END", type=_seeds, help="seeds, as 0:600")
    parser.add_argument("--redshifts", metavar="Z", nargs="+", type=float, default=[0.0])
    parser.add_argument("--cutouts", metavar="FILE", nargs="+", type=Path, default=[])
    parser.add_argument("--points", type=whole_number, default=16384, help="of each type (16384)")
    parser.set_defaults(centers=None)


def _inspect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path)
    parser.add_argument("--sheet", metavar="FILE.png", type=Path, help="draw some maps of a store")
    parser.add_argument("--verify", action="store_true", help="read all of a store for damage")


def _convert_options(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _CONVERT_EXAMPLES
    parser.add_argument("sources", metavar="STORE | FILE", nargs="+", type=Path)
    parser.add_argument("path", metavar="OUT", type=Path,
                        help="folder of the files, or of the store")  # fmt: skip


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="OUT.hdf5", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--redshift", type=float, default=0.0)


def _statistics_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="STORE", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="train")


def _sources(arguments: argparse.Namespace) -> list[Source]:
    """Return what `build` is to map."""
    sources: list[Source] = [
        Synthetic(seed, redshift)
        for seed in arguments.synthetic or ()
        for redshift in arguments.redshifts
    ]
    if arguments.centers:
        if len(arguments.cutouts) != 1:
            raise ValueError(f"--centers needs one file in --cutouts, got {len(arguments.cutouts)}")
        return sources + list(read_centers(arguments.centers, arguments.cutouts[0]))
    return sources + [Cutout(path.resolve()) for path in arguments.cutouts]


def _build(arguments: argparse.Namespace) -> int:
    sources = _sources(arguments)
    if not sources:
        raise ValueError("nothing to build: give --synthetic FIRST:END or --cutouts FILE ...")
    options = MapOptions(arguments.grid_size, arguments.rotations, arguments.field_of_view)
    added, failures = build(
        arguments.path, sources, options, workers=arguments.workers, scheduler=arguments.scheduler
    )
    for failure in failures:
        print(f"left out: {failure}", file=sys.stderr)
    with MapStore.open(arguments.path) as store:
        print(f"{arguments.path}: {added} map stacks added, {len(store)} in all")
    return 1 if failures and not added else 0


def _clouds(arguments: argparse.Namespace) -> int:
    sources = _sources(arguments)
    if not sources:
        raise ValueError("no galaxies: give --synthetic FIRST:END or --cutouts FILE ...")
    made = write_clouds(arguments.path, sources, arguments.points)
    added = sum(1 for _ in tqdm(made, total=len(sources), unit="galaxy", file=sys.stderr))
    print(f"{arguments.path}: {added} clouds added, {len(CloudStore(arguments.path))} in all")
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    try:
        with MapStore.open(arguments.path) as store:
            return _inspect_store(store, arguments)
    except StoreError as no_store:
        if arguments.path.is_dir():
            raise
        try:
            galaxy = read_cutout(arguments.path)
        except CutoutError as no_cutout:
            raise ValueError(
                f"neither a map store ({no_store}) nor a cutout ({no_cutout})"
            ) from None
    print(f"cutout: {galaxy.name}, {galaxy.kind or 'galaxy'} at redshift {galaxy.redshift:.3f}")
    for name, particles in galaxy.particles.items():
        print(f"{name}: {len(particles)} particles, {particles.masses.sum():.3e} Msun")
    for domain in DOMAINS:
        print(f"{domain}: {missing_reason(galaxy, domain) or 'can be made'}")
    if {"gas", "stars"} & set(galaxy.particles):
        print(f"field of view: {field_of_view(galaxy):.1f} kpc")
    return 0


def _inspect_store(store: MapStore, arguments: argparse.Namespace) -> int:
    damaged = store.damaged() if arguments.verify else []
    for sentence in damaged:
        print(f"{sentence}; delete it and build again", file=sys.stderr)
    if damaged:
        return 1
    print(describe_store(store))
    try:
        store.require_finished()
    except StoreError as unfinished:
        print(unfinished)
    if arguments.sheet:
        with replacing(arguments.sheet) as aside:
            kind = arguments.sheet.suffix.removeprefix(".") or "png"
            contact_sheet(store).savefig(aside, dpi=150, format=kind)
        print(f"contact sheet: {arguments.sheet}")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    if arguments.sources[0].is_dir():
        if len(arguments.sources) > 1:
            raise ValueError(f"one store at a time can be converted, got {len(arguments.sources)}")
        with MapStore.open(arguments.sources[0]) as store:
            for path in write_published(store, arguments.path):
                print(path)
        return 0
    with read_published(arguments.sources, arguments.path) as store:
        print(f"{arguments.path}: {len(store)} map stacks of {', '.join(store.domains)}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    galaxy = synthesize(arguments.seed, kind=arguments.kind, redshift=arguments.redshift)
    write_cutout(galaxy, arguments.path)
    print(f"{arguments.path}: {galaxy.name}, {galaxy.kind}")
    return 0


def _statistics(arguments: argparse.Namespace) -> int:
    with MapStore.open(arguments.path) as store:
        found = store_normalization(store, arguments.split)
    print(json.dumps(found.to_json(), indent=2))
    return 0


# Of each command what adds its options to a parser, and what runs it and returns the exit status.
COMMANDS: dict[
    str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]
] = {
    "build": (_build_options, _build),
    "clouds": (_clouds_options, _clouds),
    "convert": (_convert_options, _convert),
    "download": (tng.add_options, tng.run),
    "export": (_export_options, _export),
    "inspect": (_inspect_options, _inspect),
    "observe": (observation_command.add_options, observation_command.run),
    "observe-store": (observation_command.add_store_options, observation_command.run_store),
    "statistics": (_statistics_options, _statistics),
}
