"""Translations of points: reproducible, blind to order, of any number, and streamed in kpc."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from engine.checkpoint import CheckpointError, save_checkpoint
from engine.points.scale import CloudScale, Warp, radius_of
from engine.points.translator import CloudTranslator
from engine.requests import TranslatorError


def test_the_same_seed_gives_the_same_points_and_another_gives_others(translator, cloud):
    first, again, other = (translator.translate(cloud, "dark_matter", seed=s) for s in (4, 4, 5))
    assert first.shape == (32, 3)
    assert first.dtype == np.float32
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_order_of_the_gas_points_does_not_matter_to_the_last_bit(translator, cloud):
    mixed = np.random.default_rng(1).permutation(len(cloud.gas))
    other = replace(cloud, gas=cloud.gas[mixed], features=cloud.features[mixed])
    found = [translator.translate(c, "dark_matter", num_points=70) for c in (cloud, other)]
    assert np.array_equal(*found)


def test_steps_go_from_noise_to_the_result_as_points_in_kpc(translator, cloud):
    steps = list(translator.trajectory(cloud, "dark_matter", num_points=50, num_steps=4))
    assert [s.index for s in steps] == [1, 2, 3, 4]
    assert steps[-1].time == 0.0
    for step in steps:
        assert step.x.shape == step.estimate.shape == (50, 3)
        assert np.isfinite(step.x).all()
        assert step.mass == steps[0].mass > 0
    assert np.array_equal(steps[-1].x, steps[-1].estimate)
    assert np.array_equal(
        steps[-1].x, translator.translate(cloud, "dark_matter", num_points=50, num_steps=4)
    )


def test_more_points_than_in_training_are_drawn_in_sets_that_do_not_know_each_other(
    translator, cloud
):
    """The first set is there whatever comes after it, for it has noise and gas of its own."""
    two, four = (translator.translate(cloud, "dark_matter", num_points=n) for n in (64, 128))
    np.testing.assert_allclose(two[:32], four[:32], rtol=1e-4, atol=1e-4)
    whole = translator.translate(cloud, "dark_matter", num_points=64, set_size=64)
    assert np.abs(whole[:32] - two[:32]).max() > 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "stars"}, "target must be one of dark_matter, got 'stars'"),
        ({"num_points": 0}, "num_points must be a whole number 1 to 1048576, got 0"),
        ({"sampler": "magic"}, "sampler must be one of .*, got 'magic'"),
        ({"seed": -1}, "seed must be a whole number 0 to .*, got -1"),
        ({"sampler": "reverse_sde"}, "sampler 'reverse_sde': .* singular at t = 1"),
    ],
)
def test_wrong_requests_are_one_sentence(translator, cloud, changes, words):
    with pytest.raises(TranslatorError, match=words):
        translator.trajectory(cloud, **{"target": "dark_matter", **changes})


def test_a_warp_is_undone_and_keeps_directions():
    warp, points = Warp(0.1, 1.9), 30.0 * torch.randn(100, 3, dtype=torch.float64)
    points[0] = 0.0
    u = warp.apply(points, 12.0)
    torch.testing.assert_close(warp.undo(u, 12.0), points)
    unit = points[1:] / points[1:].norm(dim=1, keepdim=True)
    torch.testing.assert_close(u[1:] / u[1:].norm(dim=1, keepdim=True), unit)
    radius = torch.tensor([[12.0, 0.0, 0.0]], dtype=torch.float64)
    assert warp.apply(radius, 12.0)[0, 0].item() == pytest.approx(np.arcsinh(10.0) / 1.9)


def test_masses_are_those_of_the_fit_and_scale_with_the_gas(translator, cloud):
    """Ten times the gas is log10 gas mass one higher: a factor 10 for itself, 10^0.1 by the fit."""
    scale = translator.scale
    heavier = replace(cloud, gas_mass=10.0 * cloud.gas_mass)
    ratio = scale.mass(heavier, "dark_matter") / scale.mass(cloud, "dark_matter")
    assert ratio == pytest.approx(10.0**1.1)
    spread = scale.mass(cloud, "dark_matter", 1.0) / scale.mass(cloud, "dark_matter")
    assert spread == pytest.approx(10.0**0.05)
    assert radius_of(cloud) == pytest.approx(np.median(np.linalg.norm(cloud.gas, axis=1)))


def card_of(translator):
    return {
        "name": "toy", "family": "flow", "network": asdict(translator.network.config),
        "process": {}, "targets": ["dark_matter"], "num_points": 32,
        "scale": translator.scale.to_json(), "default_steps": 3,
    }  # fmt: skip


def test_a_checkpoint_gives_the_same_translator(translator, cloud, tmp_path):
    card = card_of(translator)
    for parameter in translator.network.parameters():
        parameter.data = parameter.data.half().float()
    save_checkpoint(tmp_path, translator.network.state_dict(), card)
    loaded = CloudTranslator.load(tmp_path, device="cpu")
    assert loaded.scale == translator.scale == CloudScale.from_json(card["scale"])
    assert np.array_equal(
        loaded.translate(cloud, "dark_matter"), translator.translate(cloud, "dark_matter")
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"family": "pix2pix"}, "family of a network of points must be one of"),
        ({"scale": {}}, "scale of checkpoint toy: the constants must hold warps"),
        ({"targets": ["stars"]}, "lacks the scale of 'stars'"),
        ({"network": {"width": 32}}, "its weights do not fit|do not fit their card"),
    ],
)
def test_a_wrong_card_is_one_sentence(translator, tmp_path, changes, words):
    card = {**card_of(translator), **changes}
    save_checkpoint(tmp_path, translator.network.state_dict(), card)
    with pytest.raises(CheckpointError, match=words):
        CloudTranslator.load(tmp_path, device="cpu")
