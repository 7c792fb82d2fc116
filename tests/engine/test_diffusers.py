"""Schedules and single steps beside those of diffusers, where it has the same method."""

from types import SimpleNamespace

import pytest
import torch

from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.samplers import SAMPLERS, Task

diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
TRAINED = 1000


def time_at(index):
    """Our time of their step: they count from 0, and their first step has noise."""
    return (torch.as_tensor(index, dtype=torch.float64) + 1) / TRAINED


@pytest.fixture
def drawn():
    """A state, what a network says about it, and noise."""
    generator = torch.Generator().manual_seed(0)
    x, said, noise = torch.randn(3, 2, 1, 4, 4, generator=generator, dtype=torch.float64)
    return SimpleNamespace(x=x, said=said, noise=noise)


def task_of(process, drawn):
    return Task(process, lambda m, t: drawn.said, torch.zeros_like(drawn.x), lambda: drawn.noise)


def test_the_cosine_schedule_is_theirs():
    theirs = diffusers.DDPMScheduler(TRAINED, beta_schedule="squaredcos_cap_v2").alphas_cumprod
    a, _, _ = DDPM("cosine").path(time_at(torch.arange(TRAINED)))
    # The last one differs: they clip beta, we clip a.
    torch.testing.assert_close(a[:-1].square(), theirs[:-1].double(), rtol=1e-5, atol=1e-7)


def test_the_linear_schedule_is_the_limit_of_theirs():
    """Their log abar is a sum of log(1 - beta), ours the integral: the difference falls as 1/N."""
    errors = []
    for count in (1000, 4000):
        scheduler = diffusers.DDPMScheduler(
            count, beta_schedule="linear", beta_start=0.1 / count, beta_end=20.0 / count
        )
        time = (torch.arange(count, dtype=torch.float64) + 1) / count
        difference = 2 * DDPM("linear").path(time)[0].log()
        difference -= scheduler.alphas_cumprod.double().log()
        errors.append(float(difference.abs().max()))
    assert errors[0] < 0.1  # of log abar, which goes to -10
    assert errors[1] == pytest.approx(errors[0] / 4, rel=0.05)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_step_of_ddim_is_theirs(drawn, prediction, eta):
    scheduler = diffusers.DDIMScheduler(
        TRAINED, beta_schedule="squaredcos_cap_v2", clip_sample=False, prediction_type=prediction
    )
    scheduler.set_timesteps(10)
    process = DDPM("cosine", {"epsilon": "eps", "v_prediction": "v", "sample": "x"}[prediction])
    task = task_of(process, drawn)
    for index, later in zip(scheduler.timesteps[:-1], scheduler.timesteps[1:], strict=True):
        theirs = scheduler.step(drawn.said, index, drawn.x, eta=eta, variance_noise=drawn.noise)
        times = float(time_at(index)), float(time_at(later))
        estimate = task.estimate(drawn.x, times[0])
        torch.testing.assert_close(estimate, theirs.pred_original_sample, rtol=1e-4, atol=1e-4)
        ours = task.advance(drawn.x, estimate, times, eta)
        torch.testing.assert_close(ours, theirs.prev_sample, rtol=1e-4, atol=1e-4)


def test_an_ancestral_step_is_theirs(drawn):
    scheduler = diffusers.DDPMScheduler(
        TRAINED, beta_schedule="squaredcos_cap_v2", clip_sample=False, variance_type="fixed_small"
    )
    scheduler.set_timesteps(20)
    task = task_of(DDPM("cosine", "eps"), drawn)
    for index, later in zip(scheduler.timesteps[:-1], scheduler.timesteps[1:], strict=True):
        theirs = scheduler.step(
            drawn.said, index, drawn.x, generator=torch.Generator().manual_seed(int(index))
        ).prev_sample
        generator = torch.Generator().manual_seed(int(index))
        drawn.noise = torch.randn(drawn.x.shape, generator=generator, dtype=torch.float64)
        times = float(time_at(index)), float(time_at(later))
        ours = task.advance(drawn.x, task.estimate(drawn.x, times[0]), times, eta=1.0)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_dpm_solver_walks_as_theirs():
    scheduler = diffusers.DPMSolverMultistepScheduler(
        TRAINED, beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction",
        timestep_spacing="leading", final_sigmas_type="zero",
    )  # fmt: skip
    scheduler.set_timesteps(12)

    class Same(DDPM):
        def times(self, num_steps):
            return torch.cat([time_at(scheduler.timesteps), torch.zeros(1).double()])

    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    process = Same("cosine", "v")
    task = Task(process, lambda m, t: (1.5 * m[:, :1]).sin(), torch.zeros_like(x), lambda: x)
    x = task.start()
    for step, index in zip(SAMPLERS["dpm_solver"](task, 12), scheduler.timesteps, strict=True):
        x = scheduler.step((1.5 * x).sin(), index, x).prev_sample.double()
        torch.testing.assert_close(step.x, x, rtol=1e-3, atol=1e-3)


def test_edm_has_their_noise_levels_preconditioning_and_steps(drawn):
    process = EDM(sigma_min=0.02, sigma_max=50.0, rho=7.0)
    scheduler = diffusers.EDMEulerScheduler(sigma_min=0.02, sigma_max=50.0, sigma_data=1.0, rho=7.0)
    scheduler.set_timesteps(8)
    times = torch.linspace(1.0, 0.0, 8, dtype=torch.float64)
    sigmas = process.path(times)[2]
    torch.testing.assert_close(sigmas, scheduler.sigmas[:-1].double(), rtol=1e-5, atol=0)
    c_skip, c_out, c_in = (c[:, None, None, None] for c in process.precondition(times))
    task = task_of(process, drawn)
    for i, sigma in enumerate(scheduler.sigmas[:-1]):
        torch.testing.assert_close(
            c_in[i] * drawn.x, scheduler.precondition_inputs(drawn.x, sigma.double())
        )
        estimate = scheduler.precondition_outputs(drawn.x, drawn.said, sigma.double())
        torch.testing.assert_close(c_skip[i] * drawn.x + c_out[i] * drawn.said, estimate)
        theirs = scheduler.step(drawn.said, scheduler.timesteps[i], drawn.x).prev_sample
        now, later = float(times[i]), float(times[i + 1]) if i < 7 else 0.0
        if i < 7 and later > 0.0:
            ours = task.advance(drawn.x, task.estimate(drawn.x, now), (now, later))
            torch.testing.assert_close(ours, theirs.double(), rtol=1e-4, atol=1e-4)


def test_a_step_of_flow_matching_is_theirs(drawn):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[1.0, 0.7, 0.4, 0.1])
    task = task_of(FlowMatching(), drawn)
    times = scheduler.sigmas.tolist()
    for i, index in enumerate(scheduler.timesteps):
        theirs = scheduler.step(drawn.said, index, drawn.x).prev_sample
        estimate = task.estimate(drawn.x, times[i])
        ours = task.advance(drawn.x, estimate, (times[i], times[i + 1]))
        torch.testing.assert_close(ours, theirs.double(), rtol=1e-5, atol=1e-5)
