"""Colors and type of the page in light and dark, and how a Bokeh figure wears them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import holoviews as hv
from bokeh.models import ColorMapper, CustomJSTickFormatter, Range1d, ScaleBar
from bokeh.models.annotations.dimensional import Metric

from explorer.scales import DIVERGING, TICK_JS, palette


@dataclass(frozen=True)
class Colors:
    """One of the page's two sets of colors; text on any of the first three reaches 4.5 to 1.

    Attributes
    ----------
    background, surface, inset : of the page, of what lies on it, and within a figure's frame.
    line, text, muted : rules and frames, words, lesser words.
    accent, on_accent : what can be pressed, and words on it.
    warm, alert : what is compared with the truth; and a wash behind words of warning.
    no_data : pixels without a value.
    diverging : color map of residuals, whose middle recedes into the page.
    """

    background: str
    surface: str
    inset: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    warm: str
    alert: str
    no_data: str
    diverging: str


DARK = Colors(
    background="#0d1117", surface="#141a23", inset="#0a0d12", line="#2a3341", text="#d9dfe8",
    muted="#93a0b2", accent="#7cb3ff", on_accent="#0b1220", warm="#f2b56b", alert="#2a2214",
    no_data="#39414f", diverging=DIVERGING,
)  # fmt: skip
LIGHT = Colors(
    background="#f3f5f8", surface="#ffffff", inset="#f3f5f8", line="#cbd3de", text="#1a2330",
    muted="#566376", accent="#1259b3", on_accent="#ffffff", warm="#b3540a", alert="#fff3e0",
    no_data="#c3cad5", diverging="RdBu_r",
)  # fmt: skip
FONT = "Inter, 'Helvetica Neue', 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"

SIDEBAR_WIDTH = 270
NARROW_PX = 900  # a narrower window shows the sidebar over the page, and maps two in a row
MARGIN_LEFT, GAP = 60, 20

CARD = {
    "background": "var(--surface)", "border": "1px solid var(--line)", "border-radius": "8px",
    "padding": "10px 6px 8px 6px",
}  # fmt: skip
# Of what is as high as its content: the page would squeeze it into the window.
RIGID = {"flex": "none", "max-height": "none"}


def colors(dark: bool) -> Colors:
    """Return the page's colors."""
    return DARK if dark else LIGHT


def named(palette: Colors) -> dict[str, str]:
    """Return the colors and the font by the names that scripts and style sheets know."""
    known = {name: value for name, value in asdict(palette).items() if name != "diverging"}
    known["noData"] = known.pop("no_data")
    known["onAccent"] = known.pop("on_accent")
    return {"font": FONT} | known


def variables(palette: Colors) -> dict[str, str]:
    """Return the same as CSS variables."""
    return {f"--{name}": value for name, value in named(palette).items()}


def _css(palette: Colors) -> str:
    return "; ".join(f"{name}: {value}" for name, value in variables(palette).items())


# Of the page as a whole, with what lies over it; the page puts the class onto its root.
PAGE_CSS = f"""
.mui-dark {{ {_css(DARK)} }}
.mui-light {{ {_css(LIGHT)} }}
.main.main {{ background: var(--background); }}
.main-content {{ scrollbar-gutter: stable; scrollbar-color: var(--line) transparent; }}
.sidebar {{ scrollbar-color: var(--line) transparent; scrollbar-width: thin; }}
.header .MuiLinearProgress-root {{ display: none; }}
.header.header {{ box-shadow: none; border-bottom: 1px solid var(--line); }}
.title.title {{ color: var(--text); font-size: 20px; font-weight: 600; white-space: nowrap; }}
/* Where the header gets narrow its tabs scroll, and what stands right of them stays in reach. */
.header .MuiToolbar-root > .MuiBox-root + .MuiBox-root {{ min-width: 0; }}
@media (max-width: {NARROW_PX - 1}px) {{ .title.title {{ display: none; }} }}
"""
# So that the page gives header and what is in it the same colors.
HEADER = {".MuiAppBar-root": {"bgcolor": "primary.contrastText", "color": "primary.main",
                              "backgroundImage": "none"}}  # fmt: skip


def material(palette: Colors, mode: str) -> dict[str, Any]:
    """Return the colors as a theme of Material UI, which dresses header, sidebar and widgets."""
    return {
        "palette": {
            "mode": mode,
            "primary": {"main": palette.accent, "contrastText": palette.on_accent},
            "background": {"default": palette.background, "paper": palette.surface},
            "text": {"primary": palette.text, "secondary": palette.muted},
            "divider": palette.line,
        },
        "breakpoints": {"values": {"xs": 0, "sm": NARROW_PX, "md": 1200, "lg": 1536, "xl": 1920}},
        "typography": {"fontFamily": FONT, "fontSize": 13, "button": {"textTransform": "none"}},
        "shape": {"borderRadius": 6},
        "components": {
            "MuiButtonBase": {"styleOverrides": {"root": {
                "&.Mui-focusVisible": {"outline": f"2px solid {palette.accent}",
                                       "outlineOffset": "2px"}}}},
            "MuiToolbar": {"styleOverrides": {"root": {"minHeight": "52px !important"}}},
            "MuiTab": {"styleOverrides": {"root": {"minHeight": "51px", "padding": "0 14px",
                                              "minWidth": "0"}}},
            "MuiFormLabel": {"styleOverrides": {"root": {
                "&#toggle-buttons-group-label": {"fontSize": "12px", "marginBottom": "2px"}}}},
            "MuiDrawer": {"styleOverrides": {"paper": {"backgroundImage": "none"}}},
            "MuiTooltip": {"styleOverrides": {"tooltip": {"fontSize": "13px"}}},
        },
    }  # fmt: skip


MATERIAL = {"dark": material(DARK, "dark"), "light": material(LIGHT, "light")}

# Models of Bokeh that `style_figure` dresses, so that the page's own theme leaves them alone.
OWN_MODELS = ("Axis", "BaseColorBar", "ColorBar", "Figure", "Grid", "Legend", "Plot", "Title")


def start_holoviews() -> None:
    """Have HoloViews draw by Bokeh; once, as it goes through all its elements for it each time."""
    if "bokeh" not in hv.Store.registry:
        hv.extension("bokeh", logo=False)


def set_colors(mapper: ColorMapper, limits: tuple[float, float], colormap: str) -> None:
    """Give a Bokeh color mapper limits, and its palette where that is new: it checks each color."""
    mapper.update(low=limits[0], high=limits[1])
    colors = palette(colormap)
    if mapper.palette != colors:
        mapper.palette = colors


def style_figure(figure: Any, palette: Colors) -> None:
    """Dress a Bokeh figure for the page: one type, thin lines, no frame of its own."""
    figure.background_fill_color = palette.inset
    figure.border_fill_color = None  # Bokeh would keep the outermost pixels of another theme
    figure.outline_line_color = palette.line
    figure.toolbar.logo = None
    figure.toolbar.autohide = True
    figure.sizing_mode = None
    figure.title.text_color = palette.text
    figure.title.text_font = FONT
    figure.title.text_font_size = "13px"
    figure.title.text_font_style = "bold"
    for axis in figure.axis:
        style_text(axis, palette)
        axis.axis_line_color = palette.line
        axis.major_tick_line_color = palette.muted
        axis.minor_tick_line_color = None
        axis.axis_label_standoff = 3
    for grid in figure.grid:
        grid.grid_line_color = None


def style_text(model: Any, palette: Colors) -> None:
    """Set type and color of an axis or a color bar."""
    label = "title" if hasattr(model, "title") else "axis_label"
    for part, color, size in (
        (label, palette.text, "12px"), ("major_label", palette.muted, "11px"),
    ):  # fmt: skip
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
