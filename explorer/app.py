"""Galactic Alchemy in the browser: `panel serve explorer/app.py`."""

from __future__ import annotations

from explorer.page import build

build().servable()
