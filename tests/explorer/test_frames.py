"""Frames as the browser gets them: levels, their scales, the messages that carry them."""

from dataclasses import replace

import numpy as np
import pytest

from explorer import frames
from explorer.frames import (
    Reel,
    Scale,
    chunk,
    chunk_steps,
    film_steps,
    noise_scales,
    step_labels,
)


def values_of(levels, scale):
    """Read levels as the browser does."""
    share = (levels.astype(float) - 1) / 254
    if scale.logarithmic:
        return scale.low * (scale.high / scale.low) ** share
    return scale.low + share * (scale.high - scale.low)


@pytest.mark.parametrize("scale", [Scale(1e4, 1e9, True), Scale(-3.0, 3.0, False)])
def test_levels_stand_for_their_values_to_half_a_level(scale, rng):
    values = values_of(rng.uniform(1, 255, (16, 16)), scale)
    read = values_of(scale.levels(values), scale)
    if scale.logarithmic:
        assert np.abs(np.log10(read / values)).max() <= 0.5 * 5 / 254 + 1e-5
    else:
        assert np.abs(read - values).max() <= 0.5 * 6 / 254 + 1e-5


def test_beyond_the_limits_is_the_end_and_not_finite_is_no_data():
    scale = Scale(1e4, 1e9, logarithmic=True)
    values = np.array([np.nan, np.inf, -np.inf, -1.0, 0.0, 1e3, 1e4, 1e9, 1e12])
    assert scale.levels(values).tolist() == [0, 0, 0, 1, 1, 1, 1, 255, 255]


def test_states_of_growing_noise_have_wider_scales(rng):
    noise = rng.standard_normal((3, 32, 32)).astype(np.float32)
    noise[1, 0, 0] = np.nan
    widths = [s.high for s in noise_scales(noise * np.array([80.0, 1.0, 0.1])[:, None, None])]
    assert widths == pytest.approx([240.0, 3.0, 3.0], rel=0.05)


def test_chunks_together_are_the_run(run, monkeypatch):
    monkeypatch.setattr(frames, "CHUNK_BYTES", 2 * 2 * 32 * 32)
    scale = Scale(1e6, 1e9, logarithmic=True)
    parts = [np.frombuffer(chunk(Reel(1, run, scale), start), np.uint8) for start in (0, 2)]
    assert [len(part) for part in parts] == [2 * 2 * 32 * 32, 2 * 32 * 32]
    levels = np.concatenate(parts).reshape(3, 2, 32, 32)
    assert np.array_equal(levels[:, 1], scale.levels(run.estimates))
    assert np.array_equal(levels[:, 0], Scale(-3.0, 3.0, False).levels(run.noisy))


@pytest.mark.parametrize("size", [64, 128, 256, 512, 1024])
def test_messages_stay_far_below_ten_megabytes(size):
    assert 2 * size**2 * chunk_steps((size, size)) <= 4e6
    assert chunk_steps((size, size)) >= 1


def test_labels_say_step_time_and_noise(run):
    assert step_labels(run)[1] == "step 2/3, t = 0.30, σ = 0.5"
    assert step_labels(replace(run, sigmas=np.zeros(3)))[2] == "step 3/3, t = 0.00"
    assert step_labels(replace(run, sigmas=np.array([79.6, 3, 0.0])))[0].endswith("σ = 80")


def test_film_is_even_in_time():
    times = 1 - np.linspace(0.0, 1.0, 64) ** 2
    steps = film_steps(times)
    assert steps[0] == 1
    assert steps[-1] == 64
    assert len(steps) == 8
    assert np.abs(times[np.array(steps) - 1] - np.linspace(1.0, 0.0, 8)).max() < 0.02
    assert film_steps(times[:3]) == [1, 2, 3]
