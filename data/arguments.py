"""Values on the command lines."""

from __future__ import annotations

import argparse


def whole_number(text: str) -> int:
    """Return the whole number from 1 that `text` says; for `type=` of argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is needed, got {text!r}")
    return number
