import numpy as np
import pytest

from data.cosmology import GRAVITY
from data.galaxy import Particles
from data.gas import internal_energy
from data.molecules import (
    MOLECULAR_MODELS,
    SOLAR_METALLICITY,
    blitz_fraction,
    gnedin_fraction,
    jeans_surface_density,
    krumholz_fraction,
)


def test_molecules_need_a_column_and_metals():
    # A cell of 1 kpc radius has Sigma = rho R = rho kpc, its mass 4 pi / 3 rho.
    density = 10.0 ** np.array([4.0, 6.0, 7.5, 9.0])
    mass = 4 * np.pi / 3 * density
    solar = krumholz_fraction(density, mass, np.full(4, SOLAR_METALLICITY))
    assert solar[0] == 0.0
    assert solar[-1] > 0.9
    assert (np.diff(solar) >= 0).all()
    poor = krumholz_fraction(density, mass, np.full(4, 0.01 * SOLAR_METALLICITY))
    assert (poor <= solar).all()
    assert poor[2] < solar[2]


def test_krumholz_fraction_by_hand():
    # Solar metals and 30 Msun/pc^2: tau_c = 2.72, chi = 3.10, s = 0.663, f = 1 - 0.497/1.166.
    density = np.array([3e7])
    f = krumholz_fraction(density, 4 * np.pi / 3 * density, np.array([SOLAR_METALLICITY]))
    assert f[0] == pytest.approx(0.574, abs=0.003)


def test_optical_depth_of_a_cell_is_that_of_a_spherical_cloud():
    # Krumholz et al. (2009), eq. 22: tau_c = 0.067 Z Sigma, of the mean column 4/3 rho R. With
    # s = 2 the molecules vanish: ln(1 + 0.6 chi + 0.01 chi^2) = 1.2 tau_c, chi = 3.1.
    edge = np.log(1 + 0.6 * 3.1 + 0.01 * 3.1**2) / 1.2 / 0.067  # Msun/pc^2
    density = 0.75 * 1e6 * edge * np.array([0.97, 1.03])
    f = krumholz_fraction(density, 4 * np.pi / 3 * density, np.full(2, SOLAR_METALLICITY))
    assert f[0] == 0.0
    assert f[1] > 0.0


def test_pressure_at_which_half_is_molecular():
    # Blitz & Rosolowsky (2006), table 2: equal shares at P / k = 4.3e4 K cm^-3, R ~ P^0.92.
    f = blitz_fraction(np.array([4.3e3, 4.3e4, 4.3e5]))
    assert f[1] == pytest.approx(0.5)
    np.testing.assert_allclose(f / (1 - f), [10**-0.92, 1.0, 10**0.92])


def test_column_at_which_a_quarter_is_molecular():
    # Gnedin & Kravtsov (2011), eq. 10, with solar metals and field: D* = 0.003017, alpha = 2,
    # s = 0.03988, g = 1.0399, Lambda = ln(1 + 1.0399 x 15^(-4/7)) = 0.19989,
    # Sigma_c = 20 Lambda^(4/7) / sqrt(2) = 5.636 Msun/pc^2.
    f = gnedin_fraction(np.array([5.636e6, 1e7]), np.full(2, SOLAR_METALLICITY), np.ones(2))
    assert f[0] == pytest.approx(0.25, abs=1e-4)
    assert f[1] == pytest.approx((1 + 0.5636) ** -2, abs=1e-4)
    # 0.3 solar, three times the field: D* = 0.005638, alpha = 2.3077, s = 0.13087, g = 1.16648,
    # Lambda = ln(1 + 1.16648 x 0.3^(3/7) x 0.2^(4/7)) = 0.24496, Sigma_c = 26.480 Msun/pc^2.
    poor = gnedin_fraction(
        np.array([2.648e7]), np.array([0.3 * SOLAR_METALLICITY]), np.array([3.0])
    )
    assert poor[0] == pytest.approx(0.25, abs=1e-4)


def test_atomic_column_saturates():
    # Their eq. 14: 40 Msun/pc^2 Lambda^(4/7) / (D sqrt(1 + U D^2)), here 2 x 5.636.
    column = 1e10
    f = gnedin_fraction(np.array([column]), np.array([SOLAR_METALLICITY]), np.ones(1))
    assert (1 - f[0]) * column == pytest.approx(2 * 5.636e6, rel=2e-3)


def test_jeans_column_by_hand():
    # c_s^2 = gamma P / rho, lambda_J = c_s / (G rho)^(1/2), Sigma = rho lambda_J. Neutral gas of
    # 1 H/cm^3 at 1e4 K: rho = 3.251e7 Msun/kpc^3, c_s = 10.66 km/s, lambda_J = 0.902 kpc.
    rho, sound_speed = 3.251e7, np.sqrt(5 / 3 * 1e4 / 1.2195 / 121.147)
    sigma = jeans_surface_density(1.0789e4)
    assert sigma == pytest.approx(rho * sound_speed / np.sqrt(GRAVITY * rho), rel=1e-3)
    assert sigma == pytest.approx(2.93e7, rel=0.01)


def cells(**fields):
    """Two cells of 1 H/cm^3 at 1e4 K, solar metals, neutral."""
    return Particles(
        np.zeros((2, 3)), np.full(2, 1e6),
        {"density": np.full(2, 3.251e7), "temperature": np.full(2, 1e4),
         "electron_abundance": np.zeros(2), "metallicity": np.full(2, SOLAR_METALLICITY),
         "star_formation_rate": np.array([1e-4, 1e-3]), **fields},
    )  # fmt: skip


def test_models_on_cells_by_hand():
    one = np.ones(2)
    shares = {name: model(cells(), one) for name, model in MOLECULAR_MODELS.items()}
    # R = (1e6 / (4 pi/3 x 3.251e7))^(1/3) = 0.1944 kpc, Sigma = 6.32 Msun/pc^2, tau_c = 0.574 and
    # s = 3.1: no molecules.
    np.testing.assert_array_equal(shares["krumholz2009"], 0.0)
    ratio = (1.0789e4 / 4.3e4) ** 0.92
    np.testing.assert_allclose(shares["blitz2006"], ratio / (1 + ratio), rtol=1e-3)
    # The column is 0.76 x 29.3 Msun/pc^2, the field 2.93e7 x 1e-10 or 1e-9 / 1e-3 = 2.93 and 29.3.
    column = 0.76 * jeans_surface_density(np.full(2, 1.0789e4))
    expected = gnedin_fraction(column, np.full(2, SOLAR_METALLICITY), np.array([2.93, 29.3]))
    np.testing.assert_allclose(shares["gnedin2011"], expected, rtol=2e-3)


def test_less_neutral_gas_shields_less():
    gnedin = MOLECULAR_MODELS["gnedin2011"]
    assert (gnedin(cells(), np.full(2, 0.3)) < gnedin(cells(), np.ones(2))).all()


def test_stored_energy_goes_before_the_temperature():
    # The effective equation of state holds more energy than the 1e4 K that stand for it.
    energy = internal_energy(np.full(2, 4e4), np.zeros(2))
    ratio = (4 * 1.0789e4 / 4.3e4) ** 0.92
    share = MOLECULAR_MODELS["blitz2006"](cells(internal_energy=energy), np.ones(2))
    np.testing.assert_allclose(share, ratio / (1 + ratio), rtol=1e-3)


def test_against_an_independent_implementation():
    projected = pytest.importorskip(
        "hih2.proj.proj", reason="pip install hih2 for a second opinion"
    )
    per_cm2 = 1.2486e14  # protons per cm^2 of 1 Msun/kpc^2, its unit of mass
    sigma = np.geomspace(1e8, 1e10, 5)
    for z, u in ((1.0, 1.0), (0.3, 3.0), (1.0, 30.0)):
        solar, field = np.full(5, z * SOLAR_METALLICITY), np.full(5, u)
        theirs = projected.gk11(sigma * per_cm2, np.full(5, z), field)  # eq. 14: to first order
        ours = gnedin_fraction(sigma, solar, field)
        assert ours[-2:] == pytest.approx(theirs[-2:], abs=1e-3)
        density = 0.75 * sigma
        ours = krumholz_fraction(density, 4 * np.pi / 3 * density, solar)
        theirs = projected.kmt09b(sigma * per_cm2, np.full(5, z))  # eq. 2, before the short form
        np.testing.assert_allclose(ours, theirs, atol=0.03)
