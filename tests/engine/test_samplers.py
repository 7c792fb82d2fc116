"""Samplers on Gaussians, where the exact denoiser and every distribution are known."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.pix2pix import Pix2Pix
from engine.processes.score_sde import ScoreSDE
from engine.samplers import SAMPLERS, Task, walk

COUNT = 5_000
SINGULAR = ("reverse_sde", "predictor_corrector")

PROCESSES = {
    "cosine": DDPM(),
    "linear": DDPM("linear"),
    "crowded": DDPM(time_power=2.0),
    "eps": DDPM(prediction="eps"),
    "vp": ScoreSDE("vp"),
    "subvp": ScoreSDE("subvp"),
    "ve": ScoreSDE("ve"),
    "edm": EDM(),
    "flow": FlowMatching(),
    "indi": InDI(noise_level=1.0),
}


@pytest.fixture
def task_of(gaussian):
    """Return a function that makes the task of sampling the Gaussian along a process."""

    def make(process, count=COUNT):
        generator = torch.Generator().manual_seed(0)
        y = torch.full((count, 1, 1, 2), 0.5)
        return Task(process, gaussian.network(process), y,
                    lambda: torch.randn(y.shape, generator=generator))  # fmt: skip

    return make


@pytest.fixture
def final(task_of):
    """Return a function that gives where a sampler ends, (count, 2)."""

    def walk_to_the_end(sampler, process, num_steps, count=COUNT):
        return list(SAMPLERS[sampler](task_of(process, count), num_steps))[-1].x[:, 0, 0]

    return walk_to_the_end


FAST = [(p, s) for p, s in product(PROCESSES, SAMPLERS) if s != "ode"
        and not (s in SINGULAR and p in ("flow", "indi"))]  # fmt: skip


@pytest.mark.parametrize(("process", "sampler"), FAST)
def test_exact_denoiser_gives_mean_and_covariance(process, sampler, final, gaussian):
    steps = 100 if sampler in ("heun", "dpm_solver") else 300
    x = final(sampler, PROCESSES[process], steps)
    # The mean and the variance of 5,000 draws scatter by 0.014 and 0.02.
    torch.testing.assert_close(x.mean(0), gaussian.mean, rtol=0, atol=0.05)
    torch.testing.assert_close(x.T.cov(), gaussian.covariance, rtol=0, atol=0.07)


def exact_flow(process, start, gaussian):
    """Where the probability-flow ODE takes x_1: x = m + C^1/2 (a^2 C + s^2)^-1/2 (x_1 - b y - a m).

    Follows from dx/dt being linear with matrices that commute.
    """
    a, b, s = (float(c) for c in process.path(torch.ones((), dtype=torch.float64)))
    values, vectors = torch.linalg.eigh(gaussian.covariance.double())
    gain = vectors @ torch.diag(torch.sqrt(values / (a * a * values + s * s))) @ vectors.T
    return gaussian.mean + (start.double() - 0.5 * b - a * gaussian.mean) @ gain.T


@pytest.mark.parametrize("process", ["crowded", "edm", "flow", "indi", "vp"])
@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("heun", 2), ("dpm_solver", 2)])
def test_error_falls_with_the_order_of_the_solver(
    process, sampler, order, task_of, final, gaussian
):
    path = PROCESSES[process]
    truth = exact_flow(path, task_of(path, 200).start()[:, 0, 0], gaussian)
    errors = []
    for steps in (40, 80, 160):
        x = final(sampler, path, steps, 200).double()
        errors.append(float((x - truth).square().mean().sqrt()))
    assert errors[2] < 0.05
    gains = [errors[0] / errors[1], errors[1] / errors[2]]
    assert gains[1] > 1.7 if order == 1 else max(gains) > 2.7, (errors, gains)
    if order == 1:
        assert gains[1] < 2.6, (errors, gains)


@pytest.mark.parametrize("process", ["cosine", "ve", "flow", "indi"])
def test_adaptive_ode_is_exact_and_knows_no_batch(process, task_of, gaussian):
    path = PROCESSES[process]
    steps = list(SAMPLERS["ode"](task_of(path, 6), 5))
    start = task_of(path, 6).start()
    truth = exact_flow(path, start[:, 0, 0], gaussian)
    torch.testing.assert_close(steps[-1].x[:, 0, 0].double(), truth, rtol=0, atol=0.02)
    assert [s.time for s in steps] == pytest.approx(path.times(5)[1:].tolist())
    alone = replace(task_of(path, 1), noise=lambda: (start[:1] - 0.5 * path_b(path)) / path_s(path))
    torch.testing.assert_close(list(SAMPLERS["ode"](alone, 5))[-1].x, steps[-1].x[:1])


def path_b(process):
    return float(process.path(torch.ones(()))[1])


def path_s(process):
    return float(process.path(torch.ones(()))[2])


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

    steps = SAMPLERS["ancestral"](Task(process, oracle, torch.zeros(count, 1, 1, 1), noise), 8)
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


@pytest.mark.parametrize("process", ["linear", "subvp", "ve", "edm", "flow", "indi"])
def test_ancestral_step_is_a_draw_from_the_posterior_of_any_path(process):
    """Mean and deviation of x_t' given x_t, x and y, conditioned by hand."""
    process, times = PROCESSES[process], (0.7, 0.4)
    path = process.path(torch.tensor(times, dtype=torch.float64))
    (a, a_later), (b, b_later), (s, s_later) = path
    x, estimate, y = torch.randn(3, 4, 1, 2, 2, generator=torch.Generator().manual_seed(3)).double()
    # x_t = (a/a') (x_t' - b' y) + b y + independent noise, given which Gaussians are conditioned.
    covariance = a / a_later * s_later**2
    mean = a_later * estimate + b_later * y + covariance / s**2 * (x - a * estimate - b * y)
    deviation = (s_later**2 - covariance**2 / s**2).sqrt()
    for level in (0.0, 1.0):
        task = Task(process, lambda m, t: m, y, lambda level=level: torch.full_like(y, level))
        got = task.advance(x, estimate, times, eta=1.0)
        torch.testing.assert_close(got, mean + level * deviation)


def test_dpm_solver_takes_the_steps_of_its_algorithm():
    """Lu et al. (2022), algorithm 2: x' = s'/s x - a' (exp(-h) - 1) D, D of two estimates."""
    process, y = ScoreSDE("vp"), torch.zeros(2, 1, 2, 2, dtype=torch.float64)
    noise = torch.randn(2, 1, 2, 2, generator=torch.Generator().manual_seed(4)).double()
    task = Task(process, lambda m, t: m[:, :1].sin(), y, lambda: noise)
    steps = list(SAMPLERS["dpm_solver"](task, 4))
    times = process.times(4)
    a, _, s = process.path(times)
    h = (a / s).log().diff()
    x, before = task.start(), None
    for i in range(3):
        data = task.estimate(x, float(times[i]))
        r = h[i - 1] / h[i]
        used = data if before is None else (1 + 1 / (2 * r)) * data - 1 / (2 * r) * before
        x = s[i + 1] / s[i] * x - a[i + 1] * torch.expm1(-h[i]) * used
        torch.testing.assert_close(steps[i].x, x)
        before = data


@pytest.mark.parametrize("process", ["vp", "ve", "edm", "flow"])
def test_dpm_solver_does_not_extrapolate_to_the_data(process):
    process = PROCESSES[process]
    task = plain_task(process, lambda m, t: m[:, :1].sin(), torch.randn_like)
    steps = list(SAMPLERS["dpm_solver"](task, 5))
    last = task.estimate(steps[-2].x, float(process.times(5)[-2]))
    torch.testing.assert_close(steps[-1].x, last)


@pytest.mark.parametrize("sampler", ["ddim", "ancestral", "heun", "dpm_solver", "ode"])
def test_times_too_close_to_tell_apart_from_pure_noise_do_no_harm(sampler, task_of):
    path = FlowMatching(time_power=12.0)
    assert path.times(40)[1] == 1.0
    assert list(SAMPLERS[sampler](task_of(path, 5), 40))[-1].x.isfinite().all()


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_indi_takes_the_step_of_its_paper(level):
    """x_t' = (t'/t) x_t + (1 - t'/t) x of Delbracio & Milanfar (2023), also without noise."""
    x, estimate, y = (torch.randn(2, 1, 3, 3) for _ in range(3))
    task = Task(InDI(noise_level=level), lambda m, t: m[:, :1], y, lambda: torch.zeros_like(y))
    got = task.advance(x, estimate, (0.8, 0.6))
    torch.testing.assert_close(got, 0.75 * x + 0.25 * estimate)


def test_reverse_sde_is_refused_where_it_is_singular(task_of):
    task = task_of(FlowMatching(), 2)
    with pytest.raises(ValueError, match="FlowMatching is singular at t = 1: take the sampler"):
        SAMPLERS["reverse_sde"](task, 4)


def plain_task(process, network, noise, size=4, count=2):
    y = torch.zeros(count, 1, size, size)
    return Task(process, network, y, lambda: noise(y))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_steps_count_down_and_end_in_the_estimate(sampler):
    task = plain_task(DDPM(), lambda m, t: m[:, :1], torch.ones_like)
    steps = list(SAMPLERS[sampler](task, 5))
    assert [s.index for s in steps] == [1, 2, 3, 4, 5]
    assert [s.time for s in steps] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    assert torch.equal(steps[-1].x, steps[-1].estimate)


def test_estimates_are_never_clipped():
    task = plain_task(DDPM(prediction="x"), lambda m, t: torch.full_like(m[:, :1], 50.0),
                      torch.randn_like)  # fmt: skip
    assert float(list(walk(task, 3, eta=0.0))[-1].x.min()) == 50.0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_grad_does_not_leak_to_the_caller_between_steps(sampler):
    weight = torch.ones(1, requires_grad=True)
    task = plain_task(DDPM(), lambda m, t: m[:, :1] * weight, torch.ones_like)
    steps = SAMPLERS[sampler](task, 4)
    step = next(steps)
    assert torch.is_grad_enabled()
    assert not step.x.requires_grad
    steps.close()
    assert torch.is_grad_enabled()


def test_pix2pix_takes_one_step_from_the_source():
    y = torch.randn(3, 1, 2, 2)
    task = Task(Pix2Pix(), lambda maps, t: 2 * maps, y, lambda: torch.zeros_like(y))
    steps = list(walk(task, 9, eta=0.0))
    assert len(steps) == 1
    assert torch.equal(steps[0].estimate, 2 * y)
