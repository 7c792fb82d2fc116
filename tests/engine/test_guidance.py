"""Guidance between the prior and the conditional, and samples without a source."""

import numpy as np
import pytest
import torch
from torch import nn

from data.normalize import denormalize, normalize
from engine.checkpoint import save_checkpoint
from engine.guidance import guided
from engine.networks.unet import UNet, UNetConfig
from engine.processes import PROCESSES
from engine.translator import Translator, TranslatorError

SHAPE = (16, 16)
CONFIG = UNetConfig(widths=(8, 16), blocks=(1, 1), null_source=True)


@pytest.fixture
def network(awake):
    return awake(UNet(CONFIG))


@pytest.fixture
def translator(network, tmp_path, card_of):
    save_checkpoint(tmp_path / "free", network.state_dict(), card_of(network))
    return Translator.load(tmp_path / "free", device="cpu")


@pytest.fixture
def gas(rng):
    return 10 ** rng.normal(6.3, 0.5, SHAPE)


@pytest.mark.parametrize("family", ["ddpm", "edm", "flow", "score_sde"])
def test_estimates_are_mixed_as_the_noise_is(network, family):
    """Ho & Salimans (2022), eq. 6: (1 + w) eps(y) - w eps(), of the estimates at one x_t."""
    process, w = PROCESSES[family](), 1.5
    x, y = torch.randn(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    time = torch.tensor([0.2, 0.5, 0.8])
    a, _, s = (c[:, None, None, None] for c in process.path(time))

    def noise(called):
        with torch.no_grad():
            return (x - a * process.denoise(called, x, time, y)) / s

    conditional, prior = noise(guided(network, 0, 1)), noise(guided(network, None, 1))
    assert (conditional - prior).abs().max() > 1e-3
    mixed = noise(guided(network, 0, 1, guidance=1.0 + w))
    torch.testing.assert_close(mixed, (1 + w) * conditional - w * prior, rtol=1e-3, atol=1e-3)


def test_one_evaluation_gives_both(network):
    sizes = []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    maps, time = torch.randn(3, 2, 16, 16), torch.rand(3)
    for guidance, expected in ((0.0, 3), (1.0, 3), (2.0, 6)):
        guided(network, 0, 1, guidance=guidance)(maps, time)
        assert sizes == [expected]
        sizes.clear()


def test_the_prior_knows_no_source(translator, gas):
    options = {"num_samples": 2, "seed": 5, "num_steps": 4}
    prior = translator.prior("hi", **options)
    assert prior.shape == (2, *SHAPE)
    assert not np.allclose(prior[0], prior[1], rtol=0.1)
    for maps, source in ((gas, "gas"), (2 * gas, "stars")):
        unguided = translator.translate(maps, source, "hi", guidance=0.0, **options)
        np.testing.assert_array_equal(unguided, prior)
    assert not np.allclose(prior, translator.prior("stars", **options), rtol=0.1)
    assert translator.prior("hi", shape=(8, 12), num_steps=2).shape == (1, 8, 12)


@pytest.mark.parametrize("sampler", ["ddim", "heun", "predictor_corrector"])
def test_guidance_moves_samples_from_the_prior_through_the_conditional(translator, gas, sampler):
    def at(guidance):
        many = translator.sample_normalized(
            normalize(gas, "gas")[None], "gas", "hi", sampler=sampler, num_steps=3,
            guidance=guidance, num_samples=2,
        )  # fmt: skip
        one = translator.translate(
            gas, "gas", "hi", sampler=sampler, num_steps=3, guidance=guidance, num_samples=2
        )
        np.testing.assert_allclose(denormalize(many[0], "hi"), one, rtol=2e-3)
        return many

    plain = translator.sample_normalized(
        normalize(gas, "gas")[None], "gas", "hi", sampler=sampler, num_steps=3, num_samples=2
    )
    np.testing.assert_array_equal(at(1.0), plain)
    assert len({at(g).tobytes() for g in (0.0, 1.0, np.float32(3.0))}) == 3


@pytest.mark.parametrize("guidance", [-1.0, float("nan"), float("inf"), "much"])
def test_wrong_guidance_is_one_sentence(translator, gas, guidance):
    with pytest.raises(TranslatorError, match="guidance must be a finite number from 0, got"):
        translator.trajectory(gas, "gas", "hi", guidance=guidance)


def test_weights_without_a_prior_say_so(checkpoint, gas):
    translator = Translator.load(checkpoint, device="cpu")
    assert not translator.has_prior
    with pytest.raises(TranslatorError, match=r"with a guidance of 2: the source was never hidden"):
        translator.trajectory(gas, "gas", "hi", guidance=2.0)
    with pytest.raises(TranslatorError, match="ddpm cannot sample without a source"):
        translator.prior("hi")
    assert translator.translate(gas, "gas", "hi", guidance=1.0, num_steps=2).shape == (1, *SHAPE)


def test_a_prior_of_what_is_not_there_is_refused(translator):
    with pytest.raises(TranslatorError, match="target: unknown domain 'x_rays'"):
        translator.prior("x_rays")
    with pytest.raises(
        TranslatorError, match=r"shape must have .* multiples of 4 .*got \(15, 16\)"
    ):
        translator.prior("hi", shape=(15, 16))
    for shape in ((-16, 16), (16.0, 16)):
        with pytest.raises(TranslatorError, match="shape must have shape"):
            translator.prior("hi", shape=shape)


def test_the_guided_score_is_that_of_the_product_of_powers():
    """Of p(x)^(1 - g) p(x | y)^g, both blurred by the noise: of Gaussians, precisions add up."""
    prior, conditional, g = (0.0, 1.0), (0.5, 0.2), 3.0  # mean, variance
    process = PROCESSES["edm"]()

    class Exact(nn.Module):
        config = CONFIG

        def forward(self, maps, time, source, target):
            c_skip, c_out, c_in = (c[:, None, None, None] for c in process.precondition(time))
            s, x_t = process.path(time)[2][:, None, None, None], maps[:, :1] / c_in
            free = (source == 7)[:, None, None, None]
            mean, variance = (
                torch.where(free, p, c) for p, c in zip(prior, conditional, strict=True)
            )
            estimate = mean + variance / (variance + s**2) * (x_t - mean)
            return (estimate - c_skip * x_t) / c_out

    x, time = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1), torch.full((5,), 0.3)
    s = float(process.path(time[:1])[2])
    estimate = process.denoise(guided(Exact(), 0, 1, guidance=g), x, time, torch.zeros_like(x))
    weights = (1 - g) / (prior[1] + s * s), g / (conditional[1] + s * s)
    truth = weights[0] * (prior[0] - x) + weights[1] * (conditional[0] - x)
    torch.testing.assert_close((estimate - x) / s**2, truth, rtol=1e-3, atol=1e-3)
