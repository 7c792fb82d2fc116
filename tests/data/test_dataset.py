import numpy as np
import pytest
import torch

from data.dataset import MapDataset
from data.normalize import denormalize
from data.splits import SPLITS, split_of
from data.store import MapStore, Record, StoreError

GALAXIES = [f"synthetic-{i:06d}" for i in range(12)]


@pytest.fixture
def path(tmp_path):
    with MapStore.create(tmp_path / "maps.hdf5", ("gas", "stars"), 4, {}) as store:
        for number, name in enumerate(GALAXIES):
            gas = np.full((4, 4), 1e6 * (number + 1))
            maps = {"gas": gas} if number % 2 else {"gas": gas, "stars": 2 * gas}
            store.append([Record(name, "", 0.0, 9.0, r, np.eye(3), maps) for r in range(2)])
    return tmp_path / "maps.hdf5"


def test_no_galaxy_is_in_two_splits_and_none_is_lost(path):
    names = [set(MapDataset(path, split).names) for split in SPLITS]
    assert set.union(*names) == set(GALAXIES)
    assert sum(map(len, names)) == len(GALAXIES)
    for split, members in zip(SPLITS, names, strict=True):
        assert {split_of(name) for name in members} == {split}


def test_maps_are_normalized_and_what_is_missing_is_marked(path):
    dataset = MapDataset(path, "train")
    maps, available = dataset.tensor()
    assert maps.shape == (len(dataset), 2, 4, 4)
    assert maps.dtype == torch.float32
    assert torch.isfinite(maps).all()
    for i, name in enumerate(dataset.names):
        number = GALAXIES.index(name)
        assert available[i].tolist() == [True, number % 2 == 0]
        gas = denormalize(maps[i, 0].numpy(), "gas")
        np.testing.assert_allclose(gas, 1e6 * (number + 1), rtol=1e-4)
    one, there = dataset[3]
    assert torch.equal(one, maps[3])
    assert torch.equal(there, available[3])


def test_bad_input_is_said(path, tmp_path):
    with pytest.raises(ValueError, match="split must be one of train, validation, test"):
        MapDataset(path, "holdout")
    MapStore.create(tmp_path / "empty.hdf5", ("gas",), 4, {}).close()
    with pytest.raises(StoreError, match="holds no galaxy of the train split"):
        MapDataset(tmp_path / "empty.hdf5", "train")
