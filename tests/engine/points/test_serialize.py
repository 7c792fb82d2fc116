"""Curves visit each cell once and step to its neighbor; the canonical order is the set's own."""

import pytest
import torch

from engine.points.serialize import (
    BITS,
    HALF_SIDE,
    MOST_BITS,
    canonical_order,
    curve_index,
    hilbert,
    interleave,
    inverse,
    morton,
    take,
)


def cells_of(bits):
    return torch.cartesian_prod(*[torch.arange(2**bits)] * 3)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("curve", [hilbert, morton])
def test_curves_visit_each_cell_once(curve, bits):
    index = curve(cells_of(bits), bits)
    assert torch.equal(index.sort().values, torch.arange(8**bits))


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_each_step_of_the_hilbert_curve_is_to_a_cell_that_touches(bits):
    cells = cells_of(bits)
    along = cells[hilbert(cells, bits).argsort()]
    assert (along.diff(dim=0).abs().sum(dim=1) == 1).all()


def test_the_morton_curve_leaps_where_the_hilbert_curve_does_not():
    cells = cells_of(3)
    along = cells[morton(cells, 3).argsort()]
    assert along.diff(dim=0).abs().sum(dim=1).max() > 3


def test_coarse_cells_are_stretches_of_the_fine_curve():
    cells = cells_of(3)
    fine = hilbert(cells, 3)
    blocks = fine.reshape(2, 4, 2, 4, 2, 4) // 64
    assert all((b == b.flatten()[0]).all() for b in blocks.permute(0, 2, 4, 1, 3, 5).flatten(0, 2))


def test_bits_are_interleaved_up_to_the_largest():
    assert interleave(torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 2]])).tolist() == [4, 2, 8]
    most = torch.tensor([[2**MOST_BITS - 1] * 3])
    assert interleave(most).tolist() == [2**63 - 1]
    assert hilbert(most, MOST_BITS).unique().numel() == 1


def test_turns_are_other_curves_and_far_points_count_as_at_the_edge():
    points = torch.randn(1, 100, 3)
    orders = [curve_index(points, "hilbert", turn).argsort() for turn in range(3)]
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[1], orders[2])
    corner = torch.full((1, 1, 3), HALF_SIDE)
    assert torch.equal(curve_index(50.0 * corner, "morton"), curve_index(corner, "morton"))
    assert curve_index(corner, "morton").item() == 8**BITS - 1


def test_the_canonical_order_of_a_set_with_ties_does_not_depend_on_how_it_is_given():
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(8, (2, 200), generator=generator)
    values = torch.randint(3, (2, 200, 4), generator=generator).float()
    whole = torch.cat([index[..., None].float(), values], dim=-1)
    shuffled = torch.randperm(200, generator=generator)
    found = take(whole, canonical_order(index, values))
    other = take(whole[:, shuffled], canonical_order(index[:, shuffled], values[:, shuffled]))
    assert torch.equal(found, other)
    rows = [tuple(row) for row in found[0].tolist()]
    assert rows == sorted(rows)


def test_the_inverse_undoes_an_order():
    values = torch.randn(2, 50, 3)
    order = torch.stack([torch.randperm(50), torch.randperm(50)])
    assert torch.equal(take(take(values, order), inverse(order)), values)
