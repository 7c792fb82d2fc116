"""Where DiM's scans go, what it sees, and that it learns."""

import pytest
import torch
from torch import nn

from engine.networks.dim import ORDERS, Block, DiM, DiMConfig, arrange, restore, waves

CONFIG = DiMConfig(width=16, depth=4, patch=4, state=4, head_width=8, chunk=6)
ONE = torch.zeros(1, dtype=torch.long)


def awake(network):
    """Give zero-initialized parameters values, so that everything can matter."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_visits_each_token_once_and_is_undone(order):
    grid = torch.arange(15).reshape(1, 3, 5, 1)
    lines = arrange(grid, order)
    assert sorted(lines.flatten().tolist()) == list(range(15))
    assert torch.equal(restore(lines, order), grid)


def test_the_orders_are_what_they_are_called():
    grid = torch.tensor([[0, 1, 2], [3, 4, 5]]).reshape(1, 2, 3, 1)
    visited = {order: arrange(grid, order).flatten().tolist() for order in ORDERS}
    assert visited == {
        "rows": [0, 1, 2, 3, 4, 5],
        "rows reversed": [5, 4, 3, 2, 1, 0],
        "columns": [0, 3, 1, 4, 2, 5],
        "columns reversed": [5, 2, 4, 1, 3, 0],
    }
    assert [arrange(grid, order).shape[1] for order in ORDERS] == [2, 2, 3, 3]


def reach(blocks, rows=3, columns=4):
    """Return whether token i (second index) moves token j (first) through the blocks."""
    modulation = torch.randn(1, 3, CONFIG.width, dtype=torch.float64)

    def run(h):
        for block in blocks:
            h = block(h, modulation)
        return h

    h = torch.randn(1, rows, columns, CONFIG.width, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(run, h)
    moved = jacobian.abs().amax(dim=(0, 3, 4, 7))
    return moved.reshape(rows * columns, rows * columns) > 0


@pytest.mark.parametrize("order", ORDERS)
def test_a_block_reaches_what_comes_later_in_its_order_alone(order):
    block = awake(Block(CONFIG, order, skip=False).double())
    place = torch.empty(12, dtype=torch.long)
    place[arrange(torch.arange(12).reshape(1, 3, 4, 1), order).flatten()] = torch.arange(12)
    assert torch.equal(reach([block]), place[:, None] >= place[None, :])


@pytest.mark.parametrize("first", [0, 2])
def test_two_blocks_connect_every_token_to_every_other(first):
    blocks = [awake(block).double() for block in DiM(CONFIG).blocks[first : first + 2]]
    for block in blocks:
        block.join = None
    assert reach(blocks).all()


def test_the_token_at_the_end_of_a_line_is_seen_from_the_next_line_on():
    block = awake(Block(CONFIG, "columns", skip=False))
    h, modulation = torch.randn(1, 3, 4, 16), torch.randn(1, 3, 16)
    before = block(h, modulation)
    with torch.no_grad():
        block.end += 1.0
    moved = (block(h, modulation) - before).abs().amax(dim=(0, 1, 3))
    assert moved[0] == 0
    assert (moved[1:] > 0).all()


def test_dim_starts_at_zero():
    assert not DiM(CONFIG)(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1).any()


def test_every_condition_and_every_map_matters():
    network = awake(DiM(CONFIG))
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


def test_every_parameter_is_used():
    network = awake(DiM(CONFIG))
    network(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_long_skips_pair_the_first_blocks_with_the_last():
    """What the first block gives comes to the last one past all blocks between."""
    network = awake(DiM(DiMConfig(width=16, depth=5, patch=4, state=4, head_width=8)))
    assert [b.join is not None for b in network.blocks] == [False, False, False, True, True]
    seen = {}
    for number, block in enumerate(network.blocks):
        block.register_forward_hook(
            lambda _, inputs, output, i=number: seen.update({i: (inputs, output)})
        )
    network(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1)
    for early, late in ((0, 4), (1, 3)):
        assert seen[late][0][2] is seen[early][1]
    assert seen[2][0][2] is None


def test_any_multiple_is_a_size():
    network = awake(DiM(CONFIG))
    assert network.multiple == 4
    for size in ((16, 16), (20, 8), (4, 4)):
        assert network(torch.randn(1, 2, *size), torch.rand(1), ONE, ONE).shape == (1, 1, *size)


def test_single_precision_is_enough():
    network = awake(DiM(CONFIG))
    x, time = torch.randn(2, 2, 24, 24), torch.rand(2)
    pair = torch.tensor([1, 2]), torch.tensor([3, 0])
    single = network(x, time, *pair)
    double = network.double()(x.double(), time.double(), *pair)
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


def test_result_does_not_depend_on_the_batch_around_it():
    network = awake(DiM(CONFIG))
    x, time = torch.randn(5, 2, 16, 16), torch.rand(5)
    pair = torch.arange(5), torch.arange(5).flip(0)
    whole = network(x, time, *pair)
    alone = network(x[3:4], time[3:4], pair[0][3:4], pair[1][3:4])
    torch.testing.assert_close(whole[3:4], alone, rtol=1e-4, atol=1e-5)


def test_positions_mean_the_same_at_every_size():
    """Where two grids have a token at the same place, they see the same waves."""
    coarse, fine = (waves(torch.zeros(1, 1, n, n)) for n in (3, 9))
    torch.testing.assert_close(coarse, fine[:, 1::3, 1::3], rtol=0, atol=1e-5)
    assert len(torch.unique(fine.flatten(1, 2)[0], dim=0)) == 81


def test_no_edge_of_the_patches_shows():
    """Without its tokens the network is a plain convolution of the maps."""
    network = awake(DiM(CONFIG))
    nn.init.zeros_(network.leave.weight)
    nn.init.zeros_(network.leave.bias)
    x, time = torch.randn(1, 2, 32, 32), torch.tensor([0.3])
    with torch.no_grad():
        network.refine[0].weight[:, -1] = 0  # the distance from the center
        base, moved = (network(m, time, ONE, ONE + 1) for m in (x, x.roll((1, 1), (2, 3))))
    torch.testing.assert_close(base[..., 4:-5, 4:-5], moved[..., 5:-4, 5:-4], rtol=1e-4, atol=1e-5)
    assert float(base.std()) > 1e-3


def test_it_learns_a_handful_of_pairs_by_heart():
    """Unrelated pairs, told apart by map and direction alone."""
    torch.manual_seed(0)
    network = DiM(DiMConfig(width=32, depth=3, patch=4, state=8, head_width=16))
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"depth": 0}, "depth must be a whole number above zero, got 0"),
        ({"patch": 4.0}, "patch must be a whole number above zero, got 4.0"),
        ({"width": 20}, "head_width must divide twice the width, 40, got 64"),
    ],
)
def test_wrong_sizes_are_one_sentence(changes, words):
    with pytest.raises(ValueError, match=words):
        DiMConfig(**changes)
