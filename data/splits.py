"""Which galaxies a model may learn from: decided by name, never by rotation or snapshot."""

from __future__ import annotations

import hashlib
import re

SPLITS = ("train", "validation", "test")


def split_of(galaxy_name: str) -> str:
    """Return "train" (80 %), "validation" (10 %) or "test" (10 %) for a galaxy.

    The name's SHA-256 decides, so the answer never depends on what else is in a store. A snapshot
    number ("TNG50-1/99/subhalo-12") or a redshift ("synthetic-000017/z0.5") in it does not count.
    """
    key = re.sub(r"/z[\d.]+$", "", re.sub(r"/\d+/", "/", galaxy_name))
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"
