"""What every kind of network promises, and how a card or recipe names one."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from data.domains import DOMAINS
from data.normalize import DEFAULT
from engine.checkpoint import (
    CheckpointError,
    build,
    load_checkpoint,
    save_checkpoint,
)
from engine.networks import NETWORKS, configure, create, network_fields
from engine.networks.dim import DiM, DiMConfig
from engine.networks.unet import UNet, UNetConfig
from engine.shelf import SHIPPED
from engine.translator import Translator

SMALL = {
    "unet": UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2),
    "dim": DiMConfig(width=16, depth=4, patch=4, state=4, head_width=8, chunk=6),
}
ONE = torch.zeros(1, dtype=torch.long)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_configuration_survives_its_card(kind):
    card = json.loads(json.dumps(network_fields(SMALL[kind])))
    assert card["kind"] == kind
    assert configure(card) == SMALL[kind]
    network = create(configure(card))
    assert type(network) is NETWORKS[kind][1]
    assert network.config == SMALL[kind]


def test_a_card_without_a_kind_is_of_a_unet(checkpoint):
    path = checkpoint / "card.json"
    card = json.loads(path.read_text())
    named = load_checkpoint(checkpoint)[0]
    assert card["network"].pop("kind") == "unet"
    path.write_text(json.dumps(card))
    unnamed = load_checkpoint(checkpoint)[0]
    assert type(unnamed) is UNet
    for a, b in zip(named.parameters(), unnamed.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.fixture(params=NETWORKS)
def network(request, awake):
    """A small network of each kind in which everything matters."""
    return awake(create(SMALL[request.param]))


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_start_at_zero(kind):
    assert not create(SMALL[kind])(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1).any()


def test_every_condition_and_every_map_matters(network):
    x, time = torch.randn(1, 2, 16, 16), torch.tensor([0.3])
    base = network(x, time, ONE, ONE + 1)
    other = x.clone()
    other[:, 1] += 1
    for changed in (
        network(other, time, ONE, ONE + 1),
        network(x, time + 0.01, ONE, ONE + 1),
        network(x, time, ONE + 2, ONE + 1),
        network(x, time, ONE, ONE + 2),
        network(x, time, ONE + 1, ONE),
    ):
        assert (changed - base).abs().max() > 1e-4


@pytest.fixture(params=NETWORKS)
def free_network(request, awake):
    """A small network of each kind that knows what no source is."""
    return awake(create(replace(SMALL[request.param], null_source=True)))


def test_without_a_source_its_map_cannot_be_seen(free_network):
    x, time, none = torch.randn(1, 2, 16, 16), torch.tensor([0.3]), ONE + 7
    base = free_network(x, time, none, ONE + 1)
    other = x.clone()
    other[:, 1] = 100.0
    assert torch.equal(free_network(other, time, none, ONE + 1), base)
    other = x.clone()
    other[:, 0] += 1
    zero = x.clone()
    zero[:, 1] = 0
    for changed in (
        free_network(other, time, none, ONE + 1),
        free_network(x, time, none, ONE + 2),
        free_network(zero, time, ONE, ONE + 1),
    ):
        assert (changed - base).abs().max() > 1e-4


def test_hiding_one_source_leaves_the_others_of_a_batch(free_network):
    x, time, target = torch.randn(3, 2, 16, 16), torch.rand(3), torch.tensor([1, 2, 3])
    source = torch.tensor([0, 7, 5])
    whole = free_network(x, time, source, target)
    for i in range(3):
        rows = slice(i, i + 1)
        alone = free_network(x[rows], time[rows], source[rows], target[rows])
        torch.testing.assert_close(whole[rows], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_card_that_does_not_speak_of_a_null_source_has_none(kind):
    fields = network_fields(SMALL[kind])
    assert fields.pop("null_source") is False
    assert create(configure(fields)).source.num_embeddings == 7


LEARNING = {
    "unet": UNetConfig(widths=(16, 32), blocks=(1, 1), patch=2),
    "dim": DiMConfig(width=32, depth=3, patch=4, state=8, head_width=16),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_learn_a_handful_of_pairs_by_heart(kind):
    """Unrelated pairs, told apart by map and direction alone."""
    torch.manual_seed(0)
    network = create(LEARNING[kind])
    x, truth = torch.randn(4, 2, 16, 16), torch.randn(4, 1, 16, 16)
    time, source, target = torch.rand(4), torch.arange(4), torch.arange(4) + 1
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3, betas=(0.9, 0.99))
    losses = []
    for _ in range(200):
        loss = (network(x, time, source, target) - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]


def test_every_parameter_is_used(network):
    network(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_any_multiple_is_a_size(network):
    assert network.multiple == 4
    for size in ((16, 16), (20, 8), (8, 4)):
        assert network(torch.randn(1, 2, *size), torch.rand(1), ONE, ONE).shape == (1, 1, *size)


def test_single_precision_is_enough(network):
    x, time = torch.randn(2, 2, 24, 24), torch.rand(2)
    pair = torch.tensor([1, 2]), torch.tensor([3, 0])
    single = network(x, time, *pair)
    double = network.double()(x.double(), time.double(), *pair)
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


def test_result_does_not_depend_on_the_batch_around_it(network):
    x, time = torch.randn(5, 2, 16, 16), torch.rand(5)
    pair = torch.arange(5), torch.arange(5).flip(0)
    whole = network(x, time, *pair)
    alone = network(x[3:4], time[3:4], pair[0][3:4], pair[1][3:4])
    torch.testing.assert_close(whole[3:4], alone, rtol=1e-4, atol=1e-5)


def test_no_edge_of_the_patches_shows(network):
    """Without its low-resolution part the network is a plain convolution of the maps."""
    nn.init.zeros_(network.leave.weight)
    nn.init.zeros_(network.leave.bias)
    x, time = torch.randn(1, 2, 32, 32), torch.tensor([0.3])
    with torch.no_grad():
        network.refine[0].weight[:, -1] = 0  # the distance from the center
        base, moved = (network(m, time, ONE, ONE + 1) for m in (x, x.roll((1, 1), (2, 3))))
    torch.testing.assert_close(base[..., 4:-5, 4:-5], moved[..., 5:-4, 5:-4], rtol=1e-4, atol=1e-5)
    assert float(base.std()) > 1e-3


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/card.json")), ids=lambda p: p.parent.name)
def test_every_shipped_checkpoint_loads_as_its_kind(path):
    network, _, card = load_checkpoint(path.parent)
    assert type(network) is NETWORKS[card["network"].get("kind", "unet")][1]


@pytest.mark.parametrize("kind", ["resnet", ["dim"], 3, None])
def test_other_kinds_are_refused_in_one_sentence(kind):
    card = {"name": "x", "family": "ddpm", "process": {}, "network": {"kind": kind}}
    with pytest.raises(CheckpointError, match="kind must be one of unet, dim, got") as caught:
        build(card)
    assert "\n" not in str(caught.value)


def test_fields_of_one_kind_are_not_of_the_other():
    with pytest.raises(TypeError, match="depth"):
        configure({"depth": 3})
    with pytest.raises(TypeError, match="widths"):
        configure({"kind": "dim", "widths": [8]})


def test_a_dim_translates_from_its_checkpoint(tmp_path):
    torch.manual_seed(0)
    network = DiM(SMALL["dim"])
    nn.init.normal_(network.refine[-1].weight, std=0.2)
    card = {
        "name": "dim", "title": "Small", "family": "flow", "process": {}, "default_steps": 3,
        "network": network_fields(network.config), "domains": list(DOMAINS), "grid_size": 16,
        "normalization": DEFAULT.to_json(),
    }  # fmt: skip
    save_checkpoint(tmp_path / "dim", network.state_dict(), card)
    loaded = load_checkpoint(tmp_path / "dim")[0]
    x, one = torch.randn(1, 2, 16, 16), torch.ones(1, dtype=torch.long)
    time = torch.tensor([0.4])
    whole, half = network(x, time, one, 2 * one), loaded(x, time, one, 2 * one)
    assert (whole - half).abs().max() < 5e-3 * whole.abs().max()
    maps = np.full((16, 16), 10**6.3)
    samples = Translator.load(tmp_path / "dim").translate(maps, "gas", "hi", num_samples=2)
    assert samples.shape == (2, 16, 16)
    assert np.isfinite(samples).all()
    assert np.ptp(samples) > 0
