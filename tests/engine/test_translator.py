"""Translators: what they promise to their callers."""

import json

import numpy as np
import pytest
import torch

from data.normalize import DEFAULT, Normalization, Scale, denormalize, normalize
from engine.checkpoint import CheckpointError, read_card, write_card
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.pix2pix import Pix2Pix
from engine.samplers import SAMPLERS
from engine.translator import Request, Translator, TranslatorError, available

SHAPE = (16, 16)


@pytest.fixture
def translator(checkpoint):
    return Translator.load(checkpoint, device="cpu")


@pytest.fixture
def gas(rng):
    return 10 ** rng.normal(6.3, 0.5, SHAPE)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_same_seed_same_map_whatever_the_number_of_samples(translator, gas, sampler):
    options = {"sampler": sampler, "num_steps": 4}
    many = translator.translate(gas, "gas", "hi", num_samples=5, seed=3, **options)
    few = translator.translate(gas, "gas", "hi", num_samples=2, seed=3, **options)
    assert many.shape == (5, *SHAPE)
    assert many.dtype == np.float32
    np.testing.assert_allclose(many[:2], few, rtol=2e-3)
    assert not np.allclose(many[0], many[1], rtol=0.1)
    other = translator.translate(gas, "gas", "hi", seed=4, **options)
    assert not np.allclose(many[0], other[0], rtol=0.1)


def test_a_sampler_that_does_not_fit_is_refused_at_the_call(translator, gas):
    translator.process = FlowMatching()
    with pytest.raises(TranslatorError, match="'reverse_sde': the reverse SDE of FlowMatching"):
        translator.trajectory(gas, "gas", "hi", sampler="reverse_sde")


def test_samplers_differ(translator, gas):
    a, b = (translator.translate(gas, "gas", "hi", sampler=s) for s in ("ddim", "ancestral"))
    assert not np.allclose(a, b, rtol=0.1)


def test_last_step_is_the_translation(translator, gas):
    steps = list(translator.trajectory(gas, "gas", "stars", num_steps=4, num_samples=2))
    assert [s.index for s in steps] == [1, 2, 3, 4]
    assert {s.num_steps for s in steps} == {4}
    assert steps[-1].time == 0
    assert all(s.x.shape == s.estimate.shape == (2, *SHAPE) for s in steps)
    whole = translator.translate(gas, "gas", "stars", num_steps=4, num_samples=2)
    np.testing.assert_array_equal(steps[-1].estimate, whole)
    np.testing.assert_allclose(denormalize(steps[-1].x, "stars"), whole, rtol=1e-5)


@pytest.mark.parametrize(
    ("process", "time", "sigma"),
    [(EDM(sigma_max=80.0), 1.0, 80.0), (FlowMatching(), 0.25, 0.25), (Pix2Pix(), 1.0, 0.0),
     (InDI(noise_level=0.1), 0.5, 0.05)],
)  # fmt: skip
def test_every_process_tells_its_noise(process, time, sigma):
    assert process.sigma(time) == pytest.approx(sigma)


def test_steps_carry_the_noise_of_their_state(translator, gas):
    steps = list(translator.trajectory(gas, "gas", "hi", num_steps=8, num_samples=4))
    sigmas = [step.sigma for step in steps]
    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[0] > 0.9
    assert sigmas[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_checkpoint_with_other_constants_translates_by_them(checkpoint, translator, gas):
    """One network, two cards: what it sees is the same where maps differ as the constants do."""
    other = Normalization({
        name: Scale(2.0 * s.floor, s.center_dex - 0.3, 1.4 * s.scale_dex)
        for name, s in DEFAULT.scales.items()
    })  # fmt: skip
    write_card(checkpoint, {**read_card(checkpoint), "normalization": other.to_json()})
    second = Translator.load(checkpoint, device="cpu")
    assert (translator.normalization, second.normalization) == (DEFAULT, other)
    y = normalize(gas, "gas")
    a = list(translator.trajectory(gas, "gas", "hi", num_samples=2))
    b = list(second.trajectory(denormalize(y, "gas", other), "gas", "hi", num_samples=2))
    for one, two in zip(a, b, strict=True):
        np.testing.assert_allclose(one.x, two.x, atol=1e-4)
        lit = (one.estimate > 0) & (two.estimate > 0)  # the two empty pixels differ
        assert lit.mean() > 0.3
        np.testing.assert_allclose(
            normalize(one.estimate, "hi")[lit], normalize(two.estimate, "hi", other)[lit], atol=1e-4
        )
    assert not np.allclose(a[-1].estimate, b[-1].estimate, rtol=0.1)
    drawn = second.sample_normalized(y[None], "gas", "hi", num_samples=2)
    np.testing.assert_allclose(denormalize(drawn[0], "hi", other), b[-1].estimate, rtol=2e-3)


def test_first_state_is_nearly_noise(translator, gas):
    first = next(translator.trajectory(gas, "gas", "stars", num_steps=100, num_samples=8))
    assert abs(first.x.std() - 1) < 0.1


def test_default_steps_are_the_cards(translator, gas):
    assert translator.default_steps == 6
    assert len(list(translator.trajectory(gas, "gas", "hi"))) == 6


def test_default_sampler_is_the_cards(checkpoint, gas):
    card = read_card(checkpoint)
    assert "default_sampler" not in card
    assert Translator.load(checkpoint).default_sampler == "ddim"
    write_card(checkpoint, {**card, "default_sampler": "ancestral"})
    translator = Translator.load(checkpoint)
    default, named, other = (
        translator.translate(gas, "gas", "hi", sampler=s) for s in (None, "ancestral", "ddim")
    )
    assert np.array_equal(default, named)
    assert not np.allclose(default, other, rtol=0.1)
    write_card(checkpoint, {**card, "default_sampler": "euler"})
    with pytest.raises(CheckpointError, match="default_sampler of ddpm must be one of ddim"):
        Translator.load(checkpoint)


def test_closing_between_steps_ends_the_work(translator, gas):
    calls = 0
    forward = translator.network.forward

    def counted(*arguments):
        nonlocal calls
        calls += 1
        return forward(*arguments)

    translator.network.forward = counted
    steps = translator.trajectory(gas, "gas", "hi", num_steps=50)
    next(steps)
    next(steps)
    steps.close()
    assert calls == 2
    assert torch.is_grad_enabled()


def test_many_maps_at_once_are_those_one_by_one(translator, rng):
    maps = 10 ** rng.normal(6.3, 0.5, (11, *SHAPE))
    together = translator.sample_normalized(normalize(maps, "gas"), "gas", "hi", num_samples=3)
    alone = translator.translate(maps[10], "gas", "hi", num_samples=3, seed=10)
    np.testing.assert_allclose(denormalize(together[10], "hi"), alone, rtol=2e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_together_each_gets_what_it_gets_alone(prior_checkpoint, rng, sampler, guidance):
    translator = Translator.load(prior_checkpoint, device="cpu")
    pairs = [("gas", "hi", 7), ("hi", "gas", 7), ("gas", "hi", 8)]
    options = {"num_steps": 3, "sampler": sampler, "guidance": guidance}
    requests = [Request(10 ** rng.normal(6.3, 0.5, SHAPE), *each) for each in pairs]
    together = list(translator.together(requests, **options))
    for each, steps in zip(requests, zip(*together, strict=True), strict=True):
        alone = list(translator.trajectory(**vars(each), **options))
        for one, other in zip(steps, alone, strict=True):
            assert (one.index, one.time, one.num_steps) == (
                other.index, other.time, other.num_steps)  # fmt: skip
            np.testing.assert_allclose(one.x, other.x, atol=1e-4)
            made, expected = (normalize(s.estimate, each.target) for s in (one, other))
            np.testing.assert_allclose(made, expected, atol=1e-4)
    first, _, last = (step.x for step in together[-1])
    assert np.abs(first - last).max() > 0.1  # of other maps and seeds


def test_together_takes_maps_of_one_shape(translator, rng):
    requests = [Request(np.ones(shape), "gas", "hi") for shape in (SHAPE, (32, 32))]
    for wrong in (requests, []):
        with pytest.raises(TranslatorError, match="one or more, of maps of one shape"):
            translator.together(wrong)
    assert translator.room((64, 64)) > translator.room((128, 128)) >= translator.room((2048, 2048))
    assert translator.room((2048, 2048)) == 1


def test_many_maps_that_the_network_cannot_take_are_refused(translator):
    for shape in ((2, 16, 15), (16, 16)):
        with pytest.raises(TranslatorError, match="each of source_maps must have shape"):
            translator.sample_normalized(np.zeros(shape), "gas", "hi")


def test_one_step_family_takes_one_step(one_step_checkpoint, gas):
    translator = Translator.load(one_step_checkpoint)
    assert translator.default_steps == 1
    steps = list(translator.trajectory(gas, "gas", "hi", num_steps=20, num_samples=2))
    assert len(steps) == steps[0].num_steps == 1
    np.testing.assert_array_equal(steps[0].estimate[0], steps[0].estimate[1])


def test_other_sizes_that_the_network_allows(translator, rng):
    assert translator.translate(10 ** rng.normal(6, 1, (24, 8)), "gas", "hi").shape == (1, 24, 8)


def spoiled(gas, value):
    gas = gas.copy()
    gas[3, 4] = value
    return gas


REFUSED = {
    "nan": (lambda m: ((spoiled(m, np.nan), "gas", "hi"), {}), "must be finite, got 1 bad"),
    "infinite": (lambda m: ((spoiled(m, np.inf), "gas", "hi"), {}), "must be finite"),
    "negative": (lambda m: ((spoiled(m, -5.0), "gas", "hi"), {}), "not be negative, got -5"),
    "one axis": (lambda m: ((m[0], "gas", "hi"), {}), r"shape \(H, W\).*got \(16,\)"),
    "odd side": (lambda m: ((m[:15], "gas", "hi"), {}), r"multiples of 4.*got \(15, 16\)"),
    "empty": (lambda m: ((m[:0], "gas", "hi"), {}), "shape"),
    "text": (lambda m: ((m.astype(str).astype(object) + "x", "gas", "hi"), {}), "hold numbers"),
    "unknown": (lambda m: ((m, "gas", "x_rays"), {}), "unknown domain 'x_rays'"),
    "unhashable": (lambda m: ((m, ["gas"], "hi"), {}), "unknown domain"),
    "same": (lambda m: ((m, "gas", "gas"), {}), "must differ"),
    "no steps": (lambda m: ((m, "gas", "hi"), {"num_steps": 0}), "num_steps .*got 0"),
    "half a step": (lambda m: ((m, "gas", "hi"), {"num_steps": 2.5}), "num_steps .*got 2.5"),
    "no samples": (lambda m: ((m, "gas", "hi"), {"num_samples": 0}), "num_samples"),
    "seed": (lambda m: ((m, "gas", "hi"), {"seed": -1}), "seed"),
    "sampler": (
        lambda m: ((m, "gas", "hi"), {"sampler": "euler"}),
        "ddim, ancestral, .*got 'euler'",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_requests_are_refused_at_the_call(translator, gas, kind):
    make, words = REFUSED[kind]
    arguments, options = make(gas)
    with pytest.raises(TranslatorError, match=words) as caught:
        translator.trajectory(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_domain_outside_the_checkpoint_is_said(checkpoint, gas):
    path = checkpoint / "card.json"
    card = json.loads(path.read_text())
    card["domains"] = ["gas", "hi"]
    path.write_text(json.dumps(card))
    translator = Translator.load(checkpoint)
    assert translator.supports("gas", "hi")
    assert not translator.supports("gas", "stars")
    assert not translator.supports("gas", "gas")
    with pytest.raises(TranslatorError, match="target 'stars' is not among the domains of"):
        translator.translate(gas, "gas", "stars")


def test_users_checkpoints_are_found_and_damaged_ones_left_out(checkpoint, monkeypatch):
    damaged = checkpoint.parent / "damaged"
    damaged.mkdir()
    (damaged / "card.json").write_text("{")
    monkeypatch.setenv("GALACTIC_ALCHEMY_CHECKPOINTS", str(checkpoint.parent))
    with pytest.warns(UserWarning, match="'damaged' is left out"):
        found = available()
    assert found["small"]["family"] == "ddpm"
    assert "damaged" not in found
    assert Translator.load("small").name == "ddpm"


def test_a_translator_of_some_sources_takes_no_others(checkpoint, gas, monkeypatch):
    card = json.loads((checkpoint / "card.json").read_text())
    (checkpoint / "card.json").write_text(json.dumps({**card, "sources": ["hi"]}))
    translator = Translator.load(checkpoint)
    assert translator.supports("hi", "gas")
    assert not translator.supports("gas", "hi")
    assert translator.translate(gas, "hi", "gas", num_steps=1).shape == (1, 16, 16)
    with pytest.raises(TranslatorError, match="translates from hi alone, got the source 'gas'"):
        translator.translate(gas, "gas", "hi")
    for wrong in ([], ["ether"], "hi"):
        (checkpoint / "card.json").write_text(json.dumps({**card, "sources": wrong}))
        with pytest.raises(CheckpointError, match="must be some of its domains"):
            Translator.load(checkpoint)


def test_what_starts_from_an_observation_is_listed_apart():
    if "ddpm" not in available():
        pytest.skip("no shipped weights")
    assert "observed" not in available()
    assert "observed" in available(observed=True)
    assert Translator.load("observed").sources == ("observed_hi",)


def test_unknown_name_lists_the_known(monkeypatch):
    with pytest.raises(TranslatorError, match="no checkpoint called 'nothing'"):
        Translator.load("nothing")
