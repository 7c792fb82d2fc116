"""The command line: fetch galaxies, map them into a store, and say what is in it or a cutout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

_SUMMARIES = {
    "build": "render maps into a store; run again to continue one that was stopped",
    "inspect": "say what a map store or a cutout holds",
    "clouds": "galaxies as sets of points of equal mass; run again to continue",
    "convert": "a map store to files in the published layout, one a domain, or back",
    "export": "write a synthetic galaxy as a TNG cutout",
    "download": "fetch cutouts of galaxies from the TNG web API; run again to continue",
    "observe": "see the HI of a galaxy as SKA-Mid would",
    "observe-store": "make a map store with the observed HI of another's galaxies",
    "statistics": "print the constants that a store would have maps normalized by",
}


def _command(words: Sequence[str]) -> str:
    """Return the command that is asked for, or end with what there is."""
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, summary in _SUMMARIES.items():
        commands.add_parser(name, help=summary)
    return parser.parse_args(words[:1]).command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; bad input is one sentence on stderr and exit status 2."""
    words = sys.argv[1:] if argv is None else argv
    command = _command(words)
    summary = _SUMMARIES[command]
    from data.commands import COMMANDS  # Takes a second, which no typing error should wait for.

    add_options, run = COMMANDS[command]
    parser = argparse.ArgumentParser(
        prog=f"python -m data {command}", description=f"{summary[:1].upper()}{summary[1:]}."
    )
    add_options(parser)
    try:
        return run(parser.parse_args(words[1:]))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            "error: this machine has too little memory: lower --workers or --grid-size",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("stopped; run the same command to continue", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
