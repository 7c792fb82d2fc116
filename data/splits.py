"""Which galaxies a model may learn from: decided by lineage, never by rotation or snapshot.

A galaxy of a simulation has another number in each snapshot. Its lineage is the name that it has in
the end: that of its descendant in the last snapshot. All that becomes one galaxy shares a lineage,
its earlier selves as well as whatever merges into it, so that none is in train while another is
hold-out.
"""

from __future__ import annotations

import hashlib
import re

SPLITS = ("train", "validation", "test")


def split_of(galaxy_name: str, lineage: str = "") -> str:
    """Return "train" (80 %), "validation" (10 %) or "test" (10 %) for a galaxy.

    The SHA-256 of its lineage decides, or that of its name where the lineage is not known, so the
    answer never depends on what else is in a store. A snapshot number ("TNG50-1/99/subhalo-12") or
    a redshift ("synthetic-000017/z0.5") in it does not count; for synthetic galaxies the name thus
    says all, for those of a simulation it does not.
    """
    key = re.sub(r"/z[\d.]+$", "", re.sub(r"/\d+/", "/", lineage or galaxy_name))
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"
