import numpy as np
import pytest

from data.cosmology import HYDROGEN_FRACTION, MSUN_KPC3_IN_PROTONS_CM3
from data.ionization import neutral_fraction, photoionization_rate

TO_HYDROGEN = HYDROGEN_FRACTION * MSUN_KPC3_IN_PROTONS_CM3  # Msun/kpc^3 -> n_H in cm^-3

# Rahmati et al. (2013), table A1: z, log n0, alpha1, alpha2, beta, f; and table 2: the rate of the
# background of Faucher-Giguere et al. (2009) in s^-1.
TABLE = [
    (0, -2.94, -3.98, -1.09, 1.29, 0.01, 3.99e-14),
    (1, -2.29, -2.94, -0.90, 1.21, 0.03, 3.03e-13),
    (2, -2.06, -2.22, -1.09, 1.75, 0.03, 6.00e-13),
    (3, -2.13, -1.99, -0.88, 1.72, 0.04, 5.53e-13),
    (4, -2.23, -2.05, -0.75, 1.93, 0.02, 4.31e-13),
    (5, -2.35, -2.63, -0.57, 1.77, 0.01, 3.52e-13),
]
# Density of self-shielding in cm^-3 at z = 1 to 5 in the background of Haardt & Madau (2001), for
# which the fits were made: table 2.
SHIELDING = {1: 5.1e-3, 2: 8.7e-3, 3: 7.4e-3, 4: 5.8e-3, 5: 4.5e-3}


def neutral(n_hydrogen, kelvin=1e4, redshift=0.0):
    return neutral_fraction(np.atleast_1d(n_hydrogen) / TO_HYDROGEN, np.full(1, kelvin), redshift)


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
        losses = gamma * x + collisions * x * (1 - x) * n_h
        np.testing.assert_allclose(losses, gains, rtol=1e-6)


def rate_at(n_hydrogen, redshift):
    return photoionization_rate(np.array([n_hydrogen]), redshift)[0]


@pytest.mark.parametrize(("z", "log_n0", "alpha1", "alpha2", "beta", "f", "rate"), TABLE)
def test_rate_at_the_redshifts_of_the_table(z, log_n0, alpha1, alpha2, beta, f, rate):
    n0 = 10.0**log_n0
    np.testing.assert_allclose(rate_at(1e-9, z), rate, rtol=1e-4)
    # At n0 both brackets are 2; at 100 n0 the second term has taken over.
    at_n0 = (1 - f) * 2.0**alpha1 + f * 2.0**alpha2
    np.testing.assert_allclose(rate_at(n0, z), rate * at_n0)
    dense = (1 - f) * (1 + 100.0**beta) ** alpha1 + f * 101.0**alpha2
    np.testing.assert_allclose(rate_at(100 * n0, z), rate * dense)


@pytest.mark.parametrize(("z", "density"), SHIELDING.items())
def test_the_fits_by_redshift_agree_with_the_one_for_all(z, density):
    # Rahmati et al. (2013), eq. 14, z >= 1: one shape in units of the density of self-shielding.
    x = np.array([0.03, 0.1, 0.3, 1.0])
    shape = 0.98 * (1 + x**1.64) ** -2.28 + 0.02 * (1 + x) ** -0.84
    rate = photoionization_rate(x * density, z) / rate_at(1e-9, z)
    assert np.abs(np.log10(rate / shape)).max() < 0.18


def test_rate_between_and_beyond_the_redshifts_of_the_table():
    np.testing.assert_allclose(rate_at(1e-9, 0.5), np.sqrt(3.99e-14 * 3.03e-13), rtol=1e-4)
    assert rate_at(0.01, 9.0) == rate_at(0.01, 5.0)


def test_gas_of_the_disk_is_neutral_where_it_is_shielded():
    # At z = 0 hydrogen at 1e4 K turns neutral within a decade above the density of self-shielding.
    share = neutral(np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0]))
    assert (np.diff(share) > 0).all()
    assert share[1] < 0.2
    assert share[2] > 0.5
    assert share[3] > 0.95
