"""Samplers on Gaussians, where the exact denoiser and every distribution are known."""

import pytest
import torch

from engine.processes.ddpm import DDPM
from engine.processes.pix2pix import Pix2Pix
from engine.samplers import SAMPLERS, ancestral, ddim, walk

MEAN = torch.tensor([0.7, -0.4])
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.5]])
COUNT = 20_000


def gaussian_network(process):
    """The exact v-prediction for x ~ N(MEAN, COVARIANCE), maps being (n, 1, 1, 2)."""

    def network(maps, time):
        x_t = maps[:, 0, 0]
        a, _, s = (float(c) for c in process.path(time[:1].double()))
        marginal = a * a * COVARIANCE + s * s * torch.eye(2)
        gain = a * COVARIANCE @ torch.linalg.inv(marginal)
        x_hat = MEAN + (x_t - a * MEAN) @ gain.T
        return ((a * x_t - x_hat) / max(s, 1e-6))[:, None, None]

    return network


def run(sampler, process, num_steps):
    generator = torch.Generator().manual_seed(0)
    y = torch.zeros(COUNT, 1, 1, 2)
    steps = sampler(
        process, gaussian_network(process), y,
        lambda: torch.randn(y.shape, generator=generator), num_steps=num_steps,
    )  # fmt: skip
    return list(steps)


@pytest.mark.parametrize(
    "process", [DDPM(), DDPM("linear"), DDPM(time_power=2.0)], ids=["cosine", "linear", "crowded"]
)
@pytest.mark.parametrize("name", SAMPLERS)
def test_exact_denoiser_gives_mean_and_covariance(name, process):
    final = run(SAMPLERS[name], process, 500)[-1].x[:, 0, 0]
    torch.testing.assert_close(final.mean(0), MEAN, rtol=0, atol=0.02)
    torch.testing.assert_close(final.T.cov(), COVARIANCE, rtol=0, atol=0.03)


def test_ddim_converges_in_first_order():
    """Errors of the map noise -> x halve as steps double; skipping levels wrongly would not."""
    process = DDPM()
    finals = {n: run(ddim, process, n)[-1].x for n in (16, 32, 64, 600)}
    errors = [float((finals[n] - finals[600]).square().mean().sqrt()) for n in (16, 32, 64)]
    assert 1.6 < errors[0] / errors[1] < 2.6
    assert 1.6 < errors[1] / errors[2] < 2.6


def test_ancestral_step_is_the_posterior_of_ddpm():
    """Mean and variance of one step are those of Ho et al. (2020), eqs. 6 and 7."""
    process = DDPM()
    truth, count = 0.8, 100_000
    times = process.times(8)
    path = [float(v) for v in process.path(times)[0]]
    generator = torch.Generator().manual_seed(1)

    def noise():
        return torch.randn(count, 1, 1, 1, generator=generator)

    def oracle(maps, time):
        a, _, s = (c.float()[:, None, None, None] for c in process.path(time))
        return (a * maps[:, :1] - truth) / s

    steps = ancestral(process, oracle, torch.zeros(count, 1, 1, 1), noise, num_steps=8)
    for _ in range(3):
        before = next(steps).x
    after = next(steps).x
    abar, abar_later = path[3] ** 2, path[4] ** 2
    alpha = abar / abar_later
    beta = 1 - alpha
    mean = (abar_later**0.5 * beta * truth + alpha**0.5 * (1 - abar_later) * before) / (1 - abar)
    variance = (1 - abar_later) / (1 - abar) * beta
    residual = after - mean
    assert abs(residual.mean()) < 5 * (variance / count) ** 0.5
    assert residual.var() == pytest.approx(variance, rel=0.02)
    correlation = torch.corrcoef(torch.stack([residual.ravel(), before.ravel()]))[0, 1]
    assert abs(correlation) < 0.02


def test_steps_count_down_and_end_in_the_estimate():
    process = DDPM()
    y = torch.zeros(2, 1, 4, 4)
    steps = list(
        walk(process, lambda m, t: m[:, :1], y, lambda: torch.ones_like(y), num_steps=5, eta=0.0)
    )
    assert [s.index for s in steps] == [1, 2, 3, 4, 5]
    assert [s.time for s in steps] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    assert torch.equal(steps[-1].x, steps[-1].estimate)


def test_estimates_are_never_clipped():
    y = torch.zeros(1, 1, 2, 2)
    steps = ddim(DDPM(prediction="x"), lambda m, t: torch.full_like(y, 50.0), y,
                 lambda: torch.randn(y.shape), num_steps=3)  # fmt: skip
    assert float(list(steps)[-1].x.min()) == 50.0


def test_no_grad_does_not_leak_to_the_caller_between_steps():
    y = torch.zeros(1, 1, 2, 2)
    weight = torch.ones(1, requires_grad=True)
    steps = ddim(DDPM(), lambda m, t: m[:, :1] * weight, y, lambda: torch.ones_like(y), num_steps=4)
    step = next(steps)
    assert torch.is_grad_enabled()
    assert not step.x.requires_grad
    steps.close()
    assert torch.is_grad_enabled()


def test_pix2pix_takes_one_step_from_the_source():
    y = torch.randn(3, 1, 2, 2)
    steps = list(
        ddim(Pix2Pix(), lambda maps, t: 2 * maps, y, lambda: torch.zeros_like(y), num_steps=9)
    )
    assert len(steps) == 1
    assert torch.equal(steps[0].estimate, 2 * y)
