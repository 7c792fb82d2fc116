"""Where words stand beside points, so that none hides another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Array = NDArray[np.float64]

LINE_PX = 14.0  # from one line of text to the next
GAP_PX = 12.0  # between a point and its words
_NEAR_PX = 28.0  # points so close in x share a column of words


@dataclass(frozen=True)
class Labels:
    """Places of n labels in pixels from the frame's lower left corner.

    Attributes
    ----------
    x, y : (n,) where a label begins, or ends where it stands at the left; its middle in height.
    at_left : (n,) whether a label stands at the left of its point and ends at x.
    """

    x: Array
    y: Array
    at_left: NDArray[np.bool_]


def place_labels(x: Array, y: Array, widths: Array, height: float) -> Labels:
    """Return places of labels beside points, in columns beside those that lie close in x.

    Labels of a column, and of columns that reach into one another, keep the order of their points
    and move up or down by as little as they can. The last column stands at the right of its points,
    and so does every other that has no room at the left.

    Parameters
    ----------
    x, y : (n,) of the points, in pixels from the frame's lower left corner.
    widths : (n,) of the labels.
    height : of the frame.
    """
    places = Labels(np.zeros(len(x)), np.zeros(len(x)), np.zeros(len(x), bool))
    columns = _columns(x)
    ends = np.zeros((2, len(x)))
    for index, column in enumerate(columns):
        first, last = x[column].min(), x[column].max()
        is_left = index < len(columns) - 1 and first - GAP_PX >= widths[column].max()
        places.at_left[column] = is_left
        places.x[column] = first - GAP_PX if is_left else last + GAP_PX
        near, far = places.x[column], widths[column].max() * (-1 if is_left else 1)
        ends[:, column] = np.sort([near, near + far], axis=0)
    for group in _overlapping(columns, ends):
        places.y[group] = _spread(y[group], height)
    return places


def _columns(x: Array) -> list[NDArray[np.intp]]:
    """Return the points of each column, from left to right."""
    order = np.argsort(x, kind="stable")
    ends = np.flatnonzero(np.diff(x[order]) > _NEAR_PX) + 1
    return [part for part in np.split(order, ends) if len(part)]


def _overlapping(columns: list[NDArray[np.intp]], ends: Array) -> list[NDArray[np.intp]]:
    """Return columns whose words, between `ends` (2, n), overlap in x, joined to one each."""
    groups: list[NDArray[np.intp]] = []
    reach = -np.inf
    for column in sorted(columns, key=lambda each: float(ends[0, each[0]])):
        if groups and ends[0, column[0]] < reach:
            groups[-1] = np.concatenate([groups[-1], column])
        else:
            groups.append(column)
        reach = max(reach, float(ends[1, column[0]]))
    return groups


def _spread(y: Array, height: float) -> Array:
    """Return heights a line apart at least, as close to `y` as that allows, within the frame."""
    order = np.argsort(y, kind="stable")
    steps = LINE_PX * np.arange(len(y))
    lowest = np.asarray(isotonic_regression(y[order] - steps).x)
    half = 0.5 * LINE_PX
    places: Any = np.empty(len(y))
    places[order] = np.clip(lowest, half, max(height - half - steps[-1], half)) + steps
    return np.asarray(places)
