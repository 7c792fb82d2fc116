"""A galaxy and a translator small enough for unit tests."""

import numpy as np
import pytest

from explorer.library import Scene
from explorer.store import View
from explorer.translation import collect

CARD = {"name": "toy", "title": "Toy", "domains": ["gas", "dark_matter"], "default_steps": 3}


def lopsided(size: int = 32) -> np.ndarray:
    """Return a map that no flip or turn maps onto itself: bright at the bottom, left of center."""
    image = np.full((size, size), 1e6, np.float32)
    image[: size // 8, : size // 4] = 1e8
    return image


@pytest.fixture
def run():
    truth = lopsided()
    scene = Scene("synthetic-000001", "spiral", 0.5, 2, 40.0,
                  {"gas": 0.1 * truth, "dark_matter": truth})  # fmt: skip
    view = View("synthetic-000001", 2, "gas", "dark_matter", "toy", 7, 3)
    estimates = [truth * factor for factor in (4.0, 2.0, 1.25)]
    noisy = [np.zeros_like(truth)] * 3
    return collect(view, scene, ([0.7, 0.3, 0.0], [0.9, 0.5, 0.0], noisy, estimates), 0.1, "ddim")
