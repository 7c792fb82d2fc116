"""What a translator has to beat: functions of the source's value in the same pixel alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class AffineIdentity:
    """The source's map with the mean and the spread of the target: its structure, copied."""

    def __init__(self, y: NDArray[Any], x: NDArray[Any]) -> None:
        """Fit to normalized sources `y` and targets `x`, both of any one shape."""
        y, x = _pixels(y, x)
        spread = y.std()
        self.slope = float(x.std() / spread) if spread > 0 else 0.0
        self.offset = float(x.mean() - self.slope * y.mean())

    def __call__(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimate of the normalized target, in the shape of `y`."""
        return self.slope * np.asarray(y, np.float64) + self.offset


class PixelwiseRegression:
    """The conditional mean of the target in bins of the source, linear between them.

    No smooth function of one pixel alone does better in mean squared error on the maps it was
    fitted to, up to the width of the bins.
    """

    def __init__(self, y: NDArray[Any], x: NDArray[Any], num_bins: int = 128) -> None:
        """Fit to normalized sources `y` and targets `x`, both of any one shape."""
        y, x = _pixels(y, x)
        edges = np.unique(np.quantile(y, np.linspace(0.0, 1.0, num_bins + 1)))
        index = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, max(len(edges) - 2, 0))
        count = np.bincount(index)
        used = count > 0
        self.y = (np.bincount(index, y)[used]) / count[used]
        self.x = (np.bincount(index, x)[used]) / count[used]

    def __call__(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimate of the normalized target, in the shape of `y`."""
        return np.interp(y, self.y, self.x)


def _pixels(y: NDArray[Any], x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all values of both, as many."""
    y, x = np.ravel(y).astype(np.float64), np.ravel(x).astype(np.float64)
    if y.shape != x.shape or not len(y):
        raise ValueError(
            f"y and x must have one shape and be not empty, got {y.size} and {x.size} values"
        )
    return y, x


BASELINES = {"identity": AffineIdentity, "pixelwise": PixelwiseRegression}
