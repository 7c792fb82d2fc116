"""Where DiM's scans go, what it sees, and that it learns."""

import pytest
import torch

from engine.networks.dim import ORDERS, Block, DiM, DiMConfig, arrange, restore, waves

CONFIG = DiMConfig(width=16, depth=4, patch=4, state=4, head_width=8, chunk=6)
ONE = torch.zeros(1, dtype=torch.long)


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
def test_a_block_reaches_what_comes_later_in_its_order_alone(order, awake):
    block = awake(Block(CONFIG, order, skip=False).double())
    place = torch.empty(12, dtype=torch.long)
    place[arrange(torch.arange(12).reshape(1, 3, 4, 1), order).flatten()] = torch.arange(12)
    assert torch.equal(reach([block]), place[:, None] >= place[None, :])


@pytest.mark.parametrize("first", [0, 2])
def test_two_blocks_connect_every_token_to_every_other(first, awake):
    blocks = [awake(block).double() for block in DiM(CONFIG).blocks[first : first + 2]]
    for block in blocks:
        block.join = None
    assert reach(blocks).all()


def test_the_token_at_the_end_of_a_line_is_seen_from_the_next_line_on(awake):
    block = awake(Block(CONFIG, "columns", skip=False))
    h, modulation = torch.randn(1, 3, 4, 16), torch.randn(1, 3, 16)
    before = block(h, modulation)
    with torch.no_grad():
        block.end += 1.0
    moved = (block(h, modulation) - before).abs().amax(dim=(0, 1, 3))
    assert moved[0] == 0
    assert (moved[1:] > 0).all()


def test_long_skips_pair_the_first_blocks_with_the_last(awake):
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


def test_positions_mean_the_same_at_every_size():
    """Where two grids have a token at the same place, they see the same waves."""
    coarse, fine = (waves(torch.zeros(1, 1, n, n)) for n in (3, 9))
    torch.testing.assert_close(coarse, fine[:, 1::3, 1::3], rtol=0, atol=1e-5)
    assert len(torch.unique(fine.flatten(1, 2)[0], dim=0)) == 81


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
