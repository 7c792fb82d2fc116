"""Operators: what they do to a map, and that each adjoint is one."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch

from data.normalize import DEFAULT, normalize
from engine.inverse import Beam, BlockMean, Chain, Mask, Observation, Physical

SHAPE = (3, 1, 12, 8)


def mask():
    return Mask((torch.rand(12, 8, generator=torch.Generator().manual_seed(1)) > 0.4).double())


OPERATORS = {
    "mask": mask(),
    "beam": Beam(2.5),
    "narrow beam": Beam(0.3),
    "blocks": BlockMean(4),
    "chain": Chain((Beam(3.0), BlockMean(2), Mask(torch.rand(6, 4).double()))),
    "nothing": Chain(()),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_the_adjoint_is_one_and_the_operator_linear(name):
    operator, generator = OPERATORS[name], torch.Generator().manual_seed(0)
    x, other = torch.randn(2, *SHAPE, generator=generator, dtype=torch.float64)
    data = torch.randn(operator.forward(x).shape, generator=generator, dtype=torch.float64)
    ahead, back = (operator.forward(x) * data).sum(), (x * operator.adjoint(data)).sum()
    torch.testing.assert_close(ahead, back)
    mixed = operator.forward(2 * x - 3 * other)
    torch.testing.assert_close(mixed, 2 * operator.forward(x) - 3 * operator.forward(other))
    assert operator.linearize(x) is operator


def test_a_beam_keeps_the_sum_and_widens_by_its_variance():
    x = torch.zeros(1, 1, 65, 65, dtype=torch.float64)
    x[..., 32, 32] = 2.0
    seen = Beam(6.0).forward(x)
    assert float(seen.sum()) == pytest.approx(2.0)
    place = torch.arange(65) - 32.0
    variance = float((seen.sum(dim=-2) * place**2).sum() / seen.sum())
    # That of the beam and that of a pixel.
    assert variance == pytest.approx(6.0**2 / (8 * math.log(2)) + 1 / 12, rel=1e-3)
    half = float(seen[..., 32, 35] / seen[..., 32, 32])
    assert half == pytest.approx(0.5, abs=0.01)
    torch.testing.assert_close(Beam(0.05).forward(x), x)
    flat = torch.full((1, 1, 5, 9), 3.0)
    torch.testing.assert_close(Beam(4.0).forward(flat), flat)


def test_blocks_are_means():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert BlockMean(2).forward(x).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    with pytest.raises(ValueError, match=r"multiples of the factor 3, got \(4, 4\)"):
        BlockMean(3).forward(x)


def test_physical_values_and_their_derivative():
    constants = DEFAULT["gas"]
    values = np.random.default_rng(0).lognormal(14.0, 1.0, SHAPE)
    operator = Physical(Chain((Beam(2.0), BlockMean(2))), **asdict(constants))
    x = torch.from_numpy(normalize(values, "gas")).double()
    expected = operator.operator.forward(torch.from_numpy(values))
    torch.testing.assert_close(operator.forward(x), expected, rtol=1e-5, atol=0)
    step = torch.randn(SHAPE, dtype=torch.float64)
    (exact,) = (torch.autograd.functional.jvp(operator.forward, x, step)[1],)
    torch.testing.assert_close(operator.linearize(x).forward(step), exact)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_an_observation_without_noise_has_no_misfit(logarithmic):
    """Also with holes."""
    constants = DEFAULT["stars"]
    values = torch.from_numpy(np.random.default_rng(0).lognormal(10.0, 1.0, (12, 8)))
    operator, floor = Chain((Beam(3.0), BlockMean(2))), constants.floor
    acted = torch.log10(values + floor) if logarithmic else values
    data = operator.forward(acted[None, None])[0, 0].numpy()
    data = 10.0**data - floor if logarithmic else data
    data = np.where(np.arange(4) == 1, np.nan, data)
    noise = np.where(np.isnan(data), np.nan, 0.1 if logarithmic else 1e4)
    made = Observation(data, noise, operator, logarithmic).measurement(constants, (12, 8))
    x = torch.from_numpy(normalize(values.numpy(), "stars"))[None, None]
    misfit = (made.data - made.operator.forward(x)) / made.noise
    assert float(misfit.abs().max()) < 1e-2
    assert float(made.noise[..., 0].mean()) == pytest.approx(0.1 / 1.5 if logarithmic else 1e4)
    shifted = (made.data - made.operator.forward(x + 1.0)) / made.noise
    assert float(shifted[..., 0].abs().min()) > 1
    assert not shifted[..., 1].any()


WRONG = {
    "shape": ({"values": np.ones((4, 4))}, r"values must have shape \(6, 4\).*got \(4, 4\)"),
    "no data": ({"values": np.full((6, 4), np.nan)}, "a finite number somewhere, got none"),
    "no noise": ({"noise": 0.0}, "noise must be finite and above zero.*got 0.0"),
    "noise of another shape": ({"noise": np.ones(4)}, r"a number or a map like .*shape \(4,\)"),
    "a pixel without noise": ({"noise": np.eye(6, 4)}, r"noise must be .*shape \(6, 4\)"),
    "negative": (
        {"values": np.full((6, 4), -1.0), "logarithmic": True},
        "must not be negative if logarithmic, got -1",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_observations_are_one_sentence(kind):
    changes, words = WRONG[kind]
    fields = {"values": np.ones((6, 4)), "noise": 1.0, "operator": BlockMean(2), **changes}
    with pytest.raises(ValueError, match=words) as caught:
        Observation(**fields).measurement(DEFAULT["gas"], (12, 8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Beam(0.0), "fwhm must be a number of pixels above zero, got 0.0"),
    (lambda: BlockMean(0), "factor must be a whole number from 1, got 0"),
    (lambda: BlockMean(1.5), "factor must be a whole number from 1, got 1.5"),
])  # fmt: skip
def test_wrong_instruments_are_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
