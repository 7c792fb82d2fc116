"""Figures of the page Compare: methods and directions as Bokeh draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from bokeh.core.properties import field, value
from bokeh.models import FixedTicker, HoverTool, LabelSet, Range1d

from data.domains import DOMAINS
from explorer import theme
from explorer.comparison import COLUMNS, Pair, Standing
from explorer.scales import log_ticks, palette
from explorer.views.chart import Chart, set_range, tappable
from explorer.views.labels import GAP_PX, Array, place_labels

_CRPS, _SECONDS = (
    next(i for i, c in enumerate(COLUMNS) if c.head == head) for head in ("CRPS", "Time a map")
)
_LIMIT_DEX = 0.7  # of the colors of the matrix: a factor of five
_EXACT_DEX = 0.005
_LETTER_PX, _TICK_PX = 6.4, 60


class CostPlot(Chart):
    """What a method costs against how good it is."""

    def __init__(self) -> None:
        super().__init__("Cost and quality", ["methods"])
        self.figure.xaxis.axis_label = "time a map (s)"
        self.figure.yaxis.axis_label = "CRPS (dex), less is better"
        source = self.sources["methods"]
        columns = ("x", "y", "title", "device", "color", "label_x", "label_y", "offset", "align")
        source.data = {n: [] for n in columns}
        self.figure.segment(
            "x", "y", "label_x", "label_y", source=source, line_color="color", line_alpha=0.45
        )
        dots = self.figure.scatter("x", "y", source=source, size=9, color="color", line_width=0)
        self._labels = LabelSet(
            x="label_x", y="label_y", text="title", x_offset="offset", source=source,
            text_color="color", text_font=value(theme.FONT), text_font_size="11px",
            text_baseline="middle", text_align=field("align"),
        )  # fmt: skip
        self.figure.add_layout(self._labels)
        self.figure.add_tools(HoverTool(renderers=[dots], tooltips=[
            ("method", "@title"), ("CRPS", "@y{0.000} dex"), ("time a map", "@x{0.00000} s"),
            ("on", "@device"),
        ]))  # fmt: skip

    def put(self, rows: Iterable[Standing], chosen: str | None, colors: theme.Colors) -> None:
        """Show those methods that have both numbers."""
        both = [row for row in rows if row.values[_CRPS] and row.values[_SECONDS]]
        x, y = (np.array([row.values[place] for row in both], float) for place in (_SECONDS, _CRPS))
        self.limit("y", [y])
        places = self._places(x, y, [row.title for row in both])
        self.sources["methods"].data = {
            "x": x, "y": y, "title": [row.title for row in both],
            "device": [row.device for row in both], **places,
            "color": [
                colors.accent if r.name == chosen else colors.muted if r.is_baseline
                else colors.text for r in both
            ],
        }  # fmt: skip

    def _places(self, x: Array, y: Array, titles: list[str]) -> dict[str, Any]:
        """Return where labels stand, once there is room for them at the right."""
        frame = self.figure
        wide, high = frame.frame_width or 280, frame.frame_height or 280
        widths = np.array([_LETTER_PX * len(title) for title in titles])
        if len(x):
            low, most = np.log10([x.min(), x.max()])
            room = GAP_PX + widths[x > 0.1 * x.max()].max() + 6
            dex = max(most - low, 0.1) / max(wide - 2 * GAP_PX - room, 60.0)  # in a pixel
            ends = 10.0 ** (low - 2 * GAP_PX * dex), 10.0 ** (most + room * dex)
            set_range(frame.x_range, *map(float, ends))
            frame.xaxis.ticker.ticks = log_ticks(*ends, most=min(5, int(wide / _TICK_PX)))
        found = place_labels(
            _pixels(x, frame.x_range, wide), _pixels(y, frame.y_range, high), widths, high
        )
        return {
            "label_x": _values(found.x, frame.x_range, wide),
            "label_y": _values(found.y, frame.y_range, high),
            "offset": np.where(found.at_left, -3.0, 3.0),
            "align": np.where(found.at_left, "right", "left").tolist(),
        }


class DirectionMatrix(Chart):
    """CRPS over that of the baseline, in all directions; a click chooses one."""

    def __init__(self, choose: Callable[[str, str], None]):
        super().__init__("CRPS over that of a pixelwise fit", ["cells", "here"], scale="linear")
        labels = [domain.label for domain in DOMAINS.values()]
        count = len(labels)
        set_range(self.figure.x_range, -0.5, count - 0.5)
        set_range(self.figure.y_range, count - 0.5, -0.5)
        for axis, label in zip(self.figure.axis, ("target", "source"), strict=True):
            axis.ticker = FixedTicker(ticks=list(range(count)))
            axis.major_label_overrides = dict(enumerate(labels))
            axis.axis_label = label
        self.figure.xaxis.major_label_orientation = 0.6
        cells, here = self.sources["cells"], self.sources["here"]
        cells.data = {n: [] for n in (
            "x", "y", "source", "target", "source_label", "target_label", "own", "base", "ratio",
            "text", "fill", "ink",
        )}  # fmt: skip
        here.data = {"x": [], "y": []}
        squares = self.figure.rect(
            "x", "y", 0.96, 0.96, source=cells, fill_color="fill", line_color=None
        )
        self.figure.text(
            "x", "y", "text", source=cells, text_color="ink", text_font=value(theme.FONT),
            text_font_size="11px", text_align="center", text_baseline="middle",
        )  # fmt: skip
        self._frame = self.figure.rect(
            "x", "y", 0.96, 0.96, source=here, fill_color=None, line_width=2.5
        )
        tappable(self.figure, squares, lambda row: choose(row["source"], row["target"]))
        self.figure.add_tools(HoverTool(renderers=[squares], tooltips=[
            ("", "@source_label → @target_label"), ("CRPS", "@own{0.000} dex"),
            ("pixelwise", "@base{0.000} dex"), ("ratio", "@ratio{0.00}"),
            ("", "click to choose"),
        ]))  # fmt: skip

    def put(
        self, ratios: Mapping[Pair, tuple[float, float]], here: Pair, colors: theme.Colors
    ) -> None:
        """Show ratios, and mark the direction on view.

        Where the baseline leaves no error, as between HI and its brightness, there is none to beat.
        """
        places = {name: place for place, name in enumerate(DOMAINS)}
        pairs = [pair for pair, values in ratios.items() if np.isfinite(values).all()]
        own, base = (np.array([ratios[pair][k] for pair in pairs], float) for k in (0, 1))
        ratio, is_exact = own / base, base < _EXACT_DEX
        dex = np.where(is_exact, 0.0, np.log10(ratio))
        shades = palette(colors.diverging)
        steps = np.clip((0.5 + 0.5 * dex / _LIMIT_DEX) * (len(shades) - 1), 0, len(shades) - 1)
        fill = [shades[round(step)] for step in steps]
        self.sources["cells"].data = {
            "x": [places[pair[1]] for pair in pairs], "y": [places[pair[0]] for pair in pairs],
            "source": [pair[0] for pair in pairs], "target": [pair[1] for pair in pairs],
            "source_label": [DOMAINS[pair[0]].label for pair in pairs],
            "target_label": [DOMAINS[pair[1]].label for pair in pairs],
            "own": own, "base": base, "ratio": ratio,
            "text": [
                "exact" if exact else f"{r:.2f}" if r < 10 else f"{r:.0f}"
                for r, exact in zip(ratio, is_exact, strict=True)
            ],
            "fill": fill, "ink": [_ink(color) for color in fill],
        }  # fmt: skip
        self.sources["here"].data = {"x": [places[here[1]]], "y": [places[here[0]]]}
        self._frame.glyph.line_color = colors.warm


def _pixels(values: Array, limits: Range1d, size: int) -> Array:
    """Return where values lie on a logarithmic axis of so many pixels."""
    low, high = np.log10([limits.start, limits.end])
    return np.asarray((np.log10(values) - low) / (high - low) * size)


def _values(pixels: Array, limits: Range1d, size: int) -> Array:
    """Return what lies at places on a logarithmic axis of so many pixels."""
    low, high = np.log10([limits.start, limits.end])
    return np.asarray(10.0 ** (low + pixels / size * (high - low)))


def _ink(color: str) -> str:
    """Return black or white, whichever is read more easily on a color (WCAG 2.1 luminance)."""
    parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return "#000000" if linear @ [0.2126, 0.7152, 0.0722] > 0.179 else "#ffffff"
