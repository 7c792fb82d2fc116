import numpy as np
import pytest
from scipy.spatial import cKDTree

from data import cosmology as cosmo
from data.disk import DiskStyle, draw_pattern, sample_disk
from data.halo import (
    NFW,
    directions,
    draw_filaments,
    draw_shape,
    gather_to_filaments,
    random_rotation,
)
from data.synthetic import KINDS, synthesize
from data.tides import Encounter, disrupt, evolve


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
    dark = galaxy.particles["dark_matter"]
    within = np.linalg.norm(dark.coordinates, axis=1) < cosmo.virial_radius(halo, 0.0)
    if galaxy.kind != "merger":  # whose second halo lies off the center
        expected = halo * (1 - cosmo.BARYON_FRACTION)
        assert dark.masses[within].sum() == pytest.approx(expected, rel=0.05)
    baryons = galaxy.particles["gas"].masses.sum() + stars
    assert 0.3 < baryons / (cosmo.BARYON_FRACTION * halo) < 1.0
    assert abs(np.log10(stars / cosmo.stellar_mass(halo, 0.0))) < 0.9


def test_cold_gas_comes_in_particles_of_an_eighth(galaxy):
    gas = galaxy.particles["gas"]
    light, heavy = np.unique(gas.masses)
    assert light == pytest.approx(heavy / 8)
    forming = gas["star_formation_rate"] > 0
    assert (gas.masses[forming] == light).all()
    radius = np.linalg.norm(gas.coordinates, axis=1)
    halo = radius > 0.3 * cosmo.virial_radius(galaxy.properties["halo_mass"], 0.0)
    assert np.mean(gas.masses[halo & (gas["temperature"] > 1.1e5)] == heavy) > 0.9
    cold = gas.coordinates[gas.masses == light]
    assert len(np.unique(cold, axis=0)) == len(cold)  # the disk had enough to draw from


def test_no_star_is_older_than_the_universe():
    for redshift in (0.0, 1.5):
        age = synthesize(4, redshift=redshift).particles["stars"]["age"]
        now = cosmo.cosmic_time_gyr(1.0 / (1.0 + redshift))
        assert 0.8 * now < age.max() < now
        assert age.min() >= 0.0


def test_phases_are_coupled():
    galaxy = synthesize(11, kind="spiral")
    gas = galaxy.particles["gas"]
    strength = np.linalg.norm(gas["magnetic_field"], axis=1)
    log = np.log10(np.stack([gas["density"], gas["temperature"], strength]))
    # Gas that has not yet come through the accretion shock is cold and thin.
    radius = cosmo.virial_radius(galaxy.properties["halo_mass"], 0.0)
    within = np.linalg.norm(gas.coordinates, axis=1) < radius
    correlation = np.corrcoef(log[:, within])
    assert correlation[0, 1] < -0.5  # dense gas is cold
    assert correlation[0, 2] > 0.5  # and magnetized
    assert 0.1 < np.median(strength[within & (gas["temperature"] < 2e4)]) * 1e6 < 30.0


@pytest.mark.parametrize("seed", [5, 6])
def test_a_merger_has_two_nuclei(seed):
    """Stars within a kpc of the densest place, and of the densest one 10 kpc or more from it."""
    stars = synthesize(seed, kind="merger").particles["stars"].coordinates
    tree = cKDTree(stars)
    near = tree.query_ball_point(stars, 1.0, return_length=True)
    first = stars[near.argmax()]
    far = np.linalg.norm(stars - first, axis=1) > 10.0
    second = stars[far][near[far].argmax()]
    assert near[far].max() > 0.3 * near.max()  # a spiral's largest satellite has 0.08
    assert len(tree.query_ball_point(0.5 * (first + second), 1.0)) < 0.1 * near[far].max()


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


def test_halos_go_on_smoothly_past_their_radius(rng):
    halo = NFW.from_mass(1e12, 0.0)
    assert halo.extended_mass(halo.radius) == pytest.approx(1e12)
    x = np.geomspace(0.5, 1.8, 24)
    log = np.log(np.diff(halo.extended_mass(x * halo.radius)) / np.diff(x**3))
    slope = np.diff(log) / np.log(x[1] / x[0])
    assert np.all(slope < -2.0)
    assert np.all(slope > -6.0)
    assert np.abs(np.diff(slope)).max() < 0.5  # an edge is a jump without bound
    radii = halo.sample_extended_radii(100_000, rng)
    assert np.mean(radii < halo.radius) == pytest.approx(1e12 / halo.extended_mass(1e9), rel=0.01)
    assert radii.max() < 3 * halo.radius


@pytest.mark.parametrize("particle_type", ["gas", "dark_matter"])
def test_no_edge_at_the_virial_radius(particle_type):
    galaxy = synthesize(8, kind="massive_halo")
    edge = cosmo.virial_radius(galaxy.properties["halo_mass"], 0.0)
    part = galaxy.particles[particle_type]
    x = np.linalg.norm(part.coordinates, axis=1) / edge
    bins = np.geomspace(0.6, 1.8, 8)
    mass, _ = np.histogram(x, bins, weights=part.masses)
    log = np.log10(mass / np.diff(bins**3))
    steps = np.diff(log)
    assert np.all(steps < 0)
    assert np.all(steps > -0.5)
    assert np.abs(np.diff(steps)).max() < 0.2


def test_filaments_gather_what_lies_outside(rng):
    filaments = draw_filaments(3, np.diag([1.3, 1.0, 0.77]), rng)
    np.testing.assert_allclose(np.linalg.norm(filaments, axis=1), 1.0)
    assert filaments[0] @ filaments[1] < -0.5  # along the long axis, to both sides
    xyz = directions(20_000, rng) * rng.uniform(0.2, 2.8, (20_000, 1)) * 200.0
    moved = gather_to_filaments(xyz, 200.0, filaments, rng)
    radius = np.linalg.norm(xyz, axis=1)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), radius)
    np.testing.assert_array_equal(moved[radius < 200.0], xyz[radius < 200.0])
    near = np.max(moved @ filaments.T, axis=1) / radius > np.cos(np.radians(20))
    assert np.mean(near[radius > 400.0]) > 3 * np.mean(near[radius < 200.0])


def test_tides_draw_streams_along_the_orbit(rng):
    host = NFW.from_mass(1e12, 0.0)
    center, velocity = np.array([40.0, 0.0, 0.0]), np.array([0.0, 150.0, 0.0])
    point = disrupt(host, center, velocity, 1e-9, 5, rng)
    np.testing.assert_allclose(point, np.tile(center, (5, 1)), atol=1e-5)
    stream = disrupt(host, center, velocity, 1.0, 500, rng)
    spread = np.sort(np.linalg.eigvalsh(np.cov((stream - center).T)))
    assert abs(np.median(stream[:, 2])) < 3.0  # it keeps to the orbit's plane
    assert spread[0] < 0.02 * spread[2]


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
