"""How wide the browser's window is, so that square maps can fill it."""

from __future__ import annotations

import panel as pn
import param

from explorer import theme

_PADDING = 70
SMALLEST, LARGEST = 170, 330


class Viewport(pn.custom.JSComponent):
    """Reports the window's width in pixels; draws nothing."""

    width_px = param.Integer(default=1440, bounds=(0, None))

    _esm = """
    export function render({ model }) {
      let timer = null;
      const send = () => { model.width_px = document.documentElement.clientWidth; };
      window.addEventListener('resize', () => {
        clearTimeout(timer);
        timer = setTimeout(send, 150);
      });
      send();
    }
    """


def frame_size(width_px: int) -> int:
    """Return the side in pixels of each of four square maps in a window `width_px` wide."""
    free = width_px - theme.SIDEBAR_WIDTH - _PADDING - theme.MARGIN_LEFT - 4 * theme.GAP
    return min(max(free // 4, SMALLEST), LARGEST)
