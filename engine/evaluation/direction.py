"""One direction of an evaluation: its measures, and the statistics that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.domains import get_domain
from data.normalize import denormalize
from engine.metrics.calibration import central_coverage, rank_histogram, tarp
from engine.metrics.mass import Matches
from engine.metrics.radii import density_radius
from engine.metrics.spectrum import small_scale_ratio

if TYPE_CHECKING:
    from engine.evaluation.file import Evaluation

Array = NDArray[np.float64]

LEVELS = (0.5, 0.68, 0.95)
SUMMARIES = ("log_total", "half_mass_radius_kpc", "concentration")
# Msun/kpc^2 that the Einstein radii of evaluations take for critical. Dark matter alone reaches
# that of a usual lens (2.0e9 for redshifts 0.5 and 2) in none of the synthetic galaxies' maps; this
# is a twentieth of it, as if they were twenty times as massive.
EINSTEIN_DENSITY = 1e8
_SEED = 0  # Of the ranks among equals and of the reference points of TARP.


@dataclass(frozen=True)
class Case:
    """Maps of one galaxy that are shown: input, a sample, the samples' mean, and truth.

    Attributes
    ----------
    kind : what the galaxy is an example of.
    name : of the galaxy.
    extent_kpc : full side.
    source, sample, mean, truth : (side, side) in the unit of the domain; row = y upwards.
    """

    kind: str
    name: str
    extent_kpc: float
    source: NDArray[np.float32]
    sample: NDArray[np.float32]
    mean: NDArray[np.float32]
    truth: NDArray[np.float32]


class Direction:
    """What was measured from one domain to another, of the n galaxies that have both maps.

    Attributes
    ----------
    source, target : names of the domains.
    rows : (n,) of the table of galaxies.
    num_samples : M.
    is_focus : whether there are cases and maps of errors.
    extent_kpc : (n,) full side of the maps.
    """

    def __init__(self, evaluation: Evaluation, index: int) -> None:
        self._evaluation, self._index = evaluation, index
        entry = evaluation.directions[index]
        self.source, self.target = evaluation.pairs[index]
        self.num_samples, self.is_focus = int(entry["samples"]), bool(entry["focus"])
        self.rows = np.flatnonzero(np.isfinite(evaluation["ensemble/crps_dex"][index]))
        self.extent_kpc: Array = evaluation.galaxies["extent_kpc"][self.rows]
        self._domain = evaluation.maps.domains.index(self.target)

    def galaxies(self, column: str) -> NDArray[Any]:
        """Return a column (n, ...) of the table of galaxies."""
        return self._evaluation.column(column)[self.rows]

    def truth(self, name: str) -> NDArray[Any]:
        """Return what the truth has (n, ...): an array "truth/NAME" of the schema, or log_total,
        or einstein_radius_kpc, NaN of a lens that is too weak or reaches beyond its map.
        """
        if name == "log_total":
            return _log(self.truth("total"))
        if name == "einstein_radius_kpc":
            radii = self._einstein_radii("truth")
            on_map = (radii > 0.0) & (radii < 0.5 * self.extent_kpc)
            return np.where(on_map, radii, np.nan)
        return self._evaluation[f"truth/{name}"][self._domain, self.rows]

    def samples(self, name: str) -> NDArray[Any]:
        """Return what the samples have (n, M, ...): an array "samples/NAME", or log_total, or
        einstein_radius_kpc, 0 of a lens that is too weak and at most half the extent.
        """
        if name == "log_total":
            return _log(self.samples("total"))
        if name == "einstein_radius_kpc":
            return self._einstein_radii("samples")
        values = self._evaluation[f"samples/{name}"][self._index, self.rows]
        return values[:, : self.num_samples]

    def mean(self, name: str) -> NDArray[Any]:
        """Return an array "mean/NAME" (n,), a score of the samples' mean in dex."""
        return self._evaluation[f"mean/{name}"][self._index, self.rows]

    def ensemble(self, name: str) -> NDArray[Any]:
        """Return an array "ensemble/NAME" (n,) but the ranks, see `ranks`."""
        return self._evaluation[f"ensemble/{name}"][self._index, self.rows]

    def power(self, name: str) -> NDArray[Any]:
        """Return an array "power/NAME" (n, scale) in dex^2 kpc^2, or that of the "truth"."""
        if name == "truth":
            return self.truth("power")
        return self._evaluation[f"power/{name}"][self._index, self.rows]

    @property
    def radii(self) -> Array:
        """Middles (radius,) of the annuli of profiles, in units of half the extent."""
        count = self._evaluation["truth/profile"].shape[-1]
        return (np.arange(count) + 0.5) / count

    @property
    def radii_kpc(self) -> Array:
        """Middles (n, radius) of the annuli in kpc."""
        return 0.5 * self.extent_kpc[:, None] * self.radii

    def enclosed(self, of: str = "samples") -> Array:
        """Return growth curves (n, M, radius) of the "samples", or (n, radius) of the "truth".

        What circles hold that end where the annuli of profiles do, at (i + 1) / len(radii) of half
        the extent, in the target's unit times kpc^2: Msun of surface densities.
        """
        profile = self.truth("profile") if of == "truth" else self.samples("profile")
        count = profile.shape[-1]
        area = np.pi * (0.5 * self.extent_kpc / count) ** 2  # of the innermost
        rings = area.reshape(-1, *[1] * (profile.ndim - 1)) * (2.0 * np.arange(count) + 1.0)
        return (profile * rings).cumsum(axis=-1)

    def _einstein_radii(self, of: str) -> Array:
        """Return the radii within which dark matter has `EINSTEIN_DENSITY`; NaN of other targets.

        Of circles about the map's middle, for they exist where a critical curve leaves the map or
        goes around a merging companion alone.
        """
        mass = self.enclosed(of)
        if self.target != "dark_matter":
            return np.full(mass.shape[:-1], np.nan)
        outer = self.radii_kpc + 0.25 * self.extent_kpc[:, None] / len(self.radii)
        return density_radius(
            outer.reshape(len(outer), *[1] * (mass.ndim - 2), mass.shape[-1]), mass,
            EINSTEIN_DENSITY,
        )  # fmt: skip

    @property
    def modes(self) -> Array:
        """Waves a side of the map (scale,), the mean of each bin of the power spectra."""
        return self._evaluation["power/mode"]

    @property
    def wavenumbers(self) -> Array:
        """Angular wavenumbers (n, scale) in 1/kpc: 2 pi over the wavelength."""
        return 2.0 * np.pi / self.extent_kpc[:, None] * self.modes

    def transfer(self, of: str = "samples") -> Array:
        """Return T = sqrt(P / P_truth) (n, scale), of the "samples" or of their "mean"."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt(self.power(of) / self.power("truth"))

    def correlation(self, of: str = "samples") -> Array:
        """Return r = P_cross / sqrt(P P_truth) (n, scale), of the "samples" or of their "mean"."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.power("cross") / np.sqrt(self.power(of) * self.power("truth"))

    def spread_skill_by_scale(self) -> Array:
        """Return spread over error (scale,) of all galaxies (Fortin et al. 2014, eq. 15, by mode).

        Powers count in pixels^2 here, so that galaxies in small maps count like those in large.
        """
        per_pixel = self.extent_kpc[:, None] ** -2
        return self._corrected(
            (self.power("spread") * per_pixel).mean(axis=0),
            (self.power("error") * per_pixel).mean(axis=0),
        )

    def crps_dex(self) -> float:
        """Return the mean of the fair continuous ranked probability score, as in `scores`."""
        return _mean(self.ensemble("crps_dex"))

    def einstein_radius_error(self) -> float:
        """Return the median of |sample / truth - 1| of Einstein radii; NaN but of dark matter.

        The median, for radii of a pixel or two would carry the mean.
        """
        truth = self.truth("einstein_radius_kpc")[:, None]
        errors = np.abs(self.samples("einstein_radius_kpc") / truth - 1.0)
        known = errors[~np.isnan(errors)]
        return float(np.median(known)) if known.size else float("nan")

    def spread_over_error(self) -> float:
        """Return sqrt((M + 1) / M) spread / error of all pixels, 1 for the truth's distribution."""
        variance, error = (self.ensemble(n).mean() for n in ("variance_dex2", "error_dex2"))
        return float(self._corrected(variance, error))

    def _corrected(self, variance: Any, error: Any) -> Any:
        count = self.num_samples
        if count < 2:
            return np.full(np.shape(error), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt((count + 1) / count * variance / error)

    def ranks(self, of: str = "pixels") -> NDArray[np.int64]:
        """Return the rank histogram (M + 1,) of the truth among the samples.

        Parameters
        ----------
        of : "pixels", or an array that truth and samples have: "profile", "total", ...
        """
        if of == "pixels":
            counts = self._evaluation["ensemble/pixel_ranks"][self._index]
            return counts[: self.num_samples + 1].astype(np.int64)
        generator = np.random.default_rng(_SEED)
        return rank_histogram(self.samples(of), self.truth(of), generator, axis=1)

    def coverage(self, of: str = "pixels", levels: Sequence[float] = LEVELS) -> Array:
        """Return how often the truth lies in central intervals of the samples (len(levels),).

        NaN where there are too few samples: 3, 6 and 39 are needed for the default levels. `of` as
        in `ranks`.
        """
        return central_coverage(self.ranks(of), levels)

    def tarp(self, names: Sequence[str] = SUMMARIES) -> tuple[Array, Array]:
        """Return credibility and expected coverage (M + 2,) of summaries of maps (TARP).

        Parameters
        ----------
        names : numbers that truth and samples have. Galaxies that lack one do not count; fewer than
            two make NaN.
        """
        x, y = (np.stack([f(n) for n in names], axis=-1) for f in (self.samples, self.truth))
        good = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(y).all(axis=1)
        credibility = np.arange(self.num_samples + 2) / (self.num_samples + 1)
        if good.sum() < 2 or not (np.ptp(y[good], axis=0) > 0).all():
            return credibility, np.full(len(credibility), np.nan)
        return tarp(x[good], y[good], np.random.default_rng(_SEED))

    def center_offset_kpc(self) -> Array:
        """Return by how much samples' centers of mass are displaced: (n, M, 2) x and y in kpc."""
        return self.samples("center_kpc") - self.truth("center_kpc")[:, None]

    def satellites(self) -> Matches:
        """Return satellites found, missed and made up, summed over galaxies and samples."""
        found, made_up = (self.samples(f"satellites_{n}") for n in ("found", "made_up"))
        there = np.broadcast_to(self.truth("satellites")[:, None], found.shape)
        good = np.isfinite(found) & np.isfinite(made_up) & np.isfinite(there)
        return Matches(
            int(found[good].sum()), int((there - found)[good].sum()), int(made_up[good].sum())
        )

    def small_scale_power(self, of: str = "samples") -> float:
        """Return the power over the truth's at wavelengths of 3 to 8 pixels, of all galaxies."""
        pixel = self.extent_kpc[:, None] / self._evaluation.maps.grid_size
        own, true = (self.power(name) / pixel**2 for name in (of, "truth"))
        return small_scale_ratio((self.wavenumbers * pixel)[0], own, true)

    def scores(self) -> dict[str, float]:
        """Return the direction in single numbers, means over galaxies and samples.

        Keys: mae_dex, psnr_db, ssim of samples; mean_mae_dex, mean_psnr_db, mean_ssim of their
        mean; crps_dex; spread_over_error; profile_dex and total_dex, the mean absolute errors of
        log10 of profiles (plus floor) and totals; einstein_radius_error, the median of |sample /
        truth - 1|, of dark matter alone; small_scale_power of samples and mean_small_scale_power;
        log_density in nats a pixel. NaN where nothing was measured.
        """
        floor = get_domain(self.target).floor
        profiles = (np.log10(f("profile") + floor) for f in (self.samples, self.truth))
        samples, truth = profiles
        totals = self.samples("log_total") - self.truth("log_total")[:, None]
        names = ("mae_dex", "psnr_db", "ssim")
        return {
            **{name: _mean(self.samples(name)) for name in names},
            **{f"mean_{name}": _mean(self.mean(name)) for name in names},
            "crps_dex": self.crps_dex(),
            "spread_over_error": self.spread_over_error(),
            "profile_dex": _mean(np.abs(samples - truth[:, None])),
            "total_dex": _mean(np.abs(totals)),
            "einstein_radius_error": self.einstein_radius_error(),
            "small_scale_power": self.small_scale_power(),
            "mean_small_scale_power": self.small_scale_power("mean"),
            "log_density": _mean(self.ensemble("log_density")),
        }

    def error_map(self, name: str) -> NDArray[Any]:
        """Return an array "errors/NAME" (side, side), mean over galaxies and samples.

        ValueError where the direction is none of focus.
        """
        return self._evaluation[f"errors/{name}"][self._focus_index()]

    def cases(self) -> list[Case]:
        """Return the maps that are shown; none where the direction is not of focus."""
        if not self.is_focus:
            return []
        whole, focus = self._evaluation, self._focus_index()
        kinds = [kind.decode() for kind in whole.cases["kind"].tolist()]
        made = []
        for number, row in enumerate(whole.cases["galaxy"]):
            maps = (
                (whole["cases/truth"][number, whole.maps.domains.index(self.source)], self.source),
                (whole["cases/sample"][focus, number], self.target),
                (whole["cases/mean"][focus, number], self.target),
                (whole["cases/truth"][number, self._domain], self.target),
            )
            if all(np.isfinite(values).all() for values, _ in maps):
                kind, name = kinds[number], str(whole.column("name")[row])
                extent = float(whole.galaxies["extent_kpc"][row])
                made.append(Case(kind, name, extent, *(denormalize(*each) for each in maps)))
        return made

    def _focus_index(self) -> int:
        pair = (self.source, self.target)
        if not self.is_focus:
            raise ValueError(f"{pair[0]} -> {pair[1]} is not among the directions of focus")
        return self._evaluation.focus.index(pair)


def _log(values: NDArray[Any]) -> NDArray[Any]:
    """Return log10, NaN of what is not above zero."""
    return np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)


def _mean(values: NDArray[Any]) -> float:
    """Return the mean of what is not NaN; NaN where nothing is."""
    known = values[~np.isnan(values)].astype(np.float64)
    return float(known.mean()) if known.size else float("nan")
