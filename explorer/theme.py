"""Colors and type of the page, and how a Bokeh figure wears them."""

from __future__ import annotations

from typing import Any

from bokeh.models import AllLabels, ColorBar, CustomJSTickFormatter, FixedTicker, Range1d, ScaleBar
from bokeh.models.annotations.dimensional import Metric

from explorer.scales import TICK_JS

BACKGROUND = "#0d1117"
SURFACE = "#141a23"
INSET = "#0a0d12"
LINE = "#2a3341"
TEXT = "#d9dfe8"
MUTED = "#93a0b2"
ACCENT = "#7cb3ff"
WARM = "#f2b56b"
NO_DATA = "#39414f"
FONT = "Inter, 'Helvetica Neue', 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"

SIDEBAR_WIDTH = 270
MARGIN_LEFT, GAP = 60, 20

CSS = f"""
:root {{ --panel-primary-color: {ACCENT}; --accent-fill-rest: {ACCENT}; }}
body {{ font-family: {FONT}; font-size: 14px; }}
#header {{ height: 50px !important; padding: 0 12px !important; box-shadow: none !important;
  border-bottom: 1px solid {LINE}; }}
#header .title, #header a {{ font-size: 20px !important; font-weight: 600; }}
#sidebar {{ background: {SURFACE} !important; box-shadow: none !important;
  border-right: 1px solid {LINE}; }}
#main, #content {{ background: {BACKGROUND}; }}
"""

INPUT_CSS = f"""
.bk-input, select.bk-input {{ border: 1px solid {LINE} !important; background-color: {BACKGROUND};
  color: {TEXT}; text-overflow: ellipsis; padding-right: 24px; }}
.bk-input:hover, .bk-input:focus {{ border-color: {ACCENT} !important; }}
label {{ color: {TEXT}; font-size: 13px; }}
"""

PROGRESS_CSS = f"""
progress {{ appearance: none; height: 5px !important; border: none; border-radius: 3px;
  overflow: hidden; background: {LINE}; }}
progress::-webkit-progress-bar {{ background: {LINE}; }}
progress::-webkit-progress-value {{ background: {ACCENT} !important; }}
progress::-moz-progress-bar {{ background: {ACCENT} !important; }}
"""

# The same for what draws itself in the browser, by the name of a CSS variable.
VARIABLES = {
    "--background": BACKGROUND, "--inset": INSET, "--line": LINE, "--text": TEXT,
    "--muted": MUTED, "--accent": ACCENT, "--warm": WARM, "--noData": NO_DATA, "--font": FONT,
}  # fmt: skip


def style_figure(figure: Any) -> None:
    """Dress a Bokeh figure for the dark page: one type, thin lines, no frame of its own."""
    figure.background_fill_color = INSET
    figure.border_fill_color = SURFACE
    figure.outline_line_color = LINE
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    figure.sizing_mode = None
    figure.title.text_color = TEXT
    figure.title.text_font = FONT
    figure.title.text_font_size = "13px"
    figure.title.text_font_style = "bold"
    for axis in figure.axis:
        style_text(axis)
        axis.axis_line_color = LINE
        axis.major_tick_line_color = MUTED
        axis.minor_tick_line_color = None
        axis.axis_label_standoff = 3
    for grid in figure.grid:
        grid.grid_line_color = None


def style_text(model: Any) -> None:
    """Set type and color of an axis or a color bar."""
    label, ticks = ("title", "major_label") if hasattr(model, "title") else (
        "axis_label", "major_label",
    )  # fmt: skip
    for part, color, size in ((label, TEXT, "12px"), (ticks, MUTED, "11px")):
        setattr(model, f"{part}_text_color", color)
        setattr(model, f"{part}_text_font", FONT)
        setattr(model, f"{part}_text_font_size", size)
        setattr(model, f"{part}_text_font_style", "normal")


def plain_formatter() -> CustomJSTickFormatter:
    """Return a formatter for linear scales, with true minus signs."""
    return CustomJSTickFormatter(
        code="return String(Math.round(tick * 100) / 100).replace('-', '\u2212')"
    )


def log_formatter() -> CustomJSTickFormatter:
    """Return a formatter that writes decades as powers of ten."""
    return CustomJSTickFormatter(code=TICK_JS)


def color_bar(mapper: Any) -> ColorBar:
    """Return a slim horizontal color bar for beneath a map, its ticks as powers of ten."""
    bar = ColorBar(
        color_mapper=mapper, height=9, padding=0, title_standoff=4, margin=6,
        background_fill_color=SURFACE, bar_line_color=None, major_tick_line_color=None,
        formatter=log_formatter(), major_label_policy=AllLabels(),
        ticker=FixedTicker(ticks=[]),
    )  # fmt: skip
    style_text(bar)
    return bar


def scale_bar(x_range: Range1d) -> ScaleBar:
    """Return a bar of round length in kpc that follows the zoom."""
    units = Metric(
        base_unit="pc", full_unit="parsec", include=["pc", "kpc"],
        ticks=[1, 2, 5, 10, 20, 50, 100, 200, 500],
    )  # fmt: skip
    return ScaleBar(
        range=x_range, unit="kpc", dimensional=units, orientation="horizontal",
        location="bottom_left", bar_length=0.28, length_sizing="adaptive",
        label="@{value} @{unit}", label_location="above", label_standoff=3,
        label_text_color="white", label_text_font=FONT, label_text_font_size="11px",
        bar_line_color="white", bar_line_width=2, background_fill_color="#000000",
        background_fill_alpha=0.35, border_line_color=None, padding=6, margin=6,
    )  # fmt: skip
