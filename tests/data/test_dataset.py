import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from data.dataset import MapDataset
from data.normalize import denormalize
from data.splits import SPLITS, split_of
from data.store import Layout, MapStore, Record, StoreError

GALAXIES = [f"synthetic-{i:06d}" for i in range(12)]


@pytest.fixture
def path(tmp_path):
    with MapStore.create(tmp_path / "maps", Layout(("gas", "stars"), 4)) as store:
        for number, name in enumerate(GALAXIES):
            gas = np.full((4, 4), 1e6 * (number + 1))
            maps = {"gas": gas} if number % 2 else {"gas": gas, "stars": 2 * gas}
            store.add([Record(name, "", 0.5, 9.0, r, np.eye(3), maps) for r in range(2)])
    return tmp_path / "maps"


def test_no_galaxy_is_in_two_splits_and_none_is_lost(path):
    names = [set(MapDataset(path, split).names) for split in SPLITS]
    assert set.union(*names) == set(GALAXIES)
    assert sum(map(len, names)) == len(GALAXIES)
    for split, members in zip(SPLITS, names, strict=True):
        assert {split_of(name) for name in members} == {split}


@pytest.mark.parametrize("lazy", [False, True])
def test_maps_are_normalized_and_what_is_missing_is_marked(path, lazy):
    dataset = MapDataset(path, "train", lazy=lazy)
    one, there = dataset[3]
    maps, available = dataset.tensor()
    assert maps.shape == (len(dataset), 2, 4, 4)
    assert maps.dtype == torch.float32
    assert torch.isfinite(maps).all()
    for i, name in enumerate(dataset.names):
        number = GALAXIES.index(name)
        assert available[i].tolist() == [True, number % 2 == 0]
        gas = denormalize(maps[i, 0].numpy(), "gas")
        np.testing.assert_allclose(gas, 1e6 * (number + 1), rtol=6e-4)
        assert number % 2 == 0 or not maps[i, 1].any()
    assert torch.equal(one, maps[3])
    assert torch.equal(there, available[3])
    assert dataset.grid_size == 4
    assert set(dataset.redshifts) == {0.5}


@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_read_what_is_in_memory(path, workers):
    lazy, whole = (MapDataset(path, "train", lazy=lazy) for lazy in (True, False))
    lazy[0]  # A file is open when the workers are forked.
    order = torch.randperm(len(lazy), generator=torch.Generator().manual_seed(0)).tolist()
    batches = list(DataLoader(lazy, 5, sampler=order, num_workers=workers))
    assert [len(maps) for maps, _ in batches] == [5, 5, 5, 3]
    assert torch.equal(torch.cat([maps for maps, _ in batches]), whole.maps[order])
    assert torch.equal(torch.cat([there for _, there in batches]), whole.available[order])
    assert "maps" not in vars(lazy)


@pytest.mark.parametrize("lazy", [False, True])
def test_some_domains_are_taken_in_the_order_given(path, lazy):
    both = MapDataset(path, "train")
    for domains, channels in ((["stars"], [1]), (["stars", "gas"], [1, 0])):
        some = MapDataset(path, "train", lazy=lazy, domains=domains)
        assert some.domains == tuple(domains)
        assert torch.equal(some[3][0], both.maps[3, channels])
        assert torch.equal(some.maps, both.maps[:, channels])
        assert torch.equal(some.available, both.available[:, channels])


def test_bad_input_is_said(path, tmp_path):
    with pytest.raises(ValueError, match="split must be one of train, validation, test"):
        MapDataset(path, "holdout")
    MapStore.create(tmp_path / "empty", Layout(("gas",), 4)).close()
    with pytest.raises(StoreError, match="holds no galaxy of the train split"):
        MapDataset(tmp_path / "empty", "train")
