"""What an evaluation file holds: each array with its axes, unit and meaning.

Arrays span all directions and samples, so that there are few of them. Where a galaxy lacks a map,
a direction has fewer samples, or something was not measured, they are NaN. Lengths of the axes:

    domain      domains of the test set: targets, where an array depends on nothing else
    galaxy      rows of the table of galaxies: one rotation of each
    direction   rows of the table of directions: source -> target
    focus       those directions that are marked so in the table, in its order
    sample      the most samples that a direction has
    rank        sample + 1: how many samples are below the truth
    radius      annuli of equal width from the middle to the edge of the map
    scale       bins of the power spectrum, of one mode a side each
    case        galaxies that are shown, rows of the table of cases
    side, error_side  pixels of the maps that are shown, and of the maps of errors
    axis        x, y

"dex" is log10(value + floor), with the floor of the target in `data.domains`, whatever a method was
trained with. The formulas are those of `engine.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

FORMAT = "galactic-alchemy-evaluation/1"

_NAME = h5py.string_dtype("utf-8", 128)
_WORD = h5py.string_dtype("utf-8", 32)

# Columns of the tables. Masses are those of the whole cutout in Msun, NaN where unknown. The
# half-mass radius is that of the map of stars: projected, and of the mass that the map holds.
GALAXY = np.dtype([
    ("name", _NAME), ("lineage", _NAME), ("kind", _WORD), ("redshift", np.float64),
    ("rotation_index", np.int32), ("extent_kpc", np.float64), ("gas_mass", np.float64),
    ("dark_matter_mass", np.float64), ("stellar_mass", np.float64),
    ("half_mass_radius_kpc", np.float64),
])  # fmt: skip
DIRECTION = np.dtype([
    ("source", _WORD), ("target", _WORD), ("samples", np.int32), ("focus", np.bool_),
])  # fmt: skip
CASE = np.dtype([("kind", _WORD), ("galaxy", np.int32)])


@dataclass(frozen=True)
class Array:
    """One array of the file.

    Attributes
    ----------
    axes : names of its axes, in order.
    unit : of its values; "target" is that of the target domain.
    text : what it is.
    dtype : of its values in the file.
    """

    axes: tuple[str, ...]
    unit: str
    text: str
    dtype: str = "f4"


# Of a single map; the same of truths and of samples.
_SHAPES = {
    "total": ("Msun or target", "mass in the map; of targets that are no mass, the mean over it"),
    "half_mass_radius_kpc": ("kpc", "radius that holds half of what the map's circle holds"),
    "concentration": ("", "C, in the aperture of the truth"),
    "asymmetry": ("", "A, in the aperture of the truth"),
    "clumpiness": ("", "S, in the aperture of the truth"),
    "gini": ("", "Gini coefficient, among the galaxy's pixels"),
    "m20": ("", "M20, among the galaxy's pixels"),
}
_SCORES = {
    "mae_dex": ("dex", "mean absolute error"),
    "psnr_db": ("dB", "peak signal-to-noise ratio, in one range for a domain"),
    "ssim": ("", "structural similarity, in one range for a domain; NaN without torchmetrics"),
}
_TRUTH = ("domain", "galaxy")
_PAIR = ("direction", "galaxy")
_SAMPLE = (*_PAIR, "sample")
_POWER = "dex^2 kpc^2"

ARRAYS: dict[str, Array] = {
    **{f"truth/{name}": Array(_TRUTH, *rest) for name, rest in _SHAPES.items()},
    "truth/center_kpc": Array((*_TRUTH, "axis"), "kpc", "center of mass"),
    "truth/satellites": Array(_TRUTH, "", "satellites; of surface densities alone"),
    "truth/profile": Array((*_TRUTH, "radius"), "target", "azimuthal mean"),
    "truth/power": Array((*_TRUTH, "scale"), _POWER, "power spectrum of dex"),
    **{f"samples/{name}": Array(_SAMPLE, *rest) for name, rest in (_SCORES | _SHAPES).items()},
    "samples/center_kpc": Array((*_SAMPLE, "axis"), "kpc", "center of mass"),
    "samples/satellites_found": Array(_SAMPLE, "", "satellites that the truth has too"),
    "samples/satellites_made_up": Array(_SAMPLE, "", "satellites that the truth has not"),
    "samples/profile": Array((*_SAMPLE, "radius"), "target", "azimuthal mean"),
    **{f"mean/{name}": Array(_PAIR, *rest) for name, rest in _SCORES.items()},
    "ensemble/crps_dex": Array(_PAIR, "dex", "fair continuous ranked probability score"),
    "ensemble/variance_dex2": Array(_PAIR, "dex^2", "variance of the samples, mean over pixels"),
    "ensemble/error_dex2": Array(_PAIR, "dex^2", "squared error of the samples' mean, likewise"),
    "ensemble/log_density": Array(_PAIR, "nats", "ln p(truth | source) a pixel"),
    "ensemble/pixel_ranks": Array(
        ("direction", "rank"), "", "how many pixels have each rank among the samples", "u4"
    ),
    "power/mode": Array(("scale",), "", "waves a side of the map, the mean of each bin"),
    "power/samples": Array((*_PAIR, "scale"), _POWER, "power of a sample, mean over samples"),
    "power/mean": Array((*_PAIR, "scale"), _POWER, "power of the samples' mean"),
    "power/cross": Array(
        (*_PAIR, "scale"), _POWER, "cross-power with the truth: of the mean, and the mean of that"
    ),
    "power/error": Array((*_PAIR, "scale"), _POWER, "power of the samples' mean less the truth"),
    "power/spread": Array((*_PAIR, "scale"), _POWER, "variance of the samples' amplitudes"),
    "errors/absolute_dex": Array(
        ("focus", "error_side", "error_side"), "dex", "|sample - truth|, mean", "f2"
    ),
    "errors/signed_dex": Array(
        ("focus", "error_side", "error_side"), "dex", "sample - truth, mean", "f2"
    ),
    "errors/asymmetry": Array(
        ("focus", "error_side", "error_side"), "", "local asymmetry, sample - truth, mean", "f2"
    ),
    "errors/clumpiness": Array(
        ("focus", "error_side", "error_side"), "", "local clumpiness, sample - truth, mean", "f2"
    ),
    # Normalized by `data.normalize.DEFAULT`, which half precision suits.
    "cases/truth": Array(("case", "domain", "side", "side"), "normalized", "maps of domains", "f2"),
    "cases/sample": Array(("focus", "case", "side", "side"), "normalized", "first sample", "f2"),
    "cases/mean": Array(("focus", "case", "side", "side"), "normalized", "mean of dex", "f2"),
}
