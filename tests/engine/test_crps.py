"""The one-step process that is trained on the score of its own ensemble."""

import numpy as np
import pytest
import torch
from torch import nn

from engine.processes.crps import CRPS
from engine.processes.pix2pix import Pix2Pix
from engine.samplers import SAMPLERS, Task


def constant(value):
    return lambda stacked, time: torch.full_like(stacked[:, :1], value)


def test_loss_is_its_formula_at_known_draws():
    """Draws 1 and 4 of a truth of 2: error (1 + 2) / 2, distance 3."""
    x, y, time = torch.full((2, 1, 4, 4), 2.0), torch.zeros(2, 1, 4, 4), torch.ones(2)
    noise = torch.ones(2, 2, 4, 4)
    noise[:, 1] = 4.0
    for fairness, factor in ((1.0, 0.5), (0.0, 0.25), (0.5, 0.375)):
        loss = CRPS(fairness=fairness).loss(lambda s, t: s[:, :1], x, y, time, noise)
        torch.testing.assert_close(loss, torch.full((2,), 1.5 - factor * 3.0))


def test_its_one_step_is_the_network_at_pure_noise():
    y, seen = torch.randn(3, 1, 4, 4), []

    def network(stacked, time):
        seen.append((stacked, time))
        return stacked[:, :1] * 2.0 + stacked[:, 1:]

    noise = torch.randn(3, 1, 4, 4)
    (sample,) = SAMPLERS["ddim"](Task(CRPS(), network, y, lambda: noise), 1)
    torch.testing.assert_close(sample.estimate, 2.0 * noise + y)
    torch.testing.assert_close(sample.x, sample.estimate)
    assert len(seen) == 1
    assert seen[0][1].tolist() == [1.0] * 3


def test_training_finds_the_spread_and_mean_of_a_normal_truth():
    """x = 0.5 + 2 y + 1.5 e: the affine network of noise and source has its least score there."""
    torch.manual_seed(0)
    network = nn.Conv2d(2, 1, 1)
    nn.init.constant_(network.weight, 0.1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.03)
    process = CRPS(fairness=1.0)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.03 * (1.0 - step / 300)
        y = torch.randn(32, 1, 16, 16)
        x = 0.5 + 2.0 * y + 1.5 * torch.randn_like(y)
        loss = process.loss(
            lambda s, t: network(s), x, y, torch.ones(32), torch.randn(32, 2, 16, 16)
        )
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    spread, slope = network.weight.detach().flatten().tolist()
    assert abs(spread) == pytest.approx(1.5, rel=0.03)
    assert slope == pytest.approx(2.0, rel=0.03)
    assert float(network.bias) == pytest.approx(0.5, abs=0.05)
    # The fair score of a normal distribution about its own draws is its deviation / sqrt(pi).
    assert float(loss.mean()) == pytest.approx(1.5 / np.sqrt(np.pi), rel=0.05)


def test_it_draws_but_knows_no_density():
    assert CRPS.is_random
    assert not CRPS.is_iterative
    assert not CRPS().has_density
    assert not Pix2Pix.is_random
    assert not Pix2Pix().has_density
    with pytest.raises(ValueError, match="fairness must lie from 0 to 1, got 2"):
        CRPS(fairness=2)
