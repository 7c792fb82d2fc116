"""Log-densities against the normal distribution that the exact network stands for."""

import numpy as np
import pytest
import scipy.stats
import torch

from engine.checkpoint import save_checkpoint
from engine.likelihood import log_density, signs
from engine.networks.unet import UNet, UNetConfig
from engine.processes.crps import CRPS
from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.pix2pix import Pix2Pix
from engine.processes.score_sde import ScoreSDE
from engine.translator import Translator, TranslatorError

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


@pytest.mark.parametrize("process", [InDI(noise_level=0.0), Pix2Pix(), CRPS()])
def test_paths_without_noise_have_no_density(process):
    with pytest.raises(ValueError, match="has no density: no path of it leads through noise"):
        log_density(process, lambda m, t: m[:, :1], Y, Y, probes=Y)


def test_signs_are_signs():
    probes = signs(1000, (1, 2, 3), torch.Generator().manual_seed(0))
    assert set(probes.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(probes.mean())) < 0.05


@pytest.fixture
def white(tmp_path, card_of):
    """An untrained network gives v = 0: the exact one for pixels that are standard normal."""
    network = UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), null_source=True))
    save_checkpoint(tmp_path / "white", network.state_dict(), card_of(network))
    return Translator.load(tmp_path / "white", device="cpu")


@pytest.mark.parametrize("with_source", [False, True])
def test_a_translator_gives_the_density_of_a_map_in_its_unit(white, rng, with_source):
    """Of normal log10(value + floor): pixel by pixel, with the slope of the logarithm."""
    stars = 10 ** rng.normal(6.0, 0.5, (8, 12))
    gas = {"source_map": 10 ** rng.normal(6.3, 0.5, (8, 12)), "source": "gas"}
    c = white.normalization["stars"]
    exact = scipy.stats.norm(c.center_dex, c.scale_dex).logpdf(np.log10(stars + c.floor))
    exact -= np.log(np.log(10.0) * (stars + c.floor))
    got = white.log_density(stars, "stars", **(gas if with_source else {}))
    assert got == pytest.approx(exact.sum(), abs=0.02 * stars.size)
    assert abs(exact.sum()) > 100 * 0.02 * stars.size


def test_a_source_changes_the_density_and_directions_follow_their_seed(tmp_path, card_of, awake):
    network = awake(UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), null_source=True)))
    save_checkpoint(tmp_path / "some", network.state_dict(), card_of(network))
    translator = Translator.load(tmp_path / "some", device="cpu")
    maps = np.full((8, 8), 1e6)

    def density(seed=0, **source):
        return translator.log_density(maps, "stars", num_probes=1, seed=seed, **source)

    gas = {"source_map": maps, "source": "gas"}
    first = density(**gas)
    assert density(**gas) == first
    assert len({first, density(), density(1, **gas)}) == 3


def test_densities_that_cannot_be_are_one_sentence(white, one_step_checkpoint, checkpoint):
    maps, small = np.ones((16, 16)), np.ones((8, 8))
    gas = {"source_map": maps, "source": "gas"}
    single = Translator.load(one_step_checkpoint, device="cpu")
    with pytest.raises(TranslatorError, match=r"pix2pix: .* has no density: no path of it leads"):
        single.log_density(maps, "hi", **gas)
    with pytest.raises(TranslatorError, match="cannot sample without a source"):
        Translator.load(checkpoint, device="cpu").log_density(maps, "hi")
    for arguments, options, words in (
        (
            (small, "hi"),
            gas,
            r"the shape of source_map, \(16, 16\), got \(8, 8\)",
        ),
        ((-maps, "hi"), gas, "target_map of hi must not be negative, got -1 "),
        ((maps, "gas"), gas, "source and target must differ"),
        ((maps, "hi"), {**gas, "num_probes": 0}, "num_probes must be a whole number 1 to 1024"),
    ):
        with pytest.raises(TranslatorError, match=words):
            white.log_density(*arguments, **options)
