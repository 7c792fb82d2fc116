"""A galaxy and a translator small enough for unit tests."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from engine.evaluation import Evaluation, MapSet, Method
from engine.evaluation.schema import CASE, DIRECTION, GALAXY
from explorer import library, worker
from explorer.library import Scene
from explorer.session import Session
from explorer.store import Store, View
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


DOMAINS = ("gas", "dark_matter", "stars", "temperature")
PAIRS = tuple(permutations(DOMAINS, 2))
COUNT, SAMPLES, RADII = 6, 4, 5
OPEN = next(iter(library.GALAXIES.shared))
CARDS = {
    name: {"title": name.capitalize(), "domains": list(DOMAINS), "default_steps": 3}
    for name in ("good", "poor", "new")
}


def evaluation(name, factor, samples=SAMPLES, **method):
    """Return an evaluation whose samples are about `factor` times the truth; CRPS = |log10| of it.

    Truths are the same for all; the last galaxy has no stars.
    """
    galaxies = np.zeros(COUNT, GALAXY)
    galaxies["name"] = [OPEN, *(f"hold-out-{n}" for n in range(1, COUNT))]
    galaxies["kind"], galaxies["extent_kpc"] = "massive_halo", 50.0
    directions = np.array([(*pair, samples, False) for pair in PAIRS], DIRECTION)
    lengths = {"radius": RADII, "scale": 8, "side": 2, "error_side": 2}
    made = Evaluation.blank(
        Method(name, name.capitalize(), method.pop("family", "toy"), samples, samples, 3, **method),
        MapSet("maps", "test", 16, DOMAINS), (galaxies, directions, np.zeros(0, CASE)), lengths,
    )  # fmt: skip
    arrays, rng = made.arrays, np.random.default_rng(0)
    arrays["truth/total"][:] = 10.0 ** rng.uniform(8.0, 11.0, (len(DOMAINS), COUNT))
    arrays["truth/profile"][:] = 10.0 ** rng.uniform(6.0, 8.0, (len(DOMAINS), COUNT, RADII))
    arrays["power/mode"][:] = np.arange(1, 9)
    arrays["truth/power"][:] = arrays["power/samples"][:] = arrays["power/mean"][:] = 1.0
    arrays["ensemble/variance_dex2"][:] = arrays["ensemble/error_dex2"][:] = 1.0
    error = abs(float(np.log10(factor)))
    for index, (source, target) in enumerate(PAIRS):
        truth = DOMAINS.index(target)
        scatter = factor * 10.0 ** rng.normal(0.0, 0.05, (COUNT, samples))
        for array in ("total", "profile"):
            true = arrays[f"truth/{array}"][truth][:, None]
            wide = scatter[..., None] if array == "profile" else scatter
            arrays[f"samples/{array}"][index] = true * wide
        for array in ("ensemble/crps_dex", "mean/mae_dex", "samples/mae_dex"):
            arrays[array][index] = error * (index + 1)
            if "stars" in (source, target):
                arrays[array][index, -1] = np.nan
    return made


@pytest.fixture
def evaluations():
    return {
        "good": evaluation("good", 1.1, seconds_per_map=0.2, parameters=2_000_000),
        "poor": evaluation("poor", 2.0, seconds_per_map=0.1, training_minutes=12.0),
        "pixelwise": evaluation("pixelwise", 4.0, 1, family="baseline", seconds_per_map=1e-4),
    }


@pytest.fixture
def judged(monkeypatch, evaluations):
    """A session without a document, which reads evaluations at once."""
    monkeypatch.setattr(Session, "_load", lambda self: None)
    monkeypatch.setattr(library, "load_evaluations", lambda: evaluations)

    def submit(work, owner=None):
        job = worker.Job(work)
        job.run()
        return job

    monkeypatch.setattr(worker, "FILES", SimpleNamespace(submit=submit))
    return Session(Store(cards=CARDS, target="stars"))
