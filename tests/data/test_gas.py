import numpy as np
import pytest

from data.gas import code_field_in_gauss, internal_energy, pressure, temperature


def test_neutral_and_ionized_gas_of_unit_energy():
    assert temperature(1.0, 0.0) == pytest.approx(98.5, rel=1e-3)
    # Hydrogen and helium (n_He / n_H = 0.0789) both without electrons.
    assert temperature(1.0, 1.158) == pytest.approx(47.5, rel=2e-3)


def test_star_forming_cells_have_ten_thousand_kelvin():
    kelvin = temperature(np.full(2, 5000.0), np.ones(2), np.array([0.0, 0.1]))
    assert kelvin[1] == 1e4
    assert kelvin[0] > 2e5


def test_internal_energy_is_the_inverse(rng):
    kelvin, electrons = 10.0 ** rng.uniform(3, 8, 100), rng.uniform(0, 1.2, 100)
    np.testing.assert_allclose(temperature(internal_energy(kelvin, electrons), electrons), kelvin)


def test_pressure_by_hand():
    # 1 H/cm^3, neutral, 1e4 K: n = n_H / (X mu) = 1 / (0.76 x 1.2195) = 1.0789 particles/cm^3.
    density = 1.67262e-24 / 0.76 * 3.085678e21**3 / 1.98847e33  # Msun/kpc^3
    assert pressure(density, internal_energy(1e4, 0.0)) == pytest.approx(1.0789e4, rel=1e-3)
    # In cgs: (2/3) rho u with u = 1e12 cm^2/s^2, over k_B.
    cgs = 2 / 3 * 1.67262e-24 / 0.76 * 1e12 / 1.380649e-16
    assert pressure(density, 100.0) == pytest.approx(cgs, rel=1e-3)


def test_code_field_from_the_units_of_the_simulation():
    # Gauss^2 = erg/cm^3 = (g/cm^3) (cm/s)^2, of 1e10 Msun/h, kpc/h and km/s at a = 1.
    density = 1.989e43 / 3.085678e21**3  # of h^2
    gauss = np.sqrt(density) * 1e5 * 0.6774
    assert code_field_in_gauss(1.0, 0.6774) == pytest.approx(gauss, rel=1e-4)
    assert code_field_in_gauss(1.0, 0.6774) == pytest.approx(1.7625e-6, rel=1e-3)
    assert code_field_in_gauss(0.5, 0.6774) == pytest.approx(4 * gauss, rel=1e-4)
