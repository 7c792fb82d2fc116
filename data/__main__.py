"""`python -m data`: build a map store, or look into one or into a cutout."""

from __future__ import annotations


