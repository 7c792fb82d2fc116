"""From a galaxy and a rotation to one map a domain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.domains import DOMAINS, OBSERVED, get_domain
from data.galaxy import Galaxy
from data.hydrogen import DEFAULT_MOLECULAR_MODEL, hydrogen_masses
from data.line21cm import brightness_temperature_mk
from data.projection import project
from data.smoothing import gas_smoothing_lengths, neighbor_smoothing_lengths

FIELD_OF_VIEW_FACTOR = 2.0
# What a mean along the line of sight is weighted by.
WEIGHTINGS = ("mass", "volume")
_MEANS = ("temperature", "magnetic_field")


class MissingDomainError(ValueError):
    """A galaxy lacks what a domain is made from."""


def field_of_view(galaxy: Galaxy, factor: float = FIELD_OF_VIEW_FACTOR) -> float:
    """Return the side of the map in kpc: `factor` baryonic half-mass radii."""
    return factor * galaxy.baryonic_half_mass_radius()


def missing_reason(galaxy: Galaxy, domain: str) -> str | None:
    """Say in one sentence why `galaxy` has no map of `domain`; None where it has one."""
    d = get_domain(domain)
    if domain in OBSERVED:
        return f"{domain} is a map as an instrument sees it, which data.observation makes of others"
    if not len(galaxy.particles.get(d.particles, ())):
        return f"{galaxy.name} has no {d.particles.replace('_', ' ')} particles to make {d.name} of"
    particles = galaxy.particles[d.particles]
    lacking = [f for f in d.fields if f not in particles]
    if lacking:
        return f"{galaxy.name} lacks the gas field {', '.join(lacking)} that {d.name} is made of"
    return None


def available_domains(galaxy: Galaxy) -> tuple[str, ...]:
    """Return the names of the domains that `galaxy` has a map of, in the table's order."""
    return tuple(name for name in DOMAINS if missing_reason(galaxy, name) is None)


def prepare(galaxy: Galaxy, *, molecular_model: str | None = None) -> Galaxy:
    """Add what is the same under every rotation: smoothing lengths and HI masses.

    `render` does this itself; do it once where one galaxy is rendered many times.

    Parameters
    ----------
    galaxy : particles in physical units.
    molecular_model : name in `data.molecules.MOLECULAR_MODELS` of what takes H2 off the neutral
        hydrogen. None keeps HI masses that are there, and is "krumholz2009" where there are none.
    """
    for name, particles in galaxy.particles.items():
        if "smoothing_lengths" in particles or not len(particles):
            continue
        if name == "gas" and "density" in particles:
            lengths = gas_smoothing_lengths(particles.masses, particles["density"])
        else:
            lengths = neighbor_smoothing_lengths(particles.coordinates)
        galaxy = galaxy.with_field(name, "smoothing_lengths", lengths)
    if missing_reason(galaxy, "hi") is not None:
        return galaxy
    if molecular_model is not None or "hi_masses" not in galaxy.particles["gas"]:
        model = molecular_model or DEFAULT_MOLECULAR_MODEL
        masses = hydrogen_masses(galaxy, molecular_model=model)["hi"]
        galaxy = galaxy.with_field("gas", "hi_masses", masses)
    return galaxy


def render(
    galaxy: Galaxy,
    domains: Iterable[str],
    *,
    rotation: NDArray[Any] | None = None,
    grid_size: int = 128,
    extent_kpc: float | None = None,
    weighting: str = "mass",
) -> dict[str, NDArray[np.float32]]:
    """Render maps of a galaxy.

    Parameters
    ----------
    galaxy : particles in physical units.
    domains : names in `data.domains.DOMAINS`.
    rotation : (3, 3) rotation applied to the coordinates; the line of sight is then the last axis.
        None looks down the z axis as it is.
    grid_size : pixels a side.
    extent_kpc : side of the map; two baryonic half-mass radii where None.
    weighting : "mass", or "volume" (mass over density), by which temperature and magnetic field
        strength are averaged. Mass tells of the disk, volume of the halo in front and behind.

    Returns
    -------
    {name: (grid_size, grid_size) float32}, row = y upwards, in the domain's unit. Temperature and
    magnetic field strength are weighted means along the line of sight, zero where a pixel holds no
    gas.

    Raises
    ------
    MissingDomainError : where the galaxy lacks the particles or fields of a domain, or the density
        that a mean by volume needs.
    ValueError : on an unknown domain or weighting, a matrix that is no rotation, or an extent not
        above zero.
    """
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    names = [domains] if isinstance(domains, str) else list(domains)
    for name in names:
        if (reason := missing_reason(galaxy, name)) is not None:
            raise MissingDomainError(reason)
    matrix = _checked_rotation(rotation)
    extent = field_of_view(galaxy) if extent_kpc is None else extent_kpc
    galaxy = prepare(galaxy)
    maps: dict[str, NDArray[Any]] = {}
    for particle_type in {get_domain(name).particles for name in names}:
        wanted = [n for n in names if get_domain(n).particles == particle_type]
        particles = galaxy.particles[particle_type]
        channels = _channels(galaxy, wanted, weighting)
        deposited = project(
            particles.coordinates @ matrix.T,
            np.stack(list(channels.values())),
            particles["smoothing_lengths"],
            extent_kpc=extent,
            grid_size=grid_size,
        )
        sums = dict(zip(channels, deposited, strict=True))
        maps.update({name: _finish(name, sums, galaxy.redshift, weighting) for name in wanted})
    return {name: maps[name].astype(np.float32) for name in names}


def _checked_rotation(rotation: NDArray[Any] | None) -> NDArray[np.float64]:
    if rotation is None:
        return np.eye(3)
    matrix = np.asarray(rotation, np.float64)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6):
        raise ValueError(f"rotation must be an orthogonal (3, 3) matrix, got {matrix.tolist()}")
    return matrix


def _channels(galaxy: Galaxy, names: list[str], weighting: str) -> dict[str, NDArray[np.float64]]:
    """Return the weights to deposit for the domains `names` of one particle type, each once."""
    particles = galaxy.particles[get_domain(names[0]).particles]
    channels = {"mass": particles.masses}
    if set(_MEANS) & set(names) and weighting == "volume":
        if "density" not in particles:
            raise MissingDomainError(f"{galaxy.name} lacks the density that volumes are made of")
        channels["volume"] = particles.masses / particles["density"]
    if "temperature" in names:
        channels["temperature"] = channels[weighting] * particles["temperature"]
    if "magnetic_field" in names:
        strength = np.linalg.norm(particles["magnetic_field"], axis=1)
        channels["magnetic_field"] = channels[weighting] * strength * 1e6
    if {"hi", "brightness_temperature"} & set(names):
        channels["hi"] = particles["hi_masses"]
    if "brightness_temperature" in names:
        channels["hi*temperature"] = particles["hi_masses"] * particles["temperature"]
    return channels


def _mean(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[Any]:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _finish(
    name: str, sums: dict[str, NDArray[Any]], redshift: float, weighting: str
) -> NDArray[Any]:
    """Turn deposited sums into the map of one domain."""
    if name in _MEANS:
        return _mean(sums[name], sums[weighting])
    if name == "hi":
        return sums["hi"]
    if name == "brightness_temperature":
        spin_temperature = _mean(sums["hi*temperature"], sums["hi"])
        return brightness_temperature_mk(
            sums["hi"],
            redshift,
            spin_temperature_k=np.where(spin_temperature > 0, spin_temperature, 1e4),
        )
    return sums["mass"]
