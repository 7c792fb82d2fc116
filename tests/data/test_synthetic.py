import numpy as np
import pytest

from data import cosmology as cosmo
from data.circumgalactic import hydrostatic_temperature
from data.disk import DiskStyle, draw_pattern, sample_disk
from data.halo import NFW, draw_shape, random_rotation
from data.maps import render
from data.synthetic import KINDS, synthesize
from data.tides import Encounter, evolve


@pytest.fixture(scope="module", params=KINDS)
def galaxy(request):
    return synthesize(7, kind=request.param)


def test_same_seed_same_particles():
    one, two = synthesize(3), synthesize(3)
    for name, particles in one.particles.items():
        np.testing.assert_array_equal(particles.coordinates, two.particles[name].coordinates)
        for field in particles.fields:
            np.testing.assert_array_equal(particles[field], two.particles[name][field])
    assert not np.array_equal(
        one.particles["gas"].coordinates, synthesize(4).particles["gas"].coordinates
    )


def test_every_particle_is_physical(galaxy):
    assert len(galaxy.particles["gas"]) >= 10_000
    for particles in galaxy.particles.values():
        assert np.isfinite(particles.coordinates).all()
        assert (particles.masses > 0).all()
        for values in particles.fields.values():
            assert np.isfinite(values).all()
    gas = galaxy.particles["gas"]
    assert (gas["density"] > 0).all()
    assert 3e3 < gas["temperature"].min() < 2e4 < gas["temperature"].max() < 1e8
    assert 0 <= gas["electron_abundance"].min() <= gas["electron_abundance"].max() < 1.2


def test_masses_follow_the_relations(galaxy):
    halo, stars = galaxy.properties["halo_mass"], galaxy.properties["stellar_mass"]
    dark = galaxy.particles["dark_matter"].masses.sum()
    assert dark == pytest.approx(halo * (1 - cosmo.BARYON_FRACTION), rel=1e-6)
    baryons = galaxy.particles["gas"].masses.sum() + stars
    assert 0.3 < baryons / (cosmo.BARYON_FRACTION * halo) < 1.0
    assert abs(np.log10(stars / cosmo.stellar_mass(halo, 0.0))) < 0.9


def test_phases_are_coupled():
    gas = synthesize(11, kind="spiral").particles["gas"]
    strength = np.linalg.norm(gas["magnetic_field"], axis=1)
    log = np.log10(np.stack([gas["density"], gas["temperature"], strength]))
    correlation = np.corrcoef(log)
    assert correlation[0, 1] < -0.5  # dense gas is cold
    assert correlation[0, 2] > 0.5  # and magnetized
    assert 0.1 < np.median(strength[gas["temperature"] < 2e4]) * 1e6 < 30.0


def test_a_merger_has_two_nuclei():
    galaxy = synthesize(5, kind="merger")
    maps = render(galaxy, ["stars"], grid_size=64, extent_kpc=200.0)["stars"]
    assert maps.max() > 100 * np.median(maps)
    assert galaxy.properties["halo_mass"] > 10**11.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seed": -1}, "seed must be"),
        ({"seed": 1, "kind": "ring"}, "kind must be one of spiral"),
        ({"seed": 1, "redshift": -0.1}, "redshift must lie"),
        ({"seed": 1, "halo_mass": 1e15}, "halo_mass must lie"),
        ({"seed": 1, "num_gas": 10}, "at least 1,000"),
    ],
)
def test_bad_arguments_are_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        synthesize(**arguments)


def test_nfw_samples_follow_the_mass_profile(rng):
    halo = NFW.from_mass(1e12, 0.0)
    assert halo.radius == pytest.approx(211, rel=0.02)  # R200c of 1e12 Msun, Planck
    assert halo.enclosed_mass(halo.radius) == pytest.approx(1e12)
    radii = halo.sample_radii(200_000, rng)
    for r in (5.0, 20.0, 100.0):
        assert np.mean(radii < r) == pytest.approx(halo.enclosed_mass(r) / 1e12, rel=0.06)


def test_shape_keeps_the_volume(rng):
    assert np.linalg.det(draw_shape(1e12, rng)) == pytest.approx(1.0)
    turn = random_rotation(rng)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


def test_concentration_and_stellar_mass_at_their_papers_numbers():
    assert cosmo.concentration(1e12 / cosmo.HUBBLE, 0.0) == pytest.approx(10**0.905)
    # Moster et al. (2013): at M1 the ratio m/M is N.
    m1 = 10**11.590
    assert cosmo.stellar_mass(m1, 0.0) / m1 == pytest.approx(0.0351)


def test_hot_gas_is_in_balance():
    halo = NFW.from_mass(1e12, 0.0)
    r = np.geomspace(10, 150, 400)
    temperature = hydrostatic_temperature(r, halo, 0.0, 1.0)
    rho = (1 + (r / (0.1 * halo.radius)) ** 2) ** (-1.5 * 0.55)
    pressure = rho * temperature / (0.59 * cosmo.PROTON_MASS_OVER_BOLTZMANN)
    pull = rho * cosmo.GRAVITY * halo.enclosed_mass(r) / r**2
    np.testing.assert_allclose(-np.gradient(pressure, r)[5:-5], pull[5:-5], rtol=0.02)
    assert 2e5 < temperature[0] < 3e6


def test_disk_is_exponential_and_arms_trail(rng):
    xyz = sample_disk(200_000, 3.0, 0.1, rng)
    radius = np.linalg.norm(xyz[:, :2], axis=1)
    assert np.mean(radius) == pytest.approx(6.0, rel=0.02)  # <R> = 2 scale lengths
    style = DiskStyle(4.0, 0.3, 0, 0.0, 15.0, 0.1, 0.0, 0.0)
    radii = np.geomspace(0.01, 100, 100)
    pattern = draw_pattern(style, 3.0, np.full(100, 200.0), radii, rng)
    np.testing.assert_allclose(pattern.gas.mean(axis=1), 1.0)
    log = np.log(pattern.gas[40:100])
    ahead = [np.mean(log[1:] * np.roll(log[:-1], shift, axis=1)) for shift in range(-12, 13)]
    assert np.argmax(ahead) < 12  # the pattern falls behind with radius


def test_a_test_particle_on_a_circular_orbit_stays(rng):
    halo, ghost = NFW.from_mass(1e12, 0.0), NFW(1.0, 1.0, 5.0)
    soft = 0.02 * halo.radius
    r = 30.0
    speed = r * np.sqrt(
        cosmo.GRAVITY * halo.enclosed_mass(np.hypot(r, soft)) / np.hypot(r, soft) ** 3
    )
    encounter = Encounter(halo, ghost, np.array([1e5, 0, 0]), np.zeros(3), 1.0)
    x, _, _ = evolve(encounter, np.array([[r, 0, 0.0]]), np.array([[0, speed, 0.0]]), 400)
    assert np.linalg.norm(x[0]) == pytest.approx(r, rel=2e-3)
