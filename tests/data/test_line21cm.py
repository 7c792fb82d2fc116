import numpy as np
import pytest

from data.cosmology import hubble_rate
from data.line21cm import (
    COLUMN_PER_SURFACE_DENSITY,
    brightness_temperature_mk,
    column_density,
    cosmological_brightness_temperature_mk,
    integrated_brightness,
)


def test_column_density_from_constants():
    msun, kpc, hydrogen = 1.98847e33, 3.085678e21, 1.6735e-24
    np.testing.assert_allclose(COLUMN_PER_SURFACE_DENSITY, msun / kpc**2 / hydrogen, rtol=1e-3)
    np.testing.assert_allclose(column_density(1e6), 1.248e20)  # 1 Msun/pc^2


def test_integrated_brightness_by_hand():
    # 1 Msun/pc^2: 1.248e20 / 1.823e18 K km/s.
    assert integrated_brightness(1e6) == pytest.approx(68.46, rel=1e-4)
    # From atomic data: three quarters of the atoms are in the upper level, which decays at A, so
    # that N = 8 pi k nu^2 / (3/4 A h c^3) x integral of T dv.
    h, k, c, nu, a = 6.62607e-27, 1.380649e-16, 2.99792458e10, 1.420405752e9, 2.869e-15
    column = 8 * np.pi * k * nu**2 / (0.75 * a * h * c**3) * 1e5  # of 1 K km/s
    assert integrated_brightness(column / COLUMN_PER_SURFACE_DENSITY) == pytest.approx(1, rel=1e-3)


def test_cosmological_brightness_by_hand():
    # z = 0: rho_c = 277.5 h^2 Msun/kpc^3 = 127.3; 1e6 Msun/kpc^2 over 100 kpc is 78.53 rho_c, and
    # 189 mK x 0.6774 x 78.53 = 1.0054e4 mK.
    t = cosmological_brightness_temperature_mk(1e6, 0.0, depth_kpc=100.0)
    assert t == pytest.approx(1.0054e4, rel=1e-3)
    # z = 1: H / H0 = (0.3089 x 8 + 0.6911)^(1/2) = 1.7784, and 2^2 / 2^3 of the dilution is left.
    t = cosmological_brightness_temperature_mk(1e6, 1.0, depth_kpc=100.0)
    assert t == pytest.approx(1.0054e4 / 2 / 1.7784, rel=1e-3)
    # Mean density Omega_HI = 5e-4 in a slab of any depth at z = 1: 189 h 4 / 1.7784 x 5e-4 mK.
    surface = 5e-4 * 127.3 * 2**3 * 700.0
    t = cosmological_brightness_temperature_mk(surface, 1.0, depth_kpc=700.0)
    assert t == pytest.approx(0.1440, rel=1e-3)
    with pytest.raises(ValueError, match="depth_kpc must be above zero, got 0"):
        cosmological_brightness_temperature_mk(1e6, 0.0, depth_kpc=0)


@pytest.mark.parametrize("redshift", [0.0, 0.5, 2.0])
def test_cosmological_brightness_is_the_thin_line_over_the_hubble_flow(redshift):
    surface, depth = np.array([1e2, 1e4]), 50.0
    cosmological = cosmological_brightness_temperature_mk(surface, redshift, depth_kpc=depth)
    width = hubble_rate(redshift) * depth
    thin = 1e3 * integrated_brightness(surface) / width / (1 + redshift)
    np.testing.assert_allclose(cosmological, thin, rtol=0.01)
    channel = brightness_temperature_mk(
        surface, redshift, spin_temperature_k=1e8, velocity_width_km_s=width
    )
    np.testing.assert_allclose(channel, thin, rtol=1e-6)


def test_brightness_temperature_thin_thick_and_redshifted():
    # 1 Msun/pc^2 over 100 km/s, thin: 1.248e20 / 1.823e18 K km/s / 100 km/s = 0.6846 K.
    assert brightness_temperature_mk(1e6, 0.0, spin_temperature_k=1e4) == pytest.approx(684.6, 1e-3)
    assert brightness_temperature_mk(1e6, 1.0, spin_temperature_k=1e4) == pytest.approx(342.3, 1e-3)
    assert brightness_temperature_mk(1e12, 0.0, spin_temperature_k=80.0) == pytest.approx(8e4)
    assert brightness_temperature_mk(0.0, 0.0, spin_temperature_k=80.0) == 0.0
