"""Download galaxies of IllustrisTNG: chosen by mass and particle count, resumable, checked."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data.cutout_format import SIMULATIONS
from data.patience import Patience
from data.tng_api import KEY_VARIABLE, SERVER, ApiError, Client, KeyRefused, key_from_environment
from data.tng_catalog import Selection, Subhalo, choose
from data.tng_cutouts import DownloadError, Folder, uncompressed_bytes

# So many galaxies that fail one after the other mean that the server is at fault, not they.
_FAILURES_IN_A_ROW = 3


@dataclass
class Outcome:
    """What a download did: galaxies by name, and a sentence on each that was left out."""

    fetched: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def download(
    folder: Folder, subhalos: list[Subhalo], client: Client, *, verify: bool = False
) -> Outcome:
    """Fetch the cutouts that a folder lacks; one that fails does not stop the others.

    Parameters
    ----------
    subhalos : galaxies in the order in which to fetch them.
    verify : read the files that are there and fetch again what lost its checksum.

    Raises
    ------
    KeyRefused : the server does not take the key.
    DownloadError : no galaxy comes any more.
    DiskFull : there is no room for the next one.
    """
    outcome, failed_in_a_row = Outcome(), 0
    with _bar("galaxy", total=len(subhalos)) as bar, _bar("B", unit_scale=True) as received:
        for subhalo in subhalos:
            if folder.holds(subhalo, verify=verify):
                outcome.kept.append(subhalo.name)
                bar.update()
                continue
            try:
                folder.fetch(client, subhalo, received.update)
                outcome.fetched.append(subhalo.name)
                failed_in_a_row = 0
            except KeyRefused:
                raise
            except ApiError as error:
                outcome.failures.append(str(error))
                failed_in_a_row += 1
                if failed_in_a_row == _FAILURES_IN_A_ROW:
                    raise DownloadError(
                        f"{failed_in_a_row} galaxies failed one after the other, at last {error}"
                    ) from None
            bar.update()
    return outcome


def _bar(unit: str, **options: Any) -> tqdm[Any]:
    shown = sys.stderr.isatty()
    return tqdm(unit=unit, file=sys.stderr, disable=not shown, leave=False, **options)


def _number(kind: type, least: float, text: str) -> Any:
    try:
        number = kind(text)
        if number >= least:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"a number from {least:g} is needed, got {text!r}")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what `python -m data download` takes."""
    parser.description = (
        "Fetch the cutouts of galaxies from the TNG web API, and list them in catalog.csv. Your "
        f"API key is read from the environment variable {KEY_VARIABLE}; it is sent to the API "
        "alone, and never written."
    )
    whole, count = partial(_number, int, 0), partial(_number, int, 1)
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--simulation", required=True, choices=[*SIMULATIONS.values()])
    parser.add_argument("--snapshots", metavar="N", nargs="+", type=whole, required=True,
                        help="50 67 78 84 91 99 are redshift 1 0.5 0.3 0.2 0.1 0")  # fmt: skip
    parser.add_argument("--stellar-mass", metavar=("MIN", "MAX"), nargs=2, required=True,
                        type=partial(_number, float, 0.0), help="in Msun, as 1e9 1e12")  # fmt: skip
    parser.add_argument("--min-gas-cells", metavar="N", type=whole, default=10_000)
    parser.add_argument("--limit", metavar="N", type=count,
                        help="galaxies a snapshot, the most massive first")  # fmt: skip
    parser.add_argument("--shuffle", metavar="SEED", type=whole,
                        help="take galaxies in a random order instead")  # fmt: skip
    parser.add_argument("--rate", metavar="N", type=float, default=Patience.requests_per_s,
                        help="at most so many requests a second")  # fmt: skip
    parser.add_argument("--verify", action="store_true",
                        help="read the files that are there and compare checksums")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="choose, but fetch no cutout")
    parser.add_argument("--server", metavar="URL", default=SERVER, help="address of the API")


def run(arguments: argparse.Namespace) -> int:
    """Run `python -m data download`; 1 where a galaxy was left out."""
    selection = Selection(
        arguments.simulation, tuple(dict.fromkeys(arguments.snapshots)),
        tuple(arguments.stellar_mass), arguments.min_gas_cells, arguments.limit, arguments.shuffle,
    )  # fmt: skip
    patience = Patience(requests_per_s=arguments.rate, tell=partial(tqdm.write, file=sys.stderr))
    client = Client(key_from_environment(), server=arguments.server, patience=patience)
    folder = Folder(arguments.folder)
    with folder.locked():
        with _bar("subhalo") as bar:
            chosen = choose(client, selection, folder.seen, bar.update)
        if arguments.dry_run:
            print(plan(folder, chosen))
            return 0
        folder.write_catalog(chosen)
        try:
            outcome = download(folder, chosen, client, verify=arguments.verify)
        finally:
            folder.write_catalog(chosen)  # with the lineages that are known by now
    for failure in outcome.failures:
        print(f"left out: {failure}", file=sys.stderr)
    print(
        f"{folder.path}: {len(outcome.fetched)} cutouts fetched, {len(outcome.kept)} were there, "
        f"{len(outcome.failures)} left out"
    )
    return 1 if outcome.failures else 0


def plan(folder: Folder, chosen: list[Subhalo]) -> str:
    """Return how many galaxies there are to fetch, and how much, in one line."""
    missing = [subhalo for subhalo in chosen if not folder.holds(subhalo)]
    size = sum(map(uncompressed_bytes, missing))
    return (
        f"{len(chosen)} galaxies chosen, {len(missing)} of them to fetch: "
        f"{size / 1e9:.3g} GB of particle data, before compression"
    )
