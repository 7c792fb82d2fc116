"""What only the browser knows: how wide the page is, and whether it likes light or dark."""

from __future__ import annotations

from collections.abc import Mapping

import panel as pn
import param

from explorer import theme

SMALL, SMALLEST, LARGEST = 170, 140, 360
_PADDING = 16  # of a card, with its border
COOKIE = "explorer-theme"
WIDTH_COOKIE = "explorer-width"


class Viewport(pn.custom.JSComponent):
    """Reports the width of the main area in pixels, and keeps the page's theme; draws nothing.

    The theme is what was last chosen, or else the system's. Cookies tell it and the width to the
    server, so that a page has its colors and its size from the start: "light" or "dark" as chosen,
    "system-dark" as found.
    """

    width_px = param.Integer(default=1150, bounds=(0, None))
    narrow_px = param.Integer(default=theme.NARROW_PX)

    _esm = (
        f"const COOKIE = '{COOKIE}', WIDTH = '{WIDTH_COOKIE}';"
        + """
    export function render({ model, view, el }) {
      let timer = null;
      const keep = (name, value) => {
        document.cookie = `${name}=${value}; path=/; max-age=31536000; SameSite=Lax`;
      };
      const measure = () => {
        if (!el.clientWidth) return;
        model.width_px = Math.round(el.clientWidth);
        keep(WIDTH, model.width_px);
      };
      new ResizeObserver(() => {
        clearTimeout(timer);
        timer = setTimeout(measure, 120);
      }).observe(el);
      measure();
      const page = view.model.document?.roots().find(root => root.class_name === 'Page');
      if (!page) return;
      // In a narrow window the sidebar would lie over the page.
      const narrow = matchMedia(`(max-width: ${model.narrow_px - 1}px)`);
      if (narrow.matches) page.data.sidebar_open = false;
      narrow.addEventListener('change', () => { page.data.sidebar_open = !narrow.matches; });
      const system = matchMedia('(prefers-color-scheme: dark)');
      const stored = () => document.cookie.match(`${COOKIE}=([a-z-]+)`)?.[1] ?? '';
      const store = value => keep(COOKIE, value);
      let ours = false;
      const settle = () => {
        if (stored() === 'dark' || stored() === 'light') return;
        store(system.matches ? 'system-dark' : 'system-light');
        ours = true;
        page.data.dark_theme = system.matches;
        ours = false;
      };
      settle();
      system.addEventListener('change', settle);
      page.data.properties.dark_theme.change.connect(() => {
        if (!ours) store(page.data.dark_theme ? 'dark' : 'light');
      });
    }
    """
    )


def is_dark(cookies: Mapping[str, str]) -> bool:
    """Return whether a page is dark, after its browser's cookies; it is where they say nothing."""
    return not cookies.get(COOKIE, "dark").endswith("light")


def known_width(cookies: Mapping[str, str]) -> int:
    """Return how wide the page is in pixels, after its browser's cookies, or else usually."""
    told = cookies.get(WIDTH_COOKIE, "")
    default: int = Viewport.param["width_px"].default
    return (
        min(int(told), 10_000) if told.isascii() and told.isdigit() and len(told) < 6 else default
    )


def num_columns(width_px: int) -> int:
    """Return how many maps stand side by side in `width_px`: four, or two where they get small."""
    return 4 if _free(width_px, 4) >= 4 * SMALL else 2


def band_columns(width_px: int, count: int) -> int:
    """Return how many of `count` maps stand side by side where bands of them are as even."""
    widest = (width_px - _PADDING - theme.MARGIN_LEFT) // (SMALLEST + theme.GAP)
    bands = -(-count // max(widest, 2))
    return -(-count // bands)


def frame_size(width_px: int, columns: int = 4) -> int:
    """Return the side in pixels of each of `columns` square maps that fill `width_px`."""
    return min(max(_free(width_px, columns) // columns, SMALLEST), LARGEST)


def _free(width_px: int, columns: int) -> int:
    return width_px - _PADDING - theme.MARGIN_LEFT - columns * theme.GAP
