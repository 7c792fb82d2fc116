"""The diffusion process against its closed form."""

import math

import pytest
import torch

from engine.processes.ddpm import DDPM, PREDICTIONS
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching

TIMES = torch.tensor([0.0, 0.1, 0.5, 0.9], dtype=torch.float64)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_path_preserves_variance_from_data_to_noise(schedule):
    a, b, s = DDPM(schedule).path(torch.linspace(0, 1, 101, dtype=torch.float64))
    torch.testing.assert_close(a**2 + s**2, torch.ones_like(a))
    assert (b == 0).all()
    assert a[0] == 1
    assert a[-1] < 0.01
    assert (a.diff() < 0).all()


def test_cosine_is_that_of_nichol_and_dhariwal():
    a, _, _ = DDPM("cosine").path(TIMES)

    def f(t):
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    expected = [f(t) / f(0.0) for t in TIMES.tolist()]
    torch.testing.assert_close(a**2, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_noise_level_keeps_its_digits_near_the_data(schedule):
    time = torch.tensor([1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
    a, _, s = DDPM(schedule).path(time.double())
    torch.testing.assert_close(s, torch.sqrt(1.0 - a * a), rtol=1e-6, atol=0)
    torch.testing.assert_close(DDPM(schedule).path(time)[2].double(), s, rtol=1e-6, atol=0)


def test_linear_is_the_integral_of_beta():
    a, _, _ = DDPM("linear").path(TIMES)
    t = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    beta = 0.1 + t * (20.0 - 0.1)
    integral = torch.cumulative_trapezoid(beta, t)
    for time, value in zip(TIMES[1:], a[1:], strict=True):
        exact = torch.exp(-0.5 * integral[round(time.item() * 1e5) - 1])
        torch.testing.assert_close(value, exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_true_prediction_costs_nothing_and_gives_x_back(prediction):
    process = DDPM(prediction=prediction)
    generator = torch.Generator().manual_seed(0)
    x, y, noise = (torch.randn(5, 1, 4, 4, generator=generator) for _ in range(3))
    time = torch.tensor([0.05, 0.3, 0.5, 0.7, 0.9])
    a, _, s = (c[:, None, None, None] for c in process.path(time))

    def oracle(maps, moment):
        torch.testing.assert_close(maps, torch.cat([a * x + s * noise, y], dim=1))
        return {"v": a * noise - s * x, "eps": noise, "x": x}[prediction]

    assert process.loss(oracle, x, y, time, noise).max() < 1e-10
    estimate = process.denoise(oracle, a * x + s * noise, time, y)
    torch.testing.assert_close(estimate, x, rtol=1e-4, atol=1e-4)


def test_time_power_crowds_sampling_and_training_at_the_noise():
    process = DDPM(time_power=2.0)
    times = process.times(4)
    torch.testing.assert_close(times, torch.tensor([1, 15 / 16, 3 / 4, 7 / 16, 0]).double())
    trained = process.warp(torch.linspace(0, 1, 100_001, dtype=torch.float64))
    # P(t > 1 - d) = d^(1 / power)
    assert float((trained > 0.91).double().mean()) == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "sigmoid"}, r"knows .*got 'sigmoid'"),
        ({"prediction": "score"}, r"knows .*got 'score'"),
        ({"time_power": 0.0}, "time_power must be above zero, got 0"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        DDPM(**options)


@pytest.mark.parametrize(
    ("process", "options", "words"),
    [
        (EDM, {"sigma_min": 2.0, "sigma_max": 1.0}, "sigma_min must lie .* got 2.0 and 1.0"),
        (EDM, {"rho": 0.0}, "rho must be above zero, got 0.0"),
        (EDM, {"spread": -1.0}, "spread must be above zero, got -1.0"),
        (FlowMatching, {"spread": 0.0}, "spread must be above zero, got 0.0"),
    ],
)
def test_wrong_noise_levels_are_refused(process, options, words):
    with pytest.raises(ValueError, match=words):
        process(**options)
