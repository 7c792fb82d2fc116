"""Limits, ticks and words of color scales."""

import numpy as np
import pytest

from explorer.scales import (
    dex_limit,
    log_limits,
    log_ticks,
    palette,
    power_of_ten,
    scale_bar_kpc,
    tick_label,
)
from explorer.views.viewport import LARGEST, SMALLEST, frame_size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.2e7, "3.2×10⁷"), (0.0, "0"), (-0.5, "−0.50"), (45.0, "45.0"), (1e-5, "1.0×10⁻⁵"),
        (float("nan"), "–"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_do(value, text):
    assert power_of_ten(value) == text


def test_ticks_below_one_tell_their_digit():
    assert [tick_label(tick) for tick in (0.05, 0.2, 0.01, 3e-4)] == [
        "0.05", "0.2", "10⁻²", "3×10⁻⁴",
    ]  # fmt: skip


def test_limits_come_from_the_data_within_sane_decades():
    rng = np.random.default_rng(0)
    low, high = log_limits([10 ** rng.uniform(5, 8, (64, 64))], "gas")
    assert 9e4 < low < 1.3e5
    assert 8e7 < high < 1e8
    wide = log_limits([10 ** rng.uniform(-9, 9, (64, 64))], "dark_matter")
    assert np.log10(wide[1] / wide[0]) <= 5.01
    flat = log_limits([np.full((8, 8), 1e7)], "gas")
    assert np.isclose(np.log10(flat[1] / flat[0]), 1.0)
    assert log_limits([np.zeros((4, 4)), None], "gas") == (1e5, 1e8)


def test_ticks_are_few_round_and_inside():
    for low, high in ((1e7, 3e8), (2e4, 9e8), (3.0, 31.0), (1e-3, 1e5)):
        ticks = log_ticks(low, high)
        assert 1 <= len(ticks) <= 5
        assert all(low * 0.99 <= t <= high * 1.01 for t in ticks)


def test_ticks_are_written_as_powers_of_ten():
    words = [tick_label(tick) for tick in (1e6, 3e6, 1.0, 10.0, 1000.0, 0.3, 1e-3, 30.0)]
    assert words == ["10⁶", "3×10⁶", "1", "10", "10³", "0.3", "10⁻³", "30"]


def test_residual_limit_is_a_half_of_a_whole():
    assert dex_limit(np.full((4, 4), 0.3)) == 0.5
    assert dex_limit(np.full((4, 4), -0.7)) == 1.0
    assert dex_limit(np.full((4, 4), 9.0)) == 2.0
    assert dex_limit(None) == dex_limit(np.full((4, 4), np.nan)) == 1.0


def test_scale_bar_is_round_and_fits():
    assert scale_bar_kpc(80.0) == 20.0
    assert scale_bar_kpc(3.0) == 0.5


def test_palettes_are_hex():
    for name in ("magma", "bkr"):
        assert len(palette(name)) == 256
        assert all(color.startswith("#") for color in palette(name))


def test_frames_fill_the_window_within_bounds():
    assert frame_size(0) == SMALLEST
    assert frame_size(10_000) == LARGEST
    assert SMALLEST < frame_size(1280) < frame_size(1440) < LARGEST
