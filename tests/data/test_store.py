import json
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from data.rotations import random_rotations
from data.splits import split_of
from data.store import Layout, MapStore, Record, StoreError

ROOT = Path(__file__).parents[2]
LAYOUT = Layout(("gas", "stars"), 8, {"recipe": "test"})


def records(number, rotations=2, **changes):
    """Return the records of one galaxy whose gas map holds its last three digits."""
    name = f"synthetic-{number:06d}"
    fields = {
        "name": name, "kind": "spiral" if number % 2 else "merger", "redshift": 0.1 * number,
        "extent_kpc": 30.0 + number, "maps": {"gas": np.full((8, 8), number % 1000.0)},
        "masses": {"stars": 10.0 ** (8 + number % 10)}, **changes,
    }  # fmt: skip
    return [
        Record(**fields, rotation_index=i, rotation=rotation)
        for i, rotation in enumerate(random_rotations(name, rotations))
    ]


@pytest.fixture
def path(tmp_path):
    """A store of three galaxies with two rotations each, in two shards."""
    path = tmp_path / "maps"
    with MapStore.create(path, LAYOUT) as store:
        store.add(records(4) + records(2))
        store.add(records(3))
    return path


def test_records_come_back_as_they_went_and_in_order(path):
    with MapStore.open(path) as store:
        assert len(store) == 6
        assert store.layout == LAYOUT
        names = [f"synthetic-{n:06d}" for n in (2, 2, 3, 3, 4, 4)]
        assert list(store.column("name")) == names
        assert list(store.column("split")) == [split_of(n) for n in names]
        np.testing.assert_array_equal(store.column("extent_kpc"), [32, 32, 33, 33, 34, 34])
        np.testing.assert_array_equal(store.column("rotation_index"), [0, 1] * 3)
        np.testing.assert_array_equal(store.column("rotation")[3], random_rotations(names[3])[1])
        maps = store.read()
        assert maps.dtype == np.float32
        np.testing.assert_array_equal(maps[:, 0, 0, 0], [2, 2, 3, 3, 4, 4])
        assert np.isnan(maps[:, 1]).all()  # no stars: missing, not zero
        np.testing.assert_array_equal(store.column("available"), [[True, False]] * 6)
        np.testing.assert_array_equal(store.read([5, 0, 3, 0])[:, 0, 5, 5], [4, 2, 3, 2])
        np.testing.assert_array_equal(store.read(slice(3, 99))[:, 0, 5, 5], [3, 4, 4])
        turned = store.read([5, 0], ["stars", "gas"])
        np.testing.assert_array_equal(turned, store.read([5, 0])[:, ::-1])
        np.testing.assert_array_equal(store.read([5, 0], ["gas"])[:, 0, 5, 5], [4, 2])
        with pytest.raises(StoreError, match="has no hi"):
            store.read([0], ["gas", "hi"])


def test_the_index_is_asked_by_value_and_range(path):
    with MapStore.open(path) as store:
        assert list(store.select(kind="merger")) == [0, 1, 4, 5]
        assert list(store.select(redshift=(0.25, 0.35))) == [2, 3]
        assert list(store.select(stellar_mass=(10.0**11, np.inf), rotation_index=1)) == [3, 5]
        assert list(store.select(kind="merger", name="synthetic-000003")) == []
        train = store.select(split="train")
        assert len(train) == sum(split_of(n) == "train" for n in store.column("name"))
        with pytest.raises(StoreError, match="no column 'mass' in the index; there are name, lin"):
            store.select(mass=(0, 1))


def test_the_index_is_a_cache_that_is_completed_and_made_again(path, monkeypatch):
    with MapStore.open(path) as store:
        whole = store.index
        store.write_index()
    opened = []
    monkeypatch.setattr("data.store.open_shard", lambda p: opened.append(p) or h5py.File(p))
    with MapStore.open(path) as store:  # no shard is opened where the index knows them all
        assert store.index.tobytes() == whole.tobytes()
        assert not opened
        new = store.add(records(9))
    with MapStore.open(path) as store:  # only the one that the index does not know
        assert len(store) == 8
        assert opened == [new] * 2
        np.testing.assert_array_equal(store.read([7])[:, 0, 0, 0], [9])
    new.unlink()
    (path / "index.hdf5").write_text("no HDF5")
    with MapStore.open(path) as store:
        assert store.index.tobytes() == whole.tobytes()


def test_a_shard_that_went_is_forgotten(path):
    with MapStore.open(path) as store:
        store.write_index()
        gone = store.add(records(5))
        store.write_index()
    gone.unlink()
    with MapStore.open(path) as store:
        assert len(store) == 6
        np.testing.assert_array_equal(store.read()[:, 0, 0, 0], [2, 2, 3, 3, 4, 4])


def test_a_galaxy_in_two_shards_counts_once(path):
    with MapStore.open(path) as store:
        store.add(records(4) + records(5))
        assert list(store.column("extent_kpc")) == [32, 32, 33, 33, 34, 34, 35, 35]
        np.testing.assert_array_equal(store.read()[:, 0, 0, 0], [2, 2, 3, 3, 4, 4, 5, 5])


def test_any_one_shard_is_a_store_too(path):
    shards = sorted(path.glob("shard-*"))
    sizes = []
    for shard in shards:
        with MapStore.open(shard) as store:
            assert store.layout == LAYOUT
            sizes.append(len(store))
            number = int(store.column("name")[-1][-1])
            assert store.read([len(store) - 1])[0, 0, 0, 0] == number
            with pytest.raises(StoreError, match="is a single shard and takes no more records"):
                store.add(records(8))
    assert sorted(sizes) == [2, 4]


def test_a_store_goes_to_another_process(path):
    with MapStore.open(path) as store:
        store.read([0])
        copy = pickle.loads(pickle.dumps(store))
        np.testing.assert_array_equal(copy.read([4])[:, 0, 0, 0], [4])
        copy.close()


def test_few_files_are_open_at_a_time(path, monkeypatch):
    monkeypatch.setattr("data.store._OPEN_SHARDS", 1)
    with MapStore.open(path) as store:
        for row in (0, 2, 4, 2):
            store.read([row])
            assert len(store._files) == 1


def test_damage_is_found(path):
    with MapStore.open(path) as store:
        assert store.damaged() == []
        shard = sorted(path.glob("shard-*"))[0]
        raw = shard.read_bytes()
        shard.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        assert [str(shard) in sentence for sentence in store.damaged()] == [True]


def test_a_shard_of_another_store_is_refused(path, tmp_path):
    other = MapStore.create(tmp_path / "other", Layout(("gas",), 8)).add(
        [Record("x", "", 0.0, 1.0, 0, np.eye(3), {})]
    )
    other.rename(path / other.name)
    with pytest.raises(StoreError, match="is a shard of another store"):
        MapStore.open(path)


WRITER = """
import sys
from test_store import MapStore, records
store, start = MapStore.open(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for number in range(start, start + 10_000):
    store.add(records(number))
"""


def start_writer(path, start):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def test_killed_writers_lose_nothing_that_was_whole(tmp_path):
    """Two processes write at once and are killed in the act; what a reader sees is right."""
    path = tmp_path / "maps"
    MapStore.create(path, LAYOUT)
    before = 0
    for turn in range(2):
        writers = [start_writer(path, start + 10_000 * turn) for start in (0, 100_000)]
        with pytest.raises(subprocess.TimeoutExpired):
            writers[0].wait(0.15 + 0.013 * turn)
        with MapStore.open(path) as store:  # while they write
            assert len(store) % 2 == 0
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
        with MapStore.open(path) as store:
            assert len(store) > before
            before = len(store)
            assert store.damaged() == []
            numbers = [float(name[-3:]) for name in store.column("name")]
            np.testing.assert_array_equal(store.read()[:, 0, 4, 4], numbers)
            store.write_index()


def test_wrong_paths_get_one_sentence(path, tmp_path):
    with pytest.raises(StoreError, match="no such map store"):
        MapStore.open(tmp_path / "absent")
    with pytest.raises(StoreError, match="no such map store"):
        MapStore.open(tmp_path)
    (tmp_path / "text.hdf5").write_text("text")
    with pytest.raises(StoreError, match="is not a readable HDF5 file"):
        MapStore.open(tmp_path / "text.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "w"):
        pass
    with pytest.raises(StoreError, match="not a shard of a map store"):
        MapStore.open(tmp_path / "other.hdf5")
    description = json.loads((path / "store.json").read_text())
    for text in ("{}", "no JSON", json.dumps({**description, "format": "3"})):
        (path / "store.json").write_text(text)
        with pytest.raises(StoreError, match="does not describe a map store of format"):
            MapStore.open(path)
    with pytest.raises(ValueError, match="unknown domain 'dust'"):
        Layout(("dust",), 8)
    for taken in (path, tmp_path / "text.hdf5"):
        with pytest.raises(StoreError, match="must be a new folder, but"):
            MapStore.create(taken, LAYOUT)
    with pytest.raises(StoreError, match="must lie in a folder that exists"):
        MapStore.create("/no/where", LAYOUT)
