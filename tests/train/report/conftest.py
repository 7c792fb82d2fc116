"""Evaluations with known answers, made from numbers instead of maps."""

from itertools import permutations

import numpy as np
import pytest

from data.domains import DOMAINS
from engine.evaluation import Evaluation, MapSet, Method
from engine.evaluation.schema import CASE, DIRECTION, GALAXY

GALAXIES, RADII, SCALES, SIDE = 24, 12, 16, 16
NAMES = tuple(DOMAINS)
PAIRS = tuple(permutations(NAMES, 2))
# Fewer than in earnest: drawing is what takes time.
FOCUS = (("gas", "dark_matter"), ("gas", "stars"))
KINDS = ("spiral", "massive_halo", "merger", "irregular", "turbulent")


def galaxies(count=GALAXIES):
    rows = np.zeros(count, GALAXY)
    rows["name"] = [f"galaxy-{n}".encode() for n in range(count)]
    rows["kind"] = [KINDS[n % len(KINDS)].encode() for n in range(count)]
    rows["extent_kpc"] = np.linspace(40.0, 120.0, count)
    rows["half_mass_radius_kpc"] = 0.1 * rows["extent_kpc"]
    return rows


def make(name, title, *, samples=4, bias=0.0, scatter=0.1, pairs=PAIRS, focus=FOCUS, **method):
    """Return an evaluation whose samples are 10^(bias + scatter * normal) times the truth.

    Truths are the same for every method; in the focus there are twice as many samples.
    """
    most = 2 * samples if samples > 1 else 1
    table = np.zeros(len(pairs), DIRECTION)
    for row, (source, target) in zip(table, pairs, strict=True):
        in_focus = (source, target) in focus
        row["source"], row["target"] = source.encode(), target.encode()
        row["samples"], row["focus"] = most if in_focus else samples, in_focus
    cases = np.zeros(len(KINDS), CASE)
    cases["kind"], cases["galaxy"] = [k.encode() for k in KINDS], range(len(KINDS))
    whole = Evaluation.blank(
        Method(name, title, method.pop("family", name), samples, most, method.pop("steps", 16),
               **method),
        MapSet("maps", "test", SIDE, NAMES), (galaxies(), table, cases),
        {"radius": RADII, "scale": SCALES, "side": SIDE, "error_side": SIDE},
    )  # fmt: skip
    _fill_truth(whole.arrays)
    _fill_samples(whole, bias, scatter)
    return whole


def _fill_truth(arrays):
    rng = np.random.default_rng(0)
    shape = (len(NAMES), GALAXIES)
    # The domains' own units, so that totals of stars are below those of dark matter.
    level = np.array([10.0 ** (DOMAINS[n].center_dex + 3.0) for n in NAMES])[:, None]
    total = level * 10.0 ** rng.normal(0.0, 0.4, shape)
    arrays["truth/total"][:] = total
    radius = (np.arange(RADII) + 0.5) / RADII
    arrays["truth/profile"][:] = 1e-3 * total[..., None] * np.exp(-3.0 * radius)
    for number, name in enumerate(("concentration", "asymmetry", "clumpiness", "gini", "m20")):
        arrays[f"truth/{name}"][:] = number + rng.uniform(0.2, 0.8, shape)
    arrays["truth/half_mass_radius_kpc"][:] = rng.uniform(5.0, 10.0, shape)
    arrays["truth/center_kpc"][:] = 0.0
    arrays["truth/satellites"][:] = 3
    arrays["truth/power"][:] = np.arange(1.0, SCALES + 1) ** -2.0
    arrays["power/mode"][:] = np.arange(1.0, SCALES + 1)
    arrays["cases/truth"][:] = rng.normal(size=arrays["cases/truth"].shape)


def _fill_samples(whole, bias, scatter):
    arrays, rng = whole.arrays, np.random.default_rng(1)
    for index, row in enumerate(whole.directions):
        domain, count = NAMES.index(whole.pairs[index][1]), int(row["samples"])
        noise = bias + scatter * rng.normal(size=(GALAXIES, count))
        for name in ("total", "profile", "half_mass_radius_kpc"):
            true = arrays[f"truth/{name}"][domain][:, None]
            factor = 10.0**noise
            arrays[f"samples/{name}"][index, :, :count] = true * (
                factor[..., None] if name == "profile" else factor
            )
        for name in ("concentration", "asymmetry", "clumpiness", "gini", "m20"):
            true = arrays[f"truth/{name}"][domain][:, None]
            arrays[f"samples/{name}"][index, :, :count] = true + noise
        arrays["samples/center_kpc"][index, :, :count] = np.stack([np.abs(noise), 0 * noise], -1)
        arrays["samples/satellites_found"][index, :, :count] = 2
        arrays["samples/satellites_made_up"][index, :, :count] = 1
        arrays["samples/mae_dex"][index, :, :count] = np.abs(noise)
        arrays["samples/psnr_db"][index, :, :count] = 30.0 - 10 * np.abs(noise)
        arrays["samples/ssim"][index, :, :count] = 0.8
        arrays["ensemble/pixel_ranks"][index, : count + 1] = 100
    arrays["ensemble/crps_dex"][:] = 0.5 * scatter + abs(bias)
    arrays["ensemble/variance_dex2"][:] = scatter**2
    arrays["ensemble/error_dex2"][:] = scatter**2 + bias**2
    for name in ("mae_dex", "psnr_db", "ssim"):
        arrays[f"mean/{name}"][:] = 0.6 * scatter if name == "mae_dex" else 30.0
    true = arrays["truth/power"][0]
    for name, factor in (("samples", 0.81), ("mean", 0.49), ("cross", 0.63), ("error", 0.3),
                         ("spread", 0.2)):  # fmt: skip
        arrays[f"power/{name}"][:] = factor * true
    for name in ("absolute_dex", "signed_dex", "asymmetry", "clumpiness"):
        arrays[f"errors/{name}"][:] = rng.normal(0.0, scatter, arrays[f"errors/{name}"].shape)
    arrays["cases/sample"][:] = rng.normal(size=arrays["cases/sample"].shape)
    arrays["cases/mean"][:] = 0.0


@pytest.fixture(scope="session")
def evaluate():
    """`make`, for tests that want another evaluation."""
    return make


@pytest.fixture(scope="session")
def evaluations():
    """Four methods: two without samples, one good, and one that no table knows."""
    return [
        make("flow", "Flow matching", scatter=0.1, parameters=4_800_000, seconds_per_map=0.4,
             device="a CPU", batch=8, checkpoint_sha256="ab" * 32, version="0.1.0",
             sampler="ddim", date="2026-01-01T00:00:00", training_minutes=50.0),
        make("pixelwise", "Pixelwise", samples=1, scatter=0.4, family="baseline", steps=1,
             seconds_per_map=0.001, device="a CPU"),
        make("pix2pix", "pix2pix", samples=1, scatter=0.2, bias=0.1, steps=1,
             parameters=4_000_000, seconds_per_map=0.02, device="a CPU"),
        make("mine", "My own", scatter=0.3, steps=8, notes=("no log-densities, to save time",)),
    ]  # fmt: skip
