"""Pictures of hold-out maps for TensorBoard: input, output and truth side by side."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from data.dataset import MapDataset
from data.domains import get_domain
from engine.translator import Translator
from train.config import FOCUS

ROWS = 5


def pictures(translator: Translator, maps: MapDataset) -> dict[str, NDArray[np.uint8]]:
    """Translate one hold-out map in each of a few directions, and return what that looks like.

    Always the same maps with the same noise, so that what changes is the network.

    Parameters
    ----------
    translator : with its default sampler and number of steps.
    maps : of its domains.

    Returns
    -------
    {"samples/gas -> stars": (H, 3 W, color)}, top row first: input, output, truth, the last two
    with the colors of the truth's range. The five directions of the talk, or the first five.
    """
    known = translator.domains
    own = [pair for pair in permutations(known, 2) if translator.supports(*pair)]
    pairs = [pair for pair in FOCUS if pair in own] or own[:ROWS]
    result = {}
    for number, (source, target) in enumerate(pairs):
        s, t = known.index(source), known.index(target)
        rows = np.flatnonzero(maps.available[:, [s, t]].all(dim=1).numpy())
        if not len(rows):
            continue
        row = rows[number * len(rows) // len(pairs)]  # Another galaxy for each direction.
        y, x = maps.maps[row, s].numpy(), maps.maps[row, t].numpy()
        output = translator.sample_normalized(y[None], source, target)[0, 0]
        panels = [_colors(y, y, source), _colors(output, x, target), _colors(x, x, target)]
        result[f"samples/{source} -> {target}"] = np.concatenate(panels, axis=1)
    return result


def _colors(
    values: NDArray[np.float32], scale: NDArray[np.float32], domain: str
) -> NDArray[np.uint8]:
    """Return a map (H, W) as colors (H, W, 3), top row first, in the range of the map `scale`."""
    from matplotlib import colormaps  # Not needed by a run without pictures.

    low, high = float(scale.min()), float(scale.max())
    share = (values[::-1] - low) / max(high - low, 1e-6)
    return colormaps[get_domain(domain).colormap](share, bytes=True)[..., :3]
