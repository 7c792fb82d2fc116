"""The structure of synthetic disks: arms, bubbles, warps, and what follows what."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from data import cosmology as cosmo
from data.arms import clump_field
from data.bubbles import BUBBLE_TEMPERATURE, Bubbles, blow, draw_bubbles
from data.disk import DiskStyle, draw_pattern, sample_disk
from data.synthetic import synthesize
from data.warp import Stir, Warp

RADII = np.geomspace(0.01, 100, 100)


def two_armed(pitch_deg, rng, mach=4.0):
    style = DiskStyle(mach, 0.25, 2, 1.6, pitch_deg, 0.07, 0.0, 0.0, spurs=2.2)
    return draw_pattern(style, 4.0, np.full(100, 200.0), RADII, rng)


def face_on(galaxy):
    """Return {name: (n, 3)} positions of gas, young and old stars, the disk's axis along z."""
    stars, gas = galaxy.particles["stars"], galaxy.particles["gas"]
    cold = gas["temperature"] < 5e4
    inner = np.linalg.norm(stars.coordinates, axis=1) < 15.0
    turn = np.linalg.svd(stars.coordinates[inner & (stars["age"] < 1.0)], full_matrices=False)[2]
    parts = {"gas": gas.coordinates[cold]}
    parts["young"] = stars.coordinates[stars["age"] < 1.0]
    parts["old"] = stars.coordinates[stars["age"] >= 1.0]
    return {name: xyz @ turn.T for name, xyz in parts.items()}


def azimuthal_contrast(xyz, low, high):
    """Return (8, 36) counts in rings and sectors over their ring's mean."""
    radius, angle = np.hypot(xyz[:, 0], xyz[:, 1]), np.arctan2(xyz[:, 1], xyz[:, 0])
    bins = [np.geomspace(low, high, 9), np.linspace(-np.pi, np.pi, 37)]
    count = np.histogram2d(radius, angle, bins)[0]
    return count / count.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("pitch_deg", [14.0, 20.0, 26.0])
def test_arms_trail_at_the_pitch_that_was_asked(pitch_deg, rng):
    """The m = 2 logarithmic spectrum of the gas, A(p) = sum exp -i(m phi + p ln R).

    It peaks at p = m / tan(pitch), positive for arms that trail counterclockwise rotation.
    """
    p = np.linspace(-20.0, 20.0, 201)
    found = []
    for _ in range(6):
        pattern = two_armed(pitch_deg, rng)
        xyz = sample_disk(4_000, 4.0, 0.05, rng, pattern=(pattern.radii, pattern.gas))
        radius, angle = np.hypot(xyz[:, 0], xyz[:, 1]), np.arctan2(xyz[:, 1], xyz[:, 0])
        seen = (radius > 3.0) & (radius < 10.0)
        phase = 2 * angle[seen] + p[:, None] * np.log(radius[seen])
        found.append(p[np.argmax(np.abs(np.exp(-1j * phase).sum(axis=1)))])
    assert min(found) > 0
    assert np.degrees(np.arctan(2.0 / np.median(found))) == pytest.approx(pitch_deg, abs=3.0)


def test_gas_arms_are_narrow_and_those_of_old_stars_broad(rng):
    """Old stars: arms about twice as dense as what lies between (Rix & Zaritsky 1995)."""
    gas, stars, widths = [], [], []
    for _ in range(10):
        pattern = two_armed(18.0, rng, mach=0.5)
        ring = (pattern.radii > 4.0) & (pattern.radii < 8.0)
        for found, field in ((gas, pattern.gas), (stars, pattern.stars)):
            found.append(np.median(np.ptp(np.log(field[ring]), axis=1)))
        half = [np.mean(f[ring] > 0.5 * (f[ring].max(1) + f[ring].min(1))[:, None])
                for f in (pattern.gas, pattern.stars)]  # fmt: skip
        widths.append(half)
    assert 1.4 < np.exp(np.median(stars)) < 2.6
    assert np.median(gas) > 2.0 * np.median(stars)
    narrow, broad = np.mean(widths, axis=0)
    assert narrow < 0.7 * broad


def test_spurs_lie_on_the_lee_side(rng):
    """What spurs add to the gas lies behind the shock, at larger azimuth than the arm's ridge."""
    styles = [DiskStyle(0.5, 0.0, 1, 1.6, 18.0, 0.07, 0.0, 0.0, spurs=s) for s in (0.0, 2.0)]
    seed = int(rng.integers(1000))
    plain, spurred = (
        draw_pattern(s, 4.0, np.full(100, 200.0), RADII, np.random.default_rng(seed)).gas
        for s in styles
    )
    row = int(np.searchsorted(np.geomspace(0.02, 8.0, len(plain)), 1.5))
    shifts = []
    for at in range(row - 15, row + 15):
        ridge = np.argmax(plain[at])
        extra = np.log(spurred[at] / plain[at])
        extra = np.roll(extra - extra.min(), len(extra) // 2 - ridge)
        shifts.append(np.average(np.arange(len(extra)) - len(extra) // 2, weights=extra))
    assert np.mean(shifts) > 0


@pytest.mark.parametrize("seed", [2, 3])
def test_young_stars_follow_the_gas_better_than_old_ones(seed):
    contrast = {
        name: azimuthal_contrast(xyz, 3.0, 9.0).ravel()
        for name, xyz in face_on(synthesize(seed, kind="spiral")).items()
    }
    young, old = (np.corrcoef(contrast["gas"], contrast[n])[0, 1] for n in ("young", "old"))
    assert young > 0.5
    assert young > old + 0.1
    assert np.std(contrast["gas"]) > 2 * np.std(contrast["old"])


def test_points_are_evener_than_random_ones(rng):
    xyz = sample_disk(20_000, 3.0, 0.1, rng)
    assert np.std(azimuthal_contrast(xyz, 2.0, 8.0)) < 0.5 * np.sqrt(8 * 36 / 12_000)


def test_the_layer_flares(rng):
    xyz = sample_disk(200_000, 3.0, 0.05, rng, flare=0.4)
    radius, height = np.hypot(xyz[:, 0], xyz[:, 1]), np.abs(xyz[:, 2])
    inner, outer = (
        np.median(height[np.abs(radius - r) < 0.3]) / np.exp(0.4 * r / 3.0) for r in (3.0, 12.0)
    )
    assert outer == pytest.approx(inner, rel=0.05)


def one_bubble(radius=0.8, center=(4.0, 0.0, 0.0)):
    return Bubbles(np.array([center]), np.array([radius]), np.zeros(1), np.zeros(1))


def test_a_bubble_sweeps_its_gas_into_a_rim_and_loses_none(rng, monkeypatch):
    monkeypatch.setattr("data.bubbles._DENTED", 0.0)
    box = rng.uniform([3.0, -1.0, -1.0], [5.0, 1.0, 1.0], (200_000, 3))
    swept, hot = blow(box, one_bubble(), rng)
    before, after = (np.linalg.norm(x - [4.0, 0.0, 0.0], axis=1) / 0.8 for x in (box, swept))
    np.testing.assert_array_equal(swept[before >= 1.0], box[before >= 1.0])
    assert np.sum(after < 1.0) == np.sum(before < 1.0)
    assert not hot[before >= 1.0].any()
    assert hot[after < 0.82].all()
    assert np.mean(hot[before < 1.0]) == pytest.approx(0.04, abs=0.005)
    # A uniform rim: 96 % of the sphere's mass in 1 - 0.82^3 of its volume.
    for low, high in ((0.82, 0.91), (0.91, 1.0)):
        rim = np.sum((after > low) & (after < high)) / (high**3 - low**3)
        assert rim / np.sum(before < 1.0) == pytest.approx(0.96 / (1 - 0.82**3), rel=0.03)


def test_bubble_sizes_follow_a_power_law(rng):
    """Slope -2.9 between the smallest and the largest (Bagetakos et al. 2011)."""
    gas = rng.normal(0, 20.0, (50_000, 3))
    radii = draw_bubbles(gas, 20_000.0, False, rng).radii
    assert 0.5 <= radii.min() < radii.max() <= 1.0
    # The share above r of a power law r^-2.9 cut at 0.5 and 1.
    expected = (0.7**-1.9 - 1.0) / (0.5**-1.9 - 1.0)
    assert np.mean(radii > 0.7) == pytest.approx(expected, abs=0.015)


def test_sheared_bubbles_lie_along_the_rotation(rng):
    bubbles = Bubbles(np.array([[0.0, 6.0, 0.0]]), np.ones(1), np.array([0.25]), np.zeros(1))
    box = rng.uniform([-2.0, 4.0, -2.0], [2.0, 8.0, 2.0], (100_000, 3))
    moved = np.any(blow(box, bubbles, rng)[0] != box, axis=1)
    spread = box[moved].std(axis=0)
    assert spread[0] > 1.3 * spread[1]


def test_bubbles_are_hot_and_thin_inside():
    gas = synthesize(24, kind="irregular").particles["gas"]
    forming = gas["star_formation_rate"] > 0
    disk = np.isclose(gas.masses, np.median(gas.masses[forming]))  # as particles of the disk have
    inside = disk & (gas["temperature"] > 3e5)
    assert 10 < inside.sum() < 0.1 * disk.sum()
    assert np.median(gas["temperature"][inside]) == pytest.approx(BUBBLE_TEMPERATURE, rel=0.1)
    _, nearest = cKDTree(gas.coordinates[disk & ~inside]).query(gas.coordinates[inside], 8)
    rims = np.median(gas["density"][disk & ~inside][nearest], axis=1)
    assert np.median(gas["density"][inside] / rims) < 0.2
    # n T of ionized gas, 2.24 particles a hydrogen atom: that of starbursts at most.
    per_cm3 = 2.24 * cosmo.HYDROGEN_FRACTION * cosmo.MSUN_KPC3_IN_PROTONS_CM3
    assert (per_cm3 * gas["density"] * gas["temperature"])[inside].max() < 3e5
    assert gas["neutral_fraction"][inside].max() < 1e-3
    assert not gas["star_formation_rate"][inside].any()


def normal_at(warp, radius):
    """Return the unit normal of a warped ring."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = warp.bend(radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1))
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), radius)
    normal = np.linalg.svd(ring)[2][2]
    return normal * np.sign(normal[2])


def test_warps_begin_at_r25_and_their_nodes_lead():
    """Briggs (1990): flat within R25, then tilted, nodes straight to R26.5 and leading beyond."""
    warp = Warp(2.0, np.radians(8.0), 0.7)
    np.testing.assert_allclose(normal_at(warp, 3.0 * 2.0), [0, 0, 1], atol=1e-12)
    assert np.degrees(np.arccos(normal_at(warp, 2 * 3.1 * 2.0)[2])) == pytest.approx(8.0)
    nodes = []
    for radius in (8.0, 9.0, 11.0, 14.0):
        x, y, _ = normal_at(warp, radius)
        nodes.append(np.arctan2(x, -y))  # of the axis z x normal, where the ring comes up
    assert nodes[0] == pytest.approx(0.7)
    assert nodes[1] == pytest.approx(0.7)
    assert 0.7 < nodes[2] < nodes[3]


def test_stirring_keeps_surface_density(rng):
    """A solenoidal displacement: no compression to first order in its gradient."""
    stir = Stir.draw(0.01, 5.0, rng)
    xyz = rng.uniform(-20, 20, (500, 3))
    step = 1e-4
    dx, dy = ((stir.move(xyz + step * np.eye(3)[axis]) - stir.move(xyz)) / step for axis in (0, 1))
    area = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
    np.testing.assert_allclose(area, 1.0, atol=0.01)
    assert np.abs(stir.move(xyz) - xyz).max() > 0.05


@pytest.mark.parametrize("count", [0, 1, 6])
def test_clumps_are_as_many_as_asked(rng, count):
    """Each has 2 pi sigma^2 times its height: on average 2 pi (0.0127) in scale lengths squared."""
    log_radius, angle = np.linspace(-2, 1.5, 300), np.linspace(0, 2 * np.pi, 600, endpoint=False)
    area = np.exp(2 * log_radius)[:, None] * (log_radius[1] - log_radius[0]) * angle[1]
    fields = [clump_field(log_radius, angle, count, rng) for _ in range(20)]
    clumps = np.mean([np.sum(field * area) for field in fields]) / (2 * np.pi * 0.0127)
    assert clumps == pytest.approx(count, rel=0.3)
    if count == 1:
        assert all(0.6 < field.max() <= 1.3 for field in fields)


def test_a_merger_keeps_its_nucleus():
    """Circular orbits in the softened potential: no ring opens where the center was."""
    stars = synthesize(15, kind="merger").particles["stars"].coordinates
    radius = np.linalg.norm(stars, axis=1)
    inner, ring = np.sum(radius < 1.0), np.sum((radius > 1.5) & (radius < 2.0))
    assert inner / 1.0 > 2 * ring / (2.0**3 - 1.5**3)
