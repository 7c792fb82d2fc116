import numpy as np
import pytest

from data import ska_mid
from data.interferometer import (
    Track,
    baselines,
    cover,
    elevation_deg,
    hour_angles_deg,
    visibility_noise,
)

POSITIONS = ska_mid.dish_positions()


def test_the_first_dishes_are_meerkats():
    """MeerKAT's baselines are published: 29 m to 7.7 km."""
    core = POSITIONS[: ska_mid.NUM_MEERKAT]
    lengths = np.linalg.norm(core[:, None] - core, axis=-1)[np.triu_indices(len(core), 1)]
    assert len(POSITIONS) == 197
    assert lengths.min() == pytest.approx(29, abs=0.5)
    assert lengths.max() == pytest.approx(7700, abs=10)
    longest = np.linalg.norm(POSITIONS[:, None] - POSITIONS, axis=-1).max()
    assert 1.4e5 < longest < 1.7e5


def test_flux_densities_are_those_of_the_dishes():
    """MeerKAT's L band has some 400 to 450 Jy; SKA's larger, colder dishes have less."""
    densities = ska_mid.system_equivalent_flux_densities(1.42)
    assert 400 < densities[0] < 450
    assert densities[-1] < 300
    assert ska_mid.system_equivalent_flux_densities(0.7)[-1] > densities[-1]
    with pytest.raises(ValueError, match="frequency_ghz must be from"):
        ska_mid.system_temperature(0.2)


def test_a_source_at_the_zenith_sees_the_array_from_above():
    [seen] = baselines(POSITIONS[:20], np.zeros(1), ska_mid.LATITUDE_DEG, ska_mid.LATITUDE_DEG)
    first, second = np.triu_indices(20, 1)
    np.testing.assert_allclose(seen, POSITIONS[second] - POSITIONS[first], atol=1e-9)


def test_the_earth_turns_baselines_about_the_pole():
    angles = np.array([-40.0, 0.0, 25.0])
    at_pole = baselines(POSITIONS[:30], angles, -90.0, ska_mid.LATITUDE_DEG)
    radius = np.hypot(at_pole[..., 0], at_pole[..., 1])
    np.testing.assert_allclose(radius, radius[:1].repeat(3, 0), rtol=1e-12)
    turn = at_pole[..., 0] + 1j * at_pole[..., 1]
    np.testing.assert_allclose(np.abs(np.angle(turn[2] / turn[1], deg=True)), 25.0, rtol=1e-9)
    np.testing.assert_allclose(
        np.linalg.norm(at_pole, axis=-1)[0],
        np.linalg.norm(baselines(POSITIONS[:30], angles[:1], 10.0, -30.0)[0], axis=-1),
    )


def test_elevation():
    assert elevation_deg(0.0, -30.0, -30.0) == pytest.approx(90.0)
    assert elevation_deg(0.0, 20.0, -30.0) == pytest.approx(40.0)
    assert elevation_deg(90.0, 0.0, -30.0) == pytest.approx(0.0, abs=1e-9)


def test_tracks():
    angles = hour_angles_deg(8.0, 3600.0)
    np.testing.assert_allclose(angles, np.arange(-52.5, 53, 15))
    assert Track(8.0, -30.0).days == 1
    assert Track(20.0, -30.0).days == 3
    assert np.ptp(Track(20.0, -30.0, interval_s=600).hour_angles_deg) == pytest.approx(97.5)


def test_noise_is_the_radiometer_equation():
    """Pairs of N like dishes add up to S / sqrt(2 N (N - 1) bandwidth time)."""
    number, density, bandwidth, time_s = 12, 300.0, 1e6, 7200.0
    sigma = visibility_noise(np.full(number, density), bandwidth, time_s)
    together = (sigma**-2.0).sum() ** -0.5
    expected = density / np.sqrt(2 * number * (number - 1) * bandwidth * time_s)
    assert together == pytest.approx(expected)


def test_more_days_are_so_much_less_noise():
    densities = np.full(5, 300.0)
    once, four = (
        cover(Track(hours, -30.0), POSITIONS[:5], densities, latitude_deg=-30.0, bandwidth_hz=1e6)
        for hours in (8.0, 32.0)
    )
    np.testing.assert_array_equal(once.uvw_m, four.uvw_m)
    np.testing.assert_allclose(once.noise_jy, 2.0 * four.noise_jy)
