"""Where maps, profiles and small print stand on a sheet; lengths in points from the upper left."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from explorer.figures.sheet import MUTED, Sheet
from explorer.sizes import Size

# In units of the text's size. HEAD is what stands above a map (label, ticks and color bar), FOOT
# what stands beneath (ticks and label of its axis).
HEAD, FOOT = 4.5, 2.9
TOP, LEFT, RIGHT, GAP = 0.5, 5.2, 0.9, 0.7
_LEAST_SIDE, _PROFILE_GAP, _SMALL = 11.0, 0.9, 0.8
_LEAST_OF_SEVERAL, _LEAST_ON_SLIDE = 9.0, 5.8
_PROFILE_SHARE = 0.24  # least of the width, where the profile stands at the right


@dataclass(frozen=True)
class Grid:
    """Square maps in rows."""

    left: float
    top: float
    side: float
    gap: float
    columns: int
    row_step: float

    @classmethod
    def of(cls, size: Size, columns: int) -> Grid:
        """Return the grid of as many columns as wide as a size."""
        f = size.font
        side = (size.width - (LEFT + RIGHT + (columns - 1) * GAP) * f) / columns
        return cls(LEFT * f, (TOP + HEAD) * f, side, GAP * f, columns, side + HEAD * f)

    def corner(self, index: int) -> tuple[float, float]:
        """Return left and upper edge of a map."""
        row, column = divmod(index, self.columns)
        return self.left + column * (self.side + self.gap), self.top + row * self.row_step

    @property
    def width(self) -> float:
        """Width of a row."""
        return self.columns * (self.side + self.gap) - self.gap

    def bottom(self, count: int) -> float:
        """Return the lower edge of the last of `count` maps."""
        return self.corner(count - 1)[1] + self.side

    def within(self, bottom: float) -> Grid:
        """Return one row of maps, smaller where it reaches below `bottom`, else halfway down."""
        free = bottom - self.top - self.side
        side = self.side + min(free, 0.0)
        left = self.left + 0.5 * self.columns * (self.side - side)
        return Grid(left, self.top + 0.5 * max(free, 0.0), side, self.gap, self.columns, 0.0)


@dataclass(frozen=True)
class SmallPrint:
    """A caption in lines that fit a size."""

    lines: tuple[str, ...]
    font: float
    left: float

    @classmethod
    def of(cls, caption: str, size: Size, left: float = LEFT) -> SmallPrint:
        """Break a caption into lines that start `left` widths of a letter from the edge."""
        letters = (size.width - (left + RIGHT) * size.font) / (0.46 * size.font)
        return cls(tuple(textwrap.wrap(caption, int(letters))), size.font, left * size.font)

    @property
    def height(self) -> float:
        """Height of the lines and of the margins around them."""
        return (1.25 * _SMALL * len(self.lines) + 0.9 * bool(self.lines)) * self.font

    def write(self, sheet: Sheet) -> None:
        """Write the lines at the foot of a sheet."""
        style = {"fontsize": _SMALL * self.font, "color": MUTED, "linespacing": 1.25}
        top = sheet.height - self.height + 0.4 * self.font
        sheet.write(self.left, top, "\n".join(self.lines), **style)


@dataclass(frozen=True)
class Plan:
    """A sheet of maps with a profile and its residual.

    Attributes
    ----------
    grid : of the maps.
    profile_corner : left and upper edge of the profile.
    profile_width : of the profile and of the residual.
    heights : of the profile and of the residual.
    height : of the sheet.
    """

    grid: Grid
    profile_corner: tuple[float, float]
    profile_width: float
    heights: tuple[float, float]
    height: float

    @classmethod
    def of(cls, size: Size, small_print: SmallPrint) -> Plan:
        """Plan a sheet of a size: four maps, in one row or, where it is narrow, two."""
        f = size.font
        is_wide = size.width - (LEFT + RIGHT) * f >= 4 * _LEAST_SIDE * f
        grid = Grid.of(size, 4 if is_wide else 2)
        top = grid.bottom(4) + (FOOT + _PROFILE_GAP) * f
        beneath = FOOT * f + small_print.height
        heights = _profile_heights(grid, f)
        if size.height is not None:
            left_over = size.height - top - beneath
            heights = (0.67 * left_over, 0.33 * left_over)
        return cls(grid, (grid.left, top), grid.width, heights, top + sum(heights) + beneath)

    @classmethod
    def of_several(cls, size: Size, small_print: SmallPrint, count: int) -> Plan:
        """Plan a sheet of `count` translators.

        Maps stand in columns of two, input and truth in the first, an output and its residual in
        each of the others; what does not fit side by side goes on beneath. Where the height is
        given, the profile stands at the right of the maps, else beneath.

        Raises
        ------
        ValueError : where the maps would be too small to see anything.
        """
        f = size.font
        if size.height is not None:
            return cls._beside_profile(size, small_print, count + 1)
        most = int((size.width - (LEFT + RIGHT - GAP) * f) / ((_LEAST_OF_SEVERAL + GAP) * f))
        bands = -(-(count + 1) // most)
        grid = Grid.of(size, -(-(count + 1) // bands))
        top = grid.bottom(2 * bands * grid.columns) + (FOOT + _PROFILE_GAP) * f
        heights = _profile_heights(grid, f)
        height = top + sum(heights) + FOOT * f + small_print.height
        return cls(grid, (grid.left, top), grid.width, heights, height)

    @classmethod
    def _beside_profile(cls, size: Size, small_print: SmallPrint, columns: int) -> Plan:
        """Plan two rows of maps at the left of the profile."""
        f, height = size.font, size.height or 0.0
        high = 0.5 * (height - (TOP + 2 * HEAD + FOOT) * f - small_print.height)
        gaps = (2 * LEFT + RIGHT + (columns - 1) * GAP) * f
        wide = (size.width * (1.0 - _PROFILE_SHARE) - gaps) / columns
        side = min(high, wide)
        if side < _LEAST_ON_SLIDE * f:
            raise ValueError(
                f"size {size.label} has no room for {columns - 1} translators side by side: "
                "give a width such as 250mm"
            )
        top = (TOP + HEAD) * f + high - side  # halfway down
        grid = Grid(LEFT * f, top, side, GAP * f, columns, side + HEAD * f)
        left = grid.left + grid.width + LEFT * f
        tall = grid.bottom(2 * columns) - grid.top
        width = size.width - left - RIGHT * f
        return cls(grid, (left, grid.top), width, (0.67 * tall, 0.33 * tall), height)


def _profile_heights(grid: Grid, font: float) -> tuple[float, float]:
    """Return the heights of profile and residual that go with maps of a grid."""
    return max(0.62 * grid.side, 8.5 * font), max(0.32 * grid.side, 4.2 * font)
