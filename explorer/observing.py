"""The galaxy on view as SKA-Mid would see its HI, and what a translator makes of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray

from data import ska_mid
from data.imaging import Beam
from data.line21cm import column_density
from data.observation import Instrument, Observed, RadioObservation, nearest_mpc
from data.observed_store import OBSERVED_HI
from engine.checkpoint import sources_of
from engine.shelf import available
from explorer import library
from explorer.ensemble import mean_map, spread_dex
from explorer.library import Scene

Maps = NDArray[np.float32]

SEEN = "hi"
# What the shipped translator has seen in training, in about even steps of the logarithm.
DISTANCES = (30, 40, 50, 60, 80, 100, 120, 150, 200, 240, 300)
HOURS = (1, 2, 3, 5, 8, 10, 20, 30, 50, 100, 200, 300)
SERIES = (1, 10, 100)  # hours
SAMPLES = 8
DETECTED_SIGMA = 3.0


@dataclass(frozen=True)
class Setting:
    """What SKA-Mid is asked to do.

    Attributes
    ----------
    distance_mpc : at which the galaxy is to be put; farther, where it is too large for the dishes.
    hours : on the source.
    seed : of the noise.
    """

    distance_mpc: float = 60.0
    hours: float = 10.0
    seed: int = 0

    def placed(self, extent_kpc: float) -> float:
        """Return the distance in Mpc at which a galaxy of so large a map is put."""
        return max(self.distance_mpc, nearest_mpc(extent_kpc))


@dataclass(frozen=True)
class Seen:
    """What came of an observation, in short.

    Attributes
    ----------
    surface_density : (H, W) Msun/kpc^2, noise below zero too.
    beam : of the restored map. kpc_per_arcsec : at the galaxy's distance.
    noise_surface_density : standard deviation of the noise in a beam, Msun/kpc^2.
    observation : what was asked for.
    """

    surface_density: Maps
    beam: Beam
    kpc_per_arcsec: float
    noise_surface_density: float
    observation: RadioObservation

    @classmethod
    def of(cls, observed: Observed) -> Seen:
        """Return what is shown of an observation, without its images."""
        asked = observed.observation
        return cls(
            observed.surface_density, observed.beam, 1.0 / asked.arcsec_per_kpc(),
            observed.noise_surface_density, asked,
        )  # fmt: skip

    @property
    def noise_column(self) -> float:
        """The noise in 10^19 hydrogen atoms per cm^2."""
        return float(column_density(np.asarray(self.noise_surface_density))) / 1e19

    @property
    def beam_kpc(self) -> tuple[float, float]:
        """Full widths of the beam at half maximum, major and minor."""
        scale = self.kpc_per_arcsec
        return self.beam.major_arcsec * scale, self.beam.minor_arcsec * scale

    def fits(self, setting: Setting, extent_kpc: float) -> bool:
        """Return whether it is what a setting asks for of a map of so many kpc."""
        asked = self.observation
        return (asked.distance_mpc, asked.hours, asked.seed) == (
            setting.placed(extent_kpc), setting.hours, setting.seed)  # fmt: skip

    def contours(self, extent_kpc: float) -> list[NDArray[np.float64]]:
        """Return lines (n, 2) in kpc around what is `DETECTED_SIGMA` times the noise."""
        height, width = self.surface_density.shape
        x, y = ((np.arange(n) + 0.5) * extent_kpc / n - 0.5 * extent_kpc for n in (width, height))
        level = DETECTED_SIGMA * self.noise_surface_density
        return [
            np.asarray(line) for line in contour_generator(x, y, self.surface_density).lines(level)
        ]


@dataclass(frozen=True)
class Sight:
    """A galaxy's HI as it was seen, and samples of what lies behind.

    Attributes
    ----------
    scene, target : of which; `target` is a domain.
    seen : the observation.
    samples : (M, H, W) in the target's unit; None while they are not there.
    seconds : that all of it took.
    """

    scene: Scene
    target: str
    seen: Seen
    samples: Maps | None = None
    seconds: float = 0.0

    @property
    def truth(self) -> Maps | None:
        """The target's own map (H, W), None where the galaxy has none."""
        return self.scene.maps.get(self.target)

    @cached_property
    def mean(self) -> NDArray[np.float64] | None:
        """Mean of the samples (H, W) in log10(value + floor), in the target's unit."""
        return None if self.samples is None else mean_map(self.samples, self.target)

    @cached_property
    def spread(self) -> NDArray[np.float64] | None:
        """Standard deviation of the samples (H, W) in dex."""
        return None if self.samples is None else spread_dex(self.samples, self.target)

    @property
    def median_spread(self) -> float:
        """Median of the spread over all pixels; NaN without samples."""
        return float("nan") if self.spread is None else float(np.median(self.spread))


@dataclass(frozen=True)
class Point:
    """One observation in the chart of spread and noise.

    Attributes
    ----------
    noise_column : 10^19 cm^-2. spread_dex : median over pixels.
    distance_mpc, hours : at which the galaxy was, and for how long it was observed.
    """

    noise_column: float
    spread_dex: float
    distance_mpc: float
    hours: float

    @classmethod
    def of(cls, sight: Sight) -> Point:
        """Return the point of a sight with samples."""
        asked = sight.seen.observation
        return cls(
            sight.seen.noise_column,
            sight.median_spread,
            float(asked.distance_mpc or 0),
            asked.hours,
        )


@lru_cache(maxsize=2)
def instrument(distance_mpc: float, hours: float, map_size: int, extent_kpc: float) -> Instrument:
    """Return SKA-Mid, ready for maps of a size: about half of the time an observation takes."""
    asked = RadioObservation(distance_mpc=distance_mpc, hours=hours)
    return Instrument(asked, map_size, extent_kpc)


def observe(scene: Scene, setting: Setting, check: Callable[[], None] = lambda: None) -> Seen:
    """Return what SKA-Mid sees of a galaxy's HI; `check` may end it halfway by what it raises.

    Raises
    ------
    ValueError : in one sentence, where there is no map of HI, or ducc0 is not installed.
    """
    values = scene.maps.get(SEEN)
    if values is None:
        raise ValueError(scene.missing.get(SEEN, "the galaxy has no map of its HI"))
    distance = setting.placed(scene.extent_kpc)
    array = instrument(distance, setting.hours, len(values), scene.extent_kpc)
    check()
    asked = replace(array.observation, seed=setting.seed)
    return Seen.of(replace(array.observe(values, seed=asked.seed), observation=asked))


def translator_to(target: str) -> str | None:
    """Return the name of the first translator from observed HI to `target`; None without one."""
    for name, card in available(observed=True).items():
        if OBSERVED_HI in sources_of(card) and target in card["domains"]:
            return name
    return None


def translate(
    seen: Seen, target: str, *, seed: int = 0, num_samples: int = SAMPLES,
    num_steps: int | None = None, on_step: Callable[[int, int], None] = lambda step, number: None,
) -> Maps:  # fmt: skip
    """Return samples (num_samples, H, W) of `target`, given what was seen.

    `on_step` is called with each step and their number; what it raises ends it.

    Raises
    ------
    ValueError : in one sentence, where no translator starts from observed HI.
    """
    name = translator_to(target)
    if name is None:
        raise ValueError("no translator from observed HI was found, so that there is no prediction")
    steps = library.load_translator(name).trajectory(
        np.maximum(seen.surface_density, 0.0), OBSERVED_HI, target,
        num_samples=num_samples, num_steps=num_steps, seed=seed,
    )  # fmt: skip
    for step in steps:
        samples = step.estimate
        on_step(step.index, step.num_steps)
    return samples


def num_dishes() -> int:
    """Return the number of dishes."""
    return len(ska_mid.dish_positions())
