"""A population of synthetic galaxies against the relations that its docs name."""

from collections import defaultdict

import numpy as np
import pytest

from data import cosmology as cosmo
from data.halo import NFW, directions
from data.population import fitted_concentration, take_census
from data.synthetic import KINDS, synthesize

PER_KIND = 12


@pytest.fixture(scope="module")
def population():
    """{kind: [(galaxy, census), ...]}, with fewer particles than usual."""
    found = defaultdict(list)
    for first, kind in enumerate(KINDS, start=7):
        for seed in range(100 * first, 100 * first + PER_KIND):
            galaxy = synthesize(
                seed, kind=kind, num_gas=6_000, num_dark_matter=8_000, num_stars=4_000
            )
            found[kind].append((galaxy, take_census(galaxy)))
    return found


def residuals(population, kinds, residual):
    return np.array([residual(census) for kind in kinds for _, census in population[kind]])


SINGLE = tuple(kind for kind in KINDS if kind != "merger")


def test_stellar_to_halo_mass(population):
    """Moster et al. (2013) with 0.15 dex of scatter; satellites add up to a tenth of a dex."""
    r = residuals(population, SINGLE, lambda c: np.log10(
        c.stellar_mass / cosmo.stellar_mass(c.halo_mass, 0.0)))  # fmt: skip
    assert -0.03 < np.median(r) < 0.12
    assert 0.10 < r.std() < 0.20


def test_mass_concentration(population):
    """Dutton & Maccio (2014) with 0.11 dex; subhalos and triaxiality may lower it a little."""
    r = residuals(population, SINGLE, lambda c: np.log10(
        c.concentration / cosmo.concentration(c.halo_mass, 0.0)))  # fmt: skip
    assert -0.12 < np.median(r) < 0.04
    assert 0.08 < r.std() < 0.17


def test_size_mass(population):
    """Kravtsov (2013): the half-mass radius is 0.015 R200 with about 0.15 to 0.2 dex."""
    r = residuals(population, SINGLE, lambda c: np.log10(
        c.half_mass_radius / (0.015 * c.virial_radius)))  # fmt: skip
    assert abs(np.median(r)) < 0.1
    assert 0.08 < r.std() < 0.25


def test_hydrogen_of_star_forming_galaxies(population):
    """Papastergis et al. (2012) with 0.2 dex; the kinds are gas-rich by up to 0.3 dex."""
    r = residuals(population, ("spiral", "irregular", "turbulent"), lambda c: np.log10(
        1.33 * c.hi_mass / cosmo.cold_gas_mass(c.stellar_mass)))  # fmt: skip
    assert -0.05 < np.median(r) < 0.3
    assert r.std() < 0.3


def test_massive_halos_are_quenched_and_hot(population):
    for galaxy, census in population["massive_halo"]:
        assert census.star_formation_rate / census.stellar_mass < 1e-11  # per year
        gas = galaxy.particles["gas"]
        assert np.average(gas["temperature"] > 1e5, weights=gas.masses) > 0.7


def test_no_halo_holds_more_than_its_share_of_baryons(population):
    share = residuals(population, KINDS, lambda c: c.baryon_share)
    assert 0.3 < share.min() < share.max() < 1.0


@pytest.mark.parametrize(("low", "high", "slope"), [(0.0, 3e4, 0.5), (1e5, 1e9, 0.63)])
def test_field_rises_with_density(population, low, high, slope):
    """B^2 ~ P: about n^0.5 where the gas is isothermal, towards n^(2/3) in the hot halo."""
    slopes = []
    for galaxy, _ in population["spiral"]:
        gas = galaxy.particles["gas"]
        phase = (gas["temperature"] > low) & (gas["temperature"] < high)
        strength = np.linalg.norm(gas["magnetic_field"], axis=1)[phase]
        slopes.append(np.polyfit(np.log10(gas["density"][phase]), np.log10(strength), 1)[0])
    assert np.median(slopes) == pytest.approx(slope, abs=0.08)


def test_relations_move_with_redshift():
    """At z = 1 the same halo is smaller, less concentrated, and its galaxy smaller."""
    found = [
        [
            take_census(synthesize(seed, kind="spiral", halo_mass=1e12, redshift=z))
            for z in (0.0, 1.0)
        ]
        for seed in range(5, 10)
    ]
    ratio = cosmo.virial_radius(1e12, 1.0) / cosmo.virial_radius(1e12, 0.0)
    smaller = [then.half_mass_radius / now.half_mass_radius for now, then in found]
    looser = [then.concentration / now.concentration for now, then in found]
    assert found[0][1].virial_radius / found[0][0].virial_radius == pytest.approx(ratio)
    assert np.median(smaller) == pytest.approx(ratio, rel=0.25)
    expected = cosmo.concentration(1e12, 1.0) / cosmo.concentration(1e12, 0.0)
    assert np.median(looser) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("concentration", [4.0, 9.0, 20.0])
def test_concentration_of_a_pure_halo_comes_back(rng, concentration):
    halo = NFW(1e12, 210.0, concentration)
    xyz = directions(100_000, rng) * halo.sample_radii(100_000, rng)[:, None]
    assert fitted_concentration(xyz, 210.0) == pytest.approx(concentration, rel=0.03)


def test_a_census_needs_every_part():
    galaxy = synthesize(1)
    del galaxy.particles["stars"]
    with pytest.raises(ValueError, match="lacks stars"):
        take_census(galaxy)
