"""Samplers and densities on a mixture of Gaussians, which no linear estimate can stand for."""

import pytest
import torch

from engine.likelihood import log_density
from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.score_sde import ScoreSDE
from engine.samplers import SAMPLERS, Task

WEIGHTS = torch.tensor([0.3, 0.7]).double()
MEANS = torch.tensor([[-1.0, 0.6], [0.8, -0.2]]).double()
COVARIANCES = torch.tensor([[[0.10, 0.05], [0.05, 0.15]], [[0.20, -0.1], [-0.1, 0.10]]]).double()
Y = 0.5

PROCESSES = {
    "ddpm": DDPM(time_power=2.0), "edm": EDM(), "flow": FlowMatching(time_power=2.0),
    "indi": InDI(noise_level=1.0), "vp": ScoreSDE("vp"), "ve": ScoreSDE("ve"),
}  # fmt: skip


def network_of(process):
    """The exact network: the mean of x given x_t over both components."""

    def network(maps, time):
        moment = time[:1].double()
        a, b, s = (float(c) for c in process.path(moment))
        c_skip, c_out, c_in = (float(c) for c in process.precondition(moment))
        x_t, y = maps[:, 0, 0].double() / c_in, maps[:, 1, 0].double()
        marginals = a * a * COVARIANCES + s * s * torch.eye(2)
        rest = (x_t - b * y)[:, None] - a * MEANS
        density = torch.distributions.MultivariateNormal(torch.zeros(2).double(), marginals)
        shares = (WEIGHTS.log() + density.log_prob(rest)).softmax(dim=1)
        gains = a * COVARIANCES @ torch.linalg.inv(marginals)
        each = MEANS + torch.einsum("kij,nkj->nki", gains, rest)
        x_hat = (shares[..., None] * each).sum(dim=1)
        return ((x_hat - c_skip * x_t) / (c_out or 1e-6))[:, None, None].to(maps)

    return network


def mixture():
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(WEIGHTS),
        torch.distributions.MultivariateNormal(MEANS, COVARIANCES),
    )


@pytest.mark.parametrize(("process", "sampler", "steps"), [
    ("ddpm", "ddim", 200), ("ddpm", "dpm_solver", 60), ("edm", "heun", 60),
    ("edm", "ancestral", 250), ("flow", "heun", 60), ("flow", "dpm_solver", 60),
    ("indi", "heun", 60), ("vp", "reverse_sde", 300), ("ve", "predictor_corrector", 250),
])  # fmt: skip
def test_samples_are_those_of_the_mixture(process, sampler, steps):
    process, count = PROCESSES[process], 4_000
    generator = torch.Generator().manual_seed(0)
    y = torch.full((count, 1, 1, 2), Y)
    task = Task(process, network_of(process), y, lambda: torch.randn(y.shape, generator=generator))
    for step in SAMPLERS[sampler](task, steps):
        x = step.x[:, 0, 0].double()
    first = torch.distributions.MultivariateNormal(MEANS, COVARIANCES).log_prob(x[:, None])
    shares = (WEIGHTS.log() + first).softmax(dim=1)
    # The share scatters by 0.007, a component's mean by 0.01 and its covariance by 0.01.
    assert float(shares[:, 0].mean()) == pytest.approx(0.3, abs=0.03)
    for k in range(2):
        weights = shares[:, k : k + 1] / shares[:, k].sum()
        mean = (weights * x).sum(dim=0)
        covariance = (weights * (x - mean)).T @ (x - mean)
        torch.testing.assert_close(mean, MEANS[k], rtol=0, atol=0.05)
        torch.testing.assert_close(covariance, COVARIANCES[k], rtol=0, atol=0.035)


@pytest.mark.parametrize("process", ["ddpm", "edm", "flow", "indi", "ve"])
def test_the_adaptive_solver_ends_where_many_steps_of_a_fixed_one_do(process):
    process, y = PROCESSES[process], torch.full((6, 1, 1, 2), Y)
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    task = Task(process, network_of(process), y, lambda: noise)
    *_, adaptive = SAMPLERS["ode"](task, 3)
    *_, fixed = SAMPLERS["heun"](task, 200)
    torch.testing.assert_close(adaptive.x, fixed.x, rtol=0, atol=0.02)


@pytest.mark.parametrize("process", ["ddpm", "edm", "flow", "vp"])
@pytest.mark.parametrize("point", [(-1.0, 0.5), (0.0, 0.2), (0.9, -0.6)])
def test_density_is_that_of_the_mixture(process, point):
    process = PROCESSES[process]
    x, y = (torch.tensor(v).reshape(1, 1, 1, 2) for v in (point, (Y, Y)))
    probes = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]).reshape(4, 1, 1, 2)
    got = float(log_density(process, network_of(process), x, y, probes=probes))
    exact = float(mixture().log_prob(torch.tensor(point).double()))
    assert got == pytest.approx(exact, abs=0.03)
