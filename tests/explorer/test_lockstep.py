"""One position for several runs, and where it stands on the scrubber."""

import numpy as np
import pytest

from explorer.lockstep import axes, lock_steps, places_at


def falling(steps, power=1.0):
    return 1.0 - np.linspace(0.0, 1.0, steps + 1)[1:] ** power


def test_one_run_stops_at_its_own_steps():
    assert lock_steps([falling(4)]).tolist() == [[1], [2], [3], [4]]


def test_runs_of_different_numbers_of_steps_stay_together_in_time():
    for times in ([falling(16), falling(64)], [falling(64, 2.0), falling(10)]):
        stops = lock_steps(times)
        lead = max(times, key=len)
        assert len(stops) == 64
        assert stops[-1].tolist() == [len(t) for t in times]
        assert (np.diff(stops, axis=0) >= 0).all()
        for run, t in enumerate(times):
            shown = t[stops[:, run] - 1]
            best = np.abs(t[None, :] - lead[:, None]).min(axis=1)
            np.testing.assert_allclose(np.abs(shown - lead), best, atol=1e-15)


def test_of_two_as_near_the_earlier_is_shown():
    stops = lock_steps([falling(12), falling(6)])
    assert stops[:, 1].tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]


def test_it_is_time_and_not_the_share_of_steps_that_is_shared():
    even, crowded = falling(10), falling(10, 3.0)  # crowded: still at t = 0.88 halfway
    stops = lock_steps([even, crowded])
    step = stops[4, 1]  # where the even one is at t = 0.5
    assert step == 8
    assert crowded[step - 1] == pytest.approx(0.488)


def test_a_run_of_one_step_stands_by_all_the_while():
    assert lock_steps([falling(5), np.zeros(1)])[:, 1].tolist() == [1] * 5
    assert lock_steps([np.zeros(1), falling(5)])[:, 1].tolist() == [1, 2, 3, 4, 5]


def test_axes_place_steps_where_their_value_says():
    times = falling(8, 2.0)
    found = axes(times, 3.0 * times)
    np.testing.assert_allclose(found["step"].places, np.arange(8) / 7)
    share = (times[0] - times) / times[0]
    for name in ("t", "sigma"):
        np.testing.assert_allclose(found[name].places, share)
    for name, values in (("t", times), ("sigma", 3.0 * times)):
        for place, words in found[name].ticks:
            assert float(words) == pytest.approx(values[0] * (1 - place))


def test_sigma_over_many_decades_is_logarithmic_with_zero_last():
    sigmas = np.append(np.geomspace(80.0, 0.002, 9), 0.0)
    axis = axes(falling(10), sigmas)["sigma"]
    np.testing.assert_allclose(axis.places, np.arange(10) / 9, atol=1e-12)
    assert axis.ticks[-1] == (1.0, "0")
    ones = {words: place for place, words in axis.ticks}
    assert ones["1"] == pytest.approx(np.log10(80) / np.log10(80 / 0.002) * 8 / 9)


def test_noise_that_does_not_fall_makes_no_axis():
    times = falling(6)
    assert set(axes(times, np.zeros(6))) == {"step", "t"}
    assert set(axes(times, np.sqrt(times * (1 - times)))) == {"step", "t"}  # a bridge's
    assert set(axes(np.zeros(1), np.zeros(1))) == {"step"}


def test_other_runs_steps_stand_at_their_times():
    times, others = falling(8), falling(16)
    axis = axes(times, times)["step"]
    places = places_at(others, times, axis)
    np.testing.assert_allclose(places[1::2], axis.places)
    np.testing.assert_allclose(places[2], 0.5 * (axis.places[0] + axis.places[1]))
