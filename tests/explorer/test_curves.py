"""Curves of a run's maps: power by scale and error, of maps for which both are known."""

import numpy as np
import pytest

from data.domains import DOMAINS
from explorer.curves import errors_dex, log_spectrum, run_spectra

EXTENT_KPC, SIZE = 40.0, 32


def wave(amplitude_dex, cycles):
    """A map whose log10(value + floor) is a wave along x."""
    x = np.arange(SIZE) / SIZE
    dex = 7.0 + amplitude_dex * np.cos(2 * np.pi * cycles * x)
    return np.broadcast_to(10.0**dex - DOMAINS["gas"].floor, (SIZE, SIZE)).astype(np.float32)


def test_power_of_a_wave_lies_at_its_wavenumber_and_grows_as_its_square():
    k, power = log_spectrum(np.stack([wave(0.1, 4), wave(0.2, 4)]), "gas", EXTENT_KPC)
    assert k[power[0].argmax()] == pytest.approx(2 * np.pi * 4 / EXTENT_KPC, rel=0.05)
    assert power[1].max() / power[0].max() == pytest.approx(4.0, rel=1e-3)


def test_states_and_estimates_are_in_one_unit_whatever_their_number(rng):
    dex = 6.0 + 0.3 * rng.standard_normal((19, SIZE, SIZE))  # more than one batch
    floor, scale_dex = DOMAINS["gas"].floor, 0.65
    spectra = run_spectra((dex - 6.3) / scale_dex, 10.0**dex - floor, "gas", scale_dex, EXTENT_KPC)
    np.testing.assert_allclose(spectra.states, spectra.estimates, rtol=1e-6)
    white = 0.3**2 * (EXTENT_KPC / SIZE) ** 2
    assert spectra.states[:, 4:].mean() == pytest.approx(white, rel=0.05)


def test_a_map_with_a_hole_has_no_spectrum_and_the_others_have():
    maps = np.stack([wave(0.1, 4), wave(0.1, 4)])
    maps[0, 3, 3] = np.nan
    _, power = log_spectrum(maps, "gas", EXTENT_KPC)
    assert np.isnan(power[0]).all()
    assert np.isfinite(power[1]).all()


def test_error_of_a_factor_of_two_is_its_logarithm_and_holes_do_not_count():
    truth = np.full((SIZE, SIZE), 1e8, np.float32)
    truth[0, 0] = np.nan
    errors = errors_dex(np.stack([2 * truth, truth, truth / 2]), truth, "gas")
    np.testing.assert_allclose(errors, [np.log10(2), 0.0, np.log10(2)], atol=1e-4)
    assert np.isnan(errors_dex(truth[None], None, "gas")).all()
    assert np.isnan(errors_dex(truth[None], np.full_like(truth, np.nan), "gas")).all()
