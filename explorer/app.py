"""Galactic Alchemy in the browser: `panel serve explorer/app.py`."""

from __future__ import annotations

import panel as pn

from explorer.page import build

pn.extension(notifications=False)
build().servable()
