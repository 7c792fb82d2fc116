"""The mass on view as a gravitational lens, true and predicted, and what it does to a source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.lensing import Lens, Source, critical_surface_density, effective_radius
from explorer.ensemble import BAND
from explorer.library import Scene

Array = NDArray[np.float64]

PREDICTED = "dark_matter"
# What is added to the dark matter, of the galaxy's own maps, to truth and prediction alike: light
# shows where stars and gas are.
MASSES: dict[str, tuple[str, ...]] = {
    "dark matter": (), "+ stars": ("stars",), "+ stars, gas": ("stars", "gas"),
}  # fmt: skip
FACTORS = (1, 3, 10, 20, 50)
# An image has as many pixels a side as its lens, times so much that there are at most so many.
_MOST_PIXELS = 192


@dataclass(frozen=True)
class Optics:
    """Where the lens stands, what light it bends, and how massive it is taken to be.

    Attributes
    ----------
    lens_redshift, source_redshift : dimensionless.
    factor : by which all mass is multiplied, 1 for what it is.
    source : behind the lens.
    """

    lens_redshift: float = 0.5
    source_redshift: float = 2.0
    factor: float = 1.0
    source: Source = field(default_factory=Source)

    @property
    def critical(self) -> float:
        """The critical surface density in Msun/kpc^2, whatever the factor."""
        return critical_surface_density(self.lens_redshift, self.source_redshift)


@dataclass(frozen=True)
class Masses:
    """Lenses of a critical surface density of 1 Msun/kpc^2: what takes long, for any `Optics`.

    Attributes
    ----------
    truth : None where the galaxy has no map of its dark matter.
    predicted : one a sample; none where nothing was translated yet.
    added, lacking : domains that are in both with the dark matter, and that were asked for but
        which the galaxy has no map of.
    """

    truth: Lens | None
    predicted: tuple[Lens, ...]
    added: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bent:
    """One lens, and the image behind it.

    Attributes
    ----------
    lens : with the convergence.
    curves : its tangential critical curves, (n, 2) in kpc, the largest first.
    caustics : the same in the source plane.
    einstein_kpc : radius of the largest curve's area; 0 where there is none.
    strength : the largest kappa + |gamma|, which is above 1 where there is a critical curve.
    image : (k, k) surface brightness, 1 in the middle of the source.
    """

    lens: Lens
    curves: list[Array]
    caustics: list[Array]
    einstein_kpc: float
    strength: float
    image: Array

    @property
    def peak(self) -> float:
        """The largest convergence."""
        return float(self.lens.convergence.max())


@dataclass(frozen=True)
class Bending:
    """What the truth does to light, and what each of the predictions does."""

    optics: Optics
    truth: Bent | None
    predicted: tuple[Bent, ...]

    @property
    def einstein_kpc(self) -> Array:
        """Einstein radii of the predictions (M,), 0 of those that are too weak."""
        return np.array([bent.einstein_kpc for bent in self.predicted])

    @property
    def peaks(self) -> Array:
        """The largest convergences of the predictions (M,)."""
        return np.array([bent.peak for bent in self.predicted])

    @property
    def pixel_kpc(self) -> float:
        """Side of a pixel: what an Einstein radius has to reach to be resolved."""
        lens = (self.truth or self.predicted[0]).lens
        return lens.extent_kpc / len(lens.convergence)

    @property
    def factor_needed(self) -> int | None:
        """The least of `FACTORS` that gives the truth, or else the first prediction, a resolved
        Einstein radius.
        """
        own = (self.truth or self.predicted[0]).lens
        by_factor = ((f, own.times(f / self.optics.factor).einstein_radius()) for f in FACTORS)
        return next((factor for factor, radius in by_factor if radius > self.pixel_kpc), None)

    def mean(self, of: str) -> Array | None:
        """Return the mean over predictions of "convergence", "deflection" or "image", or None.

        Light and mass add up, so that means are of the values and not of their logarithms.
        """
        return None if not self.predicted else self._stack(of).mean(axis=0)

    def spread(self) -> Array | None:
        """Return the standard deviation of the images of at least two predictions, or None."""
        return None if len(self.predicted) < 2 else self._stack("image").std(axis=0, ddof=1)

    def _stack(self, of: str) -> Array:
        return np.stack([field_of(bent, of) for bent in self.predicted])


def field_of(bent: Bent, name: str) -> Array:
    """Return the map (N, N) of "convergence", "deflection" (its length in kpc) or "image"."""
    if name == "deflection":
        return np.hypot(*bent.lens.deflection)
    return bent.image if name == "image" else bent.lens.convergence


def masses_of(scene: Scene, predicted: NDArray[Any] | None, added: tuple[str, ...]) -> Masses:
    """Return the lenses that a scene's mass is.

    Parameters
    ----------
    predicted : (M, H, W) maps of dark matter in Msun/kpc^2.
    added : domains whose own maps are added to truth and predictions, as far as there are any.
    """
    there = tuple(name for name in added if name in scene.maps)
    rest = sum(np.asarray(scene.maps[name], np.float64) for name in there)
    dark = scene.maps.get(PREDICTED)
    samples = () if predicted is None else predicted
    return Masses(
        None if dark is None else Lens.of(dark + rest, scene.extent_kpc),
        tuple(Lens.of(one + rest, scene.extent_kpc) for one in samples),
        there, tuple(name for name in added if name not in there),
    )  # fmt: skip


def bend(masses: Masses, optics: Optics) -> Bending:
    """Return what masses do to the light of a source."""
    unit = optics.factor / optics.critical

    def through(lens: Lens) -> Bent:
        own = lens.times(unit)
        curves = own.critical_curves()
        finer = max(_MOST_PIXELS // len(own.convergence), 1)
        return Bent(
            own, curves, own.caustics(), effective_radius(curves),
            float((1.0 - own.tangential_eigenvalue).max()), own.image(optics.source, finer),
        )  # fmt: skip

    truth = None if masses.truth is None else through(masses.truth)
    return Bending(optics, truth, tuple(through(each) for each in masses.predicted))


def interval(values: Array) -> tuple[float, float, float]:
    """Return 16, 50 and 84 % of values (M,)."""
    low, middle, high = np.quantile(values, BAND)
    return float(low), float(middle), float(high)
