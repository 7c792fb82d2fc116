import numpy as np
import pytest

from data.cosmology import HYDROGEN_FRACTION, MSUN_KPC3_IN_PROTONS_CM3
from data.galaxy import Galaxy, Particles
from data.hydrogen import (
    COLUMN_PER_SURFACE_DENSITY,
    SOLAR_METALLICITY,
    brightness_temperature_mk,
    hydrogen_masses,
    molecular_fraction,
    neutral_fraction,
    photoionization_rate,
)

TO_HYDROGEN = HYDROGEN_FRACTION * MSUN_KPC3_IN_PROTONS_CM3  # Msun/kpc^3 -> n_H in cm^-3


def neutral(n_hydrogen, kelvin=1e4, redshift=0.0):
    return neutral_fraction(np.atleast_1d(n_hydrogen) / TO_HYDROGEN, np.full(1, kelvin), redshift)


def test_units_from_constants():
    msun, kpc, hydrogen, proton = 1.98847e33, 3.085678e21, 1.6735e-24, 1.67262e-24
    np.testing.assert_allclose(COLUMN_PER_SURFACE_DENSITY, msun / kpc**2 / hydrogen, rtol=1e-3)
    np.testing.assert_allclose(1e6 * COLUMN_PER_SURFACE_DENSITY, 1.248e20)  # 1 Msun/pc^2
    np.testing.assert_allclose(MSUN_KPC3_IN_PROTONS_CM3, msun / kpc**3 / proton, rtol=1e-3)


def test_dense_gas_is_neutral_and_diffuse_gas_is_not():
    assert neutral(10.0)[0] > 0.99
    # Optically thin balance by hand: x = alpha_A n_H / Gamma for x << 1, alpha_A(1e4 K) = 4.2e-13.
    thin = neutral(1e-6)[0]
    assert thin == pytest.approx(4.2e-13 * 1e-6 / 3.99e-14, rel=0.03)
    assert 1e-5 < thin < 1e-4


def test_hot_gas_is_ionized_by_collisions_however_dense():
    assert neutral(10.0, kelvin=1e6)[0] < 1e-5


def test_neutral_fraction_solves_the_ionization_balance():
    # Gamma x = alpha (1 - x)^2 n_H - Lambda x (1 - x) n_H, the equation it is the root of.
    for n_h in (1e-4, 1e-2, 1.0):
        x = neutral(n_h, kelvin=2e4)[0]
        lam = 315614.0 / 2e4
        alpha = 1.269e-13 * lam**1.503 / (1 + (lam / 0.522) ** 0.47) ** 1.923
        collisions = 1.17e-10 * np.sqrt(2e4) * np.exp(-157809 / 2e4) / (1 + np.sqrt(0.2))
        gamma = photoionization_rate(np.array([n_h]), 0.0)[0]
        gains = alpha * (1 - x) ** 2 * n_h
        assert gamma * x + collisions * x * (1 - x) * n_h == pytest.approx(gains, rel=1e-6)


def test_the_background_is_stronger_at_redshift_two():
    thin = np.array([1e-7])
    assert photoionization_rate(thin, 2.0) == pytest.approx(6.00e-13, rel=1e-3)
    between = photoionization_rate(thin, 0.5)[0]
    assert 3.99e-14 < between < 3.03e-13
    assert photoionization_rate(thin, 9.0) == photoionization_rate(thin, 5.0)


def test_molecules_need_a_column_and_metals():
    # A cell of 1 kpc radius has Sigma = rho R = rho kpc, its mass 4 pi / 3 rho.
    density = 10.0 ** np.array([4.0, 6.0, 7.5, 9.0])
    mass = 4 * np.pi / 3 * density
    solar = molecular_fraction(density, mass, np.full(4, SOLAR_METALLICITY))
    assert solar[0] == 0.0
    assert solar[-1] > 0.9
    assert (np.diff(solar) >= 0).all()
    poor = molecular_fraction(density, mass, np.full(4, 0.01 * SOLAR_METALLICITY))
    assert (poor <= solar).all()
    assert poor[2] < solar[2]


def test_molecular_fraction_by_hand():
    # Solar metals and 30 Msun/pc^2: tau_c = 2.72, chi = 3.10, s = 0.663, f = 1 - 0.497/1.166.
    density = np.array([3e7])
    f = molecular_fraction(density, 4 * np.pi / 3 * density, np.array([SOLAR_METALLICITY]))
    assert f[0] == pytest.approx(0.574, abs=0.003)


def galaxy_of_two_cells(**fields):
    density = np.array([1e4, 1e8])
    gas = Particles(
        np.zeros((2, 3)), np.full(2, 1e6),
        {"density": density, "temperature": np.array([1e4, 1e4]),
         "star_formation_rate": np.array([0.0, 1.0]), **fields},
    )  # fmt: skip
    return Galaxy("two", 0.0, {"gas": gas})


def test_masses_add_up_and_follow_the_simulation_where_no_stars_form():
    masses = hydrogen_masses(galaxy_of_two_cells(neutral_fraction=np.array([0.25, 0.1])))
    np.testing.assert_allclose(masses["hi"] + masses["h2"], masses["neutral"])
    assert masses["hi"][0] == pytest.approx(0.76e6 * 0.25)
    assert masses["h2"][0] == 0.0
    assert masses["neutral"][1] == pytest.approx(0.76e6, rel=0.01)  # recomputed: self-shielded
    assert masses["h2"][1] > 0


def test_masses_without_a_stored_neutral_fraction():
    masses = hydrogen_masses(galaxy_of_two_cells())
    expected = neutral_fraction(np.array([1e4]), np.array([1e4]), 0.0)[0]
    assert masses["neutral"][0] == pytest.approx(0.76e6 * expected)


def test_brightness_temperature_thin_thick_and_redshifted():
    # 1 Msun/pc^2 over 100 km/s, thin: 1.248e20 / 1.823e18 K km/s / 100 km/s = 0.6846 K.
    assert brightness_temperature_mk(1e6, 0.0, spin_temperature_k=1e4) == pytest.approx(684.6, 1e-3)
    assert brightness_temperature_mk(1e6, 1.0, spin_temperature_k=1e4) == pytest.approx(342.3, 1e-3)
    assert brightness_temperature_mk(1e12, 0.0, spin_temperature_k=80.0) == pytest.approx(8e4)
    assert brightness_temperature_mk(0.0, 0.0, spin_temperature_k=80.0) == 0.0
