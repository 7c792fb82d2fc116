"""Log-densities against the normal distribution that the exact network stands for."""

import pytest
import torch

from engine.likelihood import log_density, signs
from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.pix2pix import Pix2Pix
from engine.processes.score_sde import ScoreSDE

PROCESSES = [DDPM(), ScoreSDE("vp"), ScoreSDE("subvp"), ScoreSDE("ve"), EDM(), FlowMatching(),
             InDI(noise_level=1.0)]  # fmt: skip
Y = torch.full((1, 1, 1, 2), 0.5)


def density(process, gaussian, x, count, seed=0):
    probes = signs(count, x.shape[1:], torch.Generator().manual_seed(seed))
    return float(log_density(process, gaussian.network(process), x, Y, probes=probes))


@pytest.mark.parametrize(
    "process", PROCESSES, ids=lambda p: type(p).__name__ + getattr(p, "sde", "")
)
@pytest.mark.parametrize("point", [(0.7, -0.4), (2.0, 0.1)])
def test_density_is_that_of_the_normal_distribution(process, point, gaussian):
    normal = torch.distributions.MultivariateNormal(gaussian.mean, gaussian.covariance)
    x = torch.tensor(point).reshape(1, 1, 1, 2)
    # All four signs: the divergence is then exact, for the off-diagonal terms cancel.
    probes = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]).reshape(4, 1, 1, 2)
    got = float(log_density(process, gaussian.network(process), x, Y, probes=probes))
    assert got == pytest.approx(float(normal.log_prob(torch.tensor(point))), abs=0.02)


def test_few_probes_are_right_on_average(gaussian):
    x = torch.tensor([0.2, 0.3]).reshape(1, 1, 1, 2)
    normal = torch.distributions.MultivariateNormal(gaussian.mean, gaussian.covariance)
    got = torch.tensor([density(EDM(), gaussian, x, 1, seed) for seed in range(24)])
    error = float(got.std()) / 24**0.5
    assert error > 0.01  # one probe alone is a guess
    assert float(got.mean()) == pytest.approx(float(normal.log_prob(x.ravel())), abs=4 * error)


@pytest.mark.parametrize("process", [InDI(noise_level=0.0), Pix2Pix()])
def test_paths_without_noise_have_no_density(process):
    with pytest.raises(ValueError, match="has no density: its path ends without noise"):
        log_density(process, lambda m, t: m[:, :1], Y, Y, probes=Y)


def test_signs_are_signs():
    probes = signs(1000, (1, 2, 3), torch.Generator().manual_seed(0))
    assert set(probes.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(probes.mean())) < 0.05
