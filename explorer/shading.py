"""Points beyond counting as images: their weights summed over the pixels of a figure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Range = tuple[float, float]


@dataclass(frozen=True)
class Cloud:
    """Points with weights.

    Attributes
    ----------
    x, y : (n,); above zero where an axis is logarithmic, others do not count.
    weights : (n,), or None where each counts 1.
    is_log : whether both axes are logarithmic.
    """

    x: Array
    y: Array
    weights: Array | None = None
    is_log: bool = False

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.x)

    @cached_property
    def frame(self) -> Any:
        """The points as datashader takes them, in float32, by which it is a third faster."""
        import pandas as pd  # neither it nor datashader is needed before there are many points

        columns = {"x": self._place(self.x), "y": self._place(self.y)}
        if self.weights is not None:
            columns["weight"] = np.asarray(self.weights, np.float32)
        return pd.DataFrame(columns)

    def _place(self, values: Array) -> Array:
        values = np.asarray(values, np.float64)
        if self.is_log:
            values = np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)
        return values.astype(np.float32)


def shade(cloud: Cloud, x_range: Range, y_range: Range, size: tuple[int, int]) -> Array:
    """Return the density of points as an image.

    Parameters
    ----------
    x_range, y_range : what the image covers, rising; above zero on logarithmic axes.
    size : (width, height) in pixels.

    Returns
    -------
    (height, width) float32, row = y upwards: the number of points in a pixel or, with weights,
    their sum per unit of area: of x times y or, on logarithmic axes, per dex^2. NaN where there is
    none.

    Raises
    ------
    ValueError : on ranges that are not rising or an image of no pixels.
    """
    import datashader

    width, height = size
    ends = [np.asarray(each, np.float64) for each in (x_range, y_range)]
    if cloud.is_log:
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = [np.log10(each) for each in ends]
    if width < 1 or height < 1 or not all(np.isfinite(e).all() and e[0] < e[1] for e in ends):
        raise ValueError(f"x_range, y_range and size must span pixels, got {x_range}, {y_range}, "
                         f"{size}")  # fmt: skip
    canvas = datashader.Canvas(
        plot_width=width, plot_height=height,
        x_range=tuple(ends[0].tolist()), y_range=tuple(ends[1].tolist()),
    )  # fmt: skip
    if cloud.weights is None:
        found = canvas.points(cloud.frame, "x", "y", datashader.count()).to_numpy()
        return np.where(found > 0, found, np.nan).astype(np.float32)
    found = canvas.points(cloud.frame, "x", "y", datashader.sum("weight")).to_numpy()
    area = np.prod([(e[1] - e[0]) / n for e, n in zip(ends, size, strict=True)])
    return (np.where(found > 0, found, np.nan) / area).astype(np.float32)
