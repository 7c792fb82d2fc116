"""The command line: fetch galaxies, map them into a store, and say what is in it or a cutout."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data import tng
from data.build import MapOptions, build
from data.cutouts import CutoutError, read_cutout, write_cutout
from data.domains import DOMAINS
from data.maps import FIELD_OF_VIEW_FACTOR, field_of_view, missing_reason
from data.normalize import statistics
from data.rotations import ROTATIONS_PER_GALAXY
from data.splits import SPLITS
from data.store import MapStore, StoreError
from data.synthetic import KINDS, synthesize

_ROWS_AT_ONCE = 64


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


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed, got {text!r}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser(
        "build", help="render maps into an HDF5 store; run again to continue one that was stopped"
    )
    make.add_argument("path", metavar="OUT.hdf5", type=Path)
    make.add_argument("--synthetic", metavar="FIRST:END", type=_seeds, help="seeds, as 0:2000")
    make.add_argument("--cutouts", metavar="FILE", nargs="+", type=Path, default=[])
    make.add_argument("--rotations", type=_positive, default=ROTATIONS_PER_GALAXY)
    make.add_argument("--grid-size", type=_positive, default=64, help="pixels a side")
    make.add_argument(
        "--field-of-view", type=float, default=FIELD_OF_VIEW_FACTOR, metavar="FACTOR",
        help="side of a map in baryonic half-mass radii",
    )  # fmt: skip
    make.add_argument("--workers", type=_positive, default=1, help="processes")
    look = commands.add_parser("inspect", help="say what a map store or a cutout holds")
    look.add_argument("path", type=Path)
    export = commands.add_parser("export", help="write a synthetic galaxy as a TNG cutout")
    export.add_argument("path", metavar="OUT.hdf5", type=Path)
    export.add_argument("--seed", type=int, required=True)
    export.add_argument("--kind", choices=KINDS)
    export.add_argument("--redshift", type=float, default=0.0)
    tng.add_parser(commands)
    count = commands.add_parser(
        "statistics", help="print the constants that a store would have maps normalized by"
    )
    count.add_argument("path", metavar="STORE", type=Path)
    count.add_argument("--split", choices=SPLITS, default="train")
    return parser


def _build(arguments: argparse.Namespace) -> int:
    sources: list[int | str] = [*(arguments.synthetic or ()), *map(str, arguments.cutouts)]
    if not sources:
        raise ValueError("nothing to build: give --synthetic FIRST:END or --cutouts FILE ...")
    options = MapOptions(arguments.grid_size, arguments.rotations, arguments.field_of_view)
    added, failures = build(arguments.path, sources, options, workers=arguments.workers)
    for failure in failures:
        print(f"left out: {failure}", file=sys.stderr)
    with MapStore.open(arguments.path) as store:
        print(f"{arguments.path}: {added} map stacks added, {len(store)} in all")
    return 1 if failures and not added else 0


def describe_store(store: MapStore) -> str:
    """Return what a store holds, in lines for people."""
    names, splits = store.column("name"), store.column("split")
    lines = [
        f"map store: {len(store)} stacks of {len(set(names))} galaxies, "
        f"{store.grid_size} x {store.grid_size} pixels, {store.attributes}",
        f"domains: {', '.join(store.domains)}",
    ]
    lines += [
        f"{split}: {(splits == split).sum()} stacks of {len(set(names[splits == split]))} galaxies"
        for split in SPLITS
    ]
    if len(store):
        kinds = Counter(kind or "unknown" for kind in store.column("kind"))
        lines.append("kinds: " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())))
        for title, column, unit in (("redshift", "redshift", ""), ("side", "extent_kpc", " kpc")):
            values = store.column(column)
            lines.append(f"{title}: {values.min():.3g} to {values.max():.3g}{unit}")
    return "\n".join(lines)


def _inspect(arguments: argparse.Namespace) -> int:
    try:
        with MapStore.open(arguments.path) as store:
            print(describe_store(store))
        return 0
    except StoreError as no_store:
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


def _export(arguments: argparse.Namespace) -> int:
    galaxy = synthesize(arguments.seed, kind=arguments.kind, redshift=arguments.redshift)
    write_cutout(galaxy, arguments.path)
    print(f"{arguments.path}: {galaxy.name}, {galaxy.kind}")
    return 0


def _statistics(arguments: argparse.Namespace) -> int:
    with MapStore.open(arguments.path) as store:
        rows = np.flatnonzero(store.column("split") == arguments.split)
        if not len(rows):
            raise ValueError(f"{arguments.path} holds no maps of the split {arguments.split}")
        blocks = np.array_split(rows, -(-len(rows) // _ROWS_AT_ONCE))
        constants = statistics(map(store.read, blocks), store.domains)
    print(json.dumps(constants, indent=2))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; bad input is one sentence on stderr and exit status 2."""
    arguments = _parser().parse_args(argv)
    try:
        return {
            "build": _build, "inspect": _inspect, "export": _export, "download": tng.run,
            "statistics": _statistics,
        }[arguments.command](arguments)  # fmt: skip
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; run the same command to continue", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
