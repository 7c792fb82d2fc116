"""Power spectra of maps whose spectra are known."""

import numpy as np
import pytest

from engine.metrics.spectrum import power_spectrum, small_scale_power, transfer_and_correlation

RNG = np.random.default_rng(5)


def test_white_noise_has_its_variance_times_the_area_of_a_pixel():
    maps = 3.0 * RNG.standard_normal((200, 64, 64))
    k, power = power_spectrum(maps, extent_kpc=32.0)
    assert len(k) == 32
    np.testing.assert_allclose(power.mean(axis=0)[2:], 9.0 * 0.5**2, rtol=0.06)


def test_a_wave_stands_in_the_bin_of_its_wavelength_with_its_mean_square():
    size, extent, cycles = 64, 20.0, 8
    x = (np.arange(size) + 0.5) / size
    wave = np.broadcast_to(np.sin(2 * np.pi * cycles * x), (size, size))
    k, power = power_spectrum(wave, extent)
    assert np.argmax(power) == cycles - 1
    assert k[cycles - 1] == pytest.approx(2 * np.pi * cycles / extent, rel=0.02)
    # Parseval: the modes' power over the map's area is the windowed mean square, one half.
    wavenumbers = np.fft.fftfreq(size, 1.0 / size)
    radius = np.rint(np.hypot(wavenumbers[:, None], wavenumbers[None, :])).astype(int)
    modes = np.bincount(radius.ravel())[1 : size // 2 + 1]
    assert (power * modes).sum() / extent**2 == pytest.approx(0.5, rel=1e-3)


def test_a_map_turned_by_a_quarter_or_shifted_in_level_has_the_same_spectrum():
    image = RNG.standard_normal((32, 32)).cumsum(axis=0)
    expected = power_spectrum(image, 10.0)[1]
    np.testing.assert_allclose(power_spectrum(np.rot90(image), 10.0)[1], expected)
    np.testing.assert_allclose(power_spectrum(image + 7.0, 10.0)[1], expected, atol=1e-9)


def test_an_edge_does_not_leak_into_small_scales():
    """A ramp jumps at the edge: unwindowed it would have k^-2 power at all wavenumbers."""
    ramp = np.broadcast_to(np.linspace(0.0, 1.0, 64), (64, 64))
    k, power = power_spectrum(ramp, 64.0)
    steep = np.polyfit(np.log(k[2:12]), np.log(power[2:12]), 1)[0]
    assert steep < -4.0


def test_transfer_and_correlation_of_known_mixtures():
    truth = RNG.standard_normal((300, 32, 32))
    noise = RNG.standard_normal((300, 32, 32))
    _, transfer, correlation = transfer_and_correlation(2.0 * truth, truth, 10.0)
    np.testing.assert_allclose(transfer, 2.0)
    np.testing.assert_allclose(correlation, 1.0)
    _, _, correlation = transfer_and_correlation(0.6 * truth + 0.8 * noise, truth, 10.0)
    np.testing.assert_allclose(correlation.mean(axis=0)[2:], 0.6, atol=0.03)
    flat = transfer_and_correlation(truth[0], np.ones((32, 32)), 10.0)
    assert np.isnan(flat[1]).all()
    assert np.isnan(flat[2]).all()


def test_small_scale_power_is_one_for_draws_of_the_same_kind_and_small_for_blurred_maps():
    truth, twin = RNG.standard_normal((2, 50, 64, 64))
    assert small_scale_power(twin, truth) == pytest.approx(1.0, abs=0.03)
    neighbors = [np.roll(truth, shift, (1, 2)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))]
    wave = np.fft.fftfreq(64)
    cycles = np.hypot(wave[:, None], wave[None, :])
    band = (cycles >= 1 / 8) & (cycles <= 1 / 3)
    response = np.cos(np.pi * wave[:, None]) ** 2 * np.cos(np.pi * wave[None, :]) ** 2
    blurred = small_scale_power(np.mean(neighbors, axis=0), truth)
    assert blurred == pytest.approx(response[band].mean(), rel=0.03)
    assert small_scale_power(0.5 * truth, truth) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("image", "extent", "message"),
    [
        (np.ones((8, 9)), 1.0, r"shape \(\.\.\., N, N\)"),
        (np.full((8, 8), np.nan), 1.0, "finite"),
        (np.ones((8, 8)), 0.0, "extent_kpc"),
    ],
)
def test_bad_maps_are_refused(image, extent, message):
    with pytest.raises(ValueError, match=message):
        power_spectrum(image, extent)


def test_maps_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        power_spectrum(np.ones((8, 8)), 1.0, np.ones((4, 4)))
