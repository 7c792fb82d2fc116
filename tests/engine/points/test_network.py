"""The network does not know in which order points come, reaches all of them, and costs linearly."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.points.network import Condition, PointMamba, PointMambaConfig


def inputs(n=2, points=40, gas=30):
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    condition = Condition(normal(n, gas, 3), normal(n, gas, 3), normal(n, 6))
    return normal(n, points, 3), torch.tensor([0.3, 0.8])[:n], condition, torch.zeros(n).long()


@torch.no_grad()
def test_permuted_points_give_the_same_velocities_permuted_to_the_last_bit(network):
    x, time, condition, target = inputs()
    shuffled = torch.randperm(x.shape[1])
    there = network(x, time, condition, target)
    assert torch.equal(network(x[:, shuffled], time, condition, target), there[:, shuffled])


@torch.no_grad()
def test_the_order_of_the_gas_does_not_matter_to_the_last_bit(network):
    x, time, condition, target = inputs()
    shuffled = torch.randperm(condition.gas.shape[1])
    gas, features = condition.gas[:, shuffled], condition.features[:, shuffled]
    other = Condition(gas, features, condition.scalars)
    assert torch.equal(network(x, time, condition, target), network(x, time, other, target))


@torch.no_grad()
def test_neither_does_it_where_points_lie_upon_each_other(network):
    x, time, condition, target = inputs()
    x[:, 10:20] = x[:, :1]
    condition.gas[:, :8] = x[:, :1]
    shuffled, mixed = torch.randperm(x.shape[1]), torch.randperm(condition.gas.shape[1])
    other = Condition(condition.gas[:, mixed], condition.features[:, mixed], condition.scalars)
    there = network(x, time, condition, target)
    again = network(x[:, shuffled], time, other, target)
    # What is alike in all may trade places, but the set is the same.
    for one, two in zip(there[:, shuffled], again, strict=True):
        assert torch.equal(one.sort(dim=0).values, two.sort(dim=0).values)


def test_every_point_and_every_gas_point_moves_every_point(network):
    x, time, condition, target = (v for v in inputs(n=1, points=10, gas=8))

    def run(points, gas):
        return network(points, time, Condition(gas, *condition[1:]), target)

    by_points, by_gas = torch.autograd.functional.jacobian(run, (x, condition.gas))
    assert (by_points.abs().amax(dim=(0, 2, 3, 5)) > 0).all()
    assert (by_gas.abs().amax(dim=(0, 2, 3, 5)) > 0).all()


@pytest.mark.parametrize("field", range(3))
@torch.no_grad()
def test_all_that_is_known_matters(network, field):
    x, time, condition, target = inputs()
    other = list(condition)
    other[field] = other[field] + 0.1
    assert not torch.equal(
        network(x, time, condition, target), network(x, time, Condition(*other), target)
    )


@torch.no_grad()
def test_operations_are_linear_in_the_points(network):
    """Up to the last chunk, which is as long as all others: 16 divides the lengths."""
    counts = []
    for points in (512, 1024, 2048):
        with FlopCounterMode(display=False) as counter:
            network(*inputs(n=1, points=points, gas=points))
        counts.append(counter.get_total_flops())
    assert counts[2] / counts[1] == pytest.approx(2.0, rel=0.01)
    assert (counts[2] - counts[1]) == pytest.approx(2 * (counts[1] - counts[0]), rel=1e-3)


def test_a_new_network_moves_nothing():
    network = PointMamba(PointMambaConfig(width=16, depth=2, head_width=8))
    x, *others = inputs()
    assert not network(x, *others).any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"depth": 0}, "depth must be a whole number above zero, got 0"),
        ({"curve": "peano"}, "curve must be one of hilbert, morton, got 'peano'"),
        ({"width": 20}, "head_width must divide twice the width, 40, got 32"),
    ],
)
def test_wrong_sizes_are_one_sentence(changes, words):
    with pytest.raises(ValueError, match=words):
        PointMambaConfig(**changes)
