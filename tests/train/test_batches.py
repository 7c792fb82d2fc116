"""What a batch is made of."""

import pytest
import torch

from train.batches import PairSampler
from train.config import FOCUS, ConfigError

DOMAINS = ("gas", "dark_matter", "stars", "hi", "temperature", "magnetic_field", "brightness")


def sampler(maps, available=None, focus_share=0.5):
    available = torch.ones(maps.shape[:2], dtype=torch.bool) if available is None else available
    generator = torch.Generator().manual_seed(0)
    return PairSampler(maps, available, DOMAINS, focus_share, generator)


def coded_maps():
    """Maps whose pixels tell their row in the set and their domain."""
    code = 10 * torch.arange(4)[:, None] + torch.arange(7)[None, :]
    return code[:, :, None, None].float().expand(4, 7, 8, 8)


def test_pairs_come_from_one_galaxy_and_the_domains_they_name():
    batch = sampler(coded_maps()).draw(500)
    x, y = batch.x[:, 0, 0, 0], batch.y[:, 0, 0, 0]
    assert torch.equal(x % 10, batch.target.float())
    assert torch.equal(y % 10, batch.source.float())
    assert torch.equal(x // 10, y // 10)
    assert (batch.source != batch.target).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_focus_pairs_have_their_share(share):
    batch = sampler(coded_maps(), focus_share=share).draw(20_000)
    index = {name: i for i, name in enumerate(DOMAINS)}
    focus = {(index[s], index[t]) for s, t in FOCUS}
    pairs = list(zip(batch.source.tolist(), batch.target.tolist(), strict=True))
    found = sum(pair in focus for pair in pairs) / len(pairs)
    assert found == pytest.approx(share + (1 - share) * 5 / 42, abs=0.015)
    assert len(set(pairs)) == (42 if share < 1 else 5)


def test_missing_maps_never_enter():
    available = torch.ones(4, 7, dtype=torch.bool)
    available[1, 2] = available[3] = False
    batch = sampler(coded_maps(), available).draw(2000)
    row = batch.x[:, 0, 0, 0] // 10
    assert not (row == 3).any()
    assert not ((row == 1) & ((batch.source == 2) | (batch.target == 2))).any()
    assert len(row) == 2000
    # All others come up alike: the galaxies that have a pair, and the pairs whatever is missing.
    hi, stars = (DOMAINS.index(name) for name in ("hi", "stars"))
    counts = torch.bincount(row[(batch.source != stars) & (batch.target != stars)].int())
    assert counts.tolist() == pytest.approx([int(counts.sum()) / 3] * 3, rel=0.15)
    share = (batch.source == hi).float().mean()
    assert float(share) == pytest.approx(0.5 / 7, abs=0.02)


def test_a_pair_that_no_galaxy_has_is_never_drawn_and_without_any_one_is_told():
    available = torch.eye(4, 7, dtype=torch.bool)
    available[2, :3] = True
    batch = sampler(coded_maps(), available).draw(400)
    assert set(batch.source.tolist()) == set(batch.target.tolist()) == {0, 1, 2}
    assert set((batch.x[:, 0, 0, 0] // 10).tolist()) == {2.0}
    with pytest.raises(ConfigError, match="no map stack has two domains"):
        sampler(coded_maps(), torch.eye(4, 7, dtype=torch.bool))


def test_all_eight_symmetries_occur_and_turn_both_maps_alike():
    picture = torch.arange(16.0).reshape(4, 4)
    draw = sampler(picture.expand(2, 7, 4, 4)).draw
    seen = set()
    for _ in range(80):
        batch = draw(4)
        assert torch.equal(batch.x, batch.y)
        seen.add(tuple(batch.x[0].flatten().tolist()))
    ways = [torch.rot90(m, k) for k in range(4) for m in (picture, picture.flip(1))]
    assert seen == {tuple(way.flatten().tolist()) for way in ways}
    plain = sampler(picture.expand(2, 7, 4, 4)).draw(4, augment=False)
    assert torch.equal(plain.x[0, 0], picture)


def test_sources_are_the_only_ones_to_translate_from():
    maps, available = torch.zeros(3, len(DOMAINS), 4, 4), torch.ones(3, len(DOMAINS), dtype=bool)
    generator = torch.Generator().manual_seed(0)
    batch = PairSampler(maps, available, DOMAINS, 0.5, generator, DOMAINS[1:2]).draw(200)
    assert (batch.source == 1).all()
    assert set(batch.target.tolist()) == set(range(len(DOMAINS))) - {1}
    with pytest.raises(ConfigError, match="sources: the maps have no plasma"):
        PairSampler(maps, available, DOMAINS, 0.5, generator, ["plasma"])
