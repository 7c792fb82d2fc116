"""What a network is trained to give is what sampling takes it for, whatever the process."""

import pytest
import torch

from engine.processes.ddpm import DDPM, PREDICTIONS
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.score_sde import SDES, ScoreSDE

PROCESSES = {
    **{f"ddpm {p}": DDPM(prediction=p) for p in PREDICTIONS}, "linear": DDPM("linear"),
    **{sde: ScoreSDE(sde) for sde in SDES}, "edm": EDM(), "flow": FlowMatching(), "indi": InDI(),
    "indi without noise": InDI(noise_level=0.0),
}  # fmt: skip
COUNT = 64


@pytest.fixture(params=PROCESSES)
def process(request):
    return PROCESSES[request.param]


def drawn(process, count=COUNT):
    """Targets, sources and noise of unit variance, at the times of training, in float64."""
    x, y, noise = torch.randn(
        3, count, 1, 4, 4, generator=torch.Generator().manual_seed(0)
    ).double()
    return x, y, noise, process.training_times((torch.arange(count).double() + 0.5) / count)


def test_training_sees_the_states_times_and_target_of_sampling(process):
    """The exact answer costs nothing in training, and as an estimate gives x back."""
    x, y, noise, time = drawn(process)
    seen = []

    def oracle(maps, moments):
        seen.append((maps, moments))
        return process.target(x, noise, time)

    assert float(process.loss(oracle, x, y, time, noise).max()) < 1e-20
    estimate = process.denoise(oracle, process.perturb(x, y, time, noise), time, y)
    torch.testing.assert_close(estimate, x)
    (maps, moments), (again, at) = seen
    torch.testing.assert_close(maps, again)
    assert torch.equal(moments, at)
    assert bool(((moments >= 0) & (moments <= 1)).all())
    assert moments.max() > 0.9


def test_an_error_of_the_network_is_that_of_the_estimate_over_c_out(process):
    x, y, noise, time = drawn(process)
    error = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()

    def wrong(maps, moments):
        return process.target(x, noise, time) + error

    estimate = process.denoise(wrong, process.perturb(x, y, time, noise), time, y)
    c_out = process.precondition(time)[1][:, None, None, None]
    torch.testing.assert_close(estimate - x, c_out * error)
    loss = process.loss(wrong, x, y, time, noise)
    torch.testing.assert_close(loss, error.square().mean(dim=(1, 2, 3)))


@pytest.mark.parametrize("name", ["ve", "vp", "subvp", "edm", "ddpm v"])
def test_input_and_target_of_the_network_have_unit_variance(name):
    """Of data of unit variance, at all times (Karras et al. 2022, appendix B.6)."""
    process = PROCESSES[name]
    x, y, noise, time = drawn(process, 20_000)
    c_in = process.precondition(time)[2][:, None, None, None]
    for maps in (c_in * process.perturb(x, y, time, noise), process.target(x, noise, time)):
        for part in maps.tensor_split(4):
            assert float(part.var()) == pytest.approx(1.0, abs=0.03)
