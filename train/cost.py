"""What a sample costs: the time of one, by itself, apart from everything that is measured of it."""

from __future__ import annotations

import time

import numpy as np

from engine.translator import BATCH
from train.candidates import Candidate
from train.holdout import Holdout

_REPEATS = 3


def seconds_per_map(candidate: Candidate, holdout: Holdout) -> float:
    """Return the time of one sample in seconds: the least of a few full batches.

    The least, for what else the machine does can only add to it. A direction costs what another
    does, so that the first is asked that maps are there for; a small batch warms up.

    Raises
    ------
    ValueError : where no galaxy has maps of two domains that the candidate knows.
    """
    directions = holdout.directions(candidate.domains, candidate.sources)
    if not directions:
        raise ValueError(f"no galaxy of {holdout.about.store} has maps of two domains")
    source, target = directions[0]
    rows = holdout.with_domains(source, target)
    maps = np.resize(holdout.maps_of(source, rows), (BATCH, *holdout.maps.shape[2:]))
    candidate.sample(maps[:1], source, target, 1)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        candidate.sample(maps, source, target, 1)
        times.append(time.perf_counter() - start)
    return min(times) / len(maps)
