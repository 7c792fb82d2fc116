from collections import Counter

from data.splits import SPLITS, split_of


def test_shares_are_eighty_ten_ten():
    counts = Counter(split_of(f"synthetic-{i:06d}") for i in range(10_000))
    assert set(counts) == set(SPLITS)
    assert abs(counts["train"] - 8000) < 160  # four standard deviations
    assert abs(counts["validation"] - 1000) < 120


def test_a_snapshot_does_not_move_a_galaxy():
    for number in range(50):
        splits = {split_of(f"TNG50-1/{snapshot}/subhalo-{number}") for snapshot in (50, 67, 99)}
        assert len(splits) == 1
        seed = f"synthetic-{number:06d}"
        assert {split_of(f"{seed}/z{z:g}") for z in (0.1, 0.5, 2.0)} == {split_of(seed)}


def test_a_lineage_stands_for_all_that_it_becomes():
    for number in range(50):
        lineage = f"TNG50-1/99/subhalo-{number}"
        earlier = {split_of(f"TNG50-1/67/subhalo-{number + n}", lineage) for n in range(5)}
        assert earlier == {split_of(lineage)} == {split_of(lineage, lineage)}


def test_pinned_so_that_published_checkpoints_keep_their_hold_out():
    elsewhere = {3: "validation", 9: "test", 11: "test"}
    for i in range(12):
        assert split_of(f"synthetic-{i:06d}") == elsewhere.get(i, "train")
