import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from data.rotations import random_rotations
from data.splits import split_of
from data.store import MapStore, Record, StoreError

ROOT = Path(__file__).parents[2]
DOMAINS = ("gas", "stars")


def records(number, rotations=2, size=8):
    """Return the records of one galaxy whose gas map holds its number everywhere."""
    name = f"synthetic-{number:06d}"
    return [
        Record(name, "spiral", 0.5, 30.0 + number, i, rotation,
               {"gas": np.full((size, size), float(number))})
        for i, rotation in enumerate(random_rotations(name, rotations))
    ]  # fmt: skip


def test_records_come_back_as_they_went(tmp_path):
    path = tmp_path / "maps.hdf5"
    with MapStore.create(path, DOMAINS, 8, {"recipe": "test"}) as store:
        for number in (3, 4):
            store.append(records(number))
        store.append([])
    with MapStore.open(path) as store:
        assert len(store) == 4
        assert (store.domains, store.grid_size) == (DOMAINS, 8)
        assert store.attributes == {"recipe": "test"}
        assert list(store.column("name")) == ["synthetic-000003"] * 2 + ["synthetic-000004"] * 2
        assert list(store.column("split")) == [split_of(n) for n in store.column("name")]
        np.testing.assert_array_equal(store.column("extent_kpc"), [33, 33, 34, 34])
        np.testing.assert_array_equal(store.column("rotation_index"), [0, 1, 0, 1])
        np.testing.assert_array_equal(store.rotation(3), random_rotations("synthetic-000004")[1])
        maps = store.read()
        assert maps.dtype == np.float32
        np.testing.assert_array_equal(maps[:, 0, 0, 0], [3, 3, 4, 4])
        assert np.isnan(maps[:, 1]).all()  # no stars: missing, not zero
        np.testing.assert_array_equal(store.read([1, 2])[:, 0, 5, 5], [3, 4])
        np.testing.assert_array_equal(store.read(slice(3, 99))[:, 0, 5, 5], [4])


def test_one_writer_and_many_readers(tmp_path):
    path = tmp_path / "maps.hdf5"
    with MapStore.create(path, DOMAINS, 8, {}) as store:
        store.append(records(1))
        with pytest.raises(StoreError, match="is being written by another process"):
            MapStore.open(path, writable=True)
        code = f"from data.store import *; print(len(MapStore.open({str(path)!r})))"
        shown = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
        )
        assert shown.stdout == "2\n", shown.stderr
    with MapStore.open(path, writable=True) as store:
        store.append(records(2))
        assert len(store) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["maps.hdf5"]


WRITER = """
import sys
from test_store import MapStore, records
with MapStore.open(sys.argv[1], writable=True) as store:
    number = len(store) // 2
    print("ready", flush=True)
    while True:
        store.append(records(number))
        number += 1
"""


def test_a_killed_writer_loses_nothing_and_is_continued(tmp_path):
    path = tmp_path / "maps.hdf5"
    MapStore.create(path, DOMAINS, 8, {}).close()
    before = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
        )  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1 + 0.013 * before % 0.1)
        process.kill()
        process.wait()
        process.stdout.close()
        with MapStore.open(path) as store:
            assert len(store) % 2 == 0
            assert len(store) > before
            before = len(store)
            numbers = np.repeat(np.arange(before // 2), 2)
            np.testing.assert_array_equal(store.read()[:, 0, 4, 4], numbers)
            assert list(store.column("name")) == [f"synthetic-{n:06d}" for n in numbers]


def test_records_that_do_not_fit_are_refused_whole(tmp_path):
    with MapStore.create(tmp_path / "maps.hdf5", DOMAINS, 8, {}) as store:
        with pytest.raises(StoreError, match=r"a map of gas with shape \(4, 4\) does not fit"):
            store.append(records(1)[:1] + records(1, size=4)[1:])
        with pytest.raises(StoreError, match="name of at most 128 bytes"):
            store.append([Record("x" * 200, "", 0.0, 1.0, 0, np.eye(3), {})])
        with pytest.raises(StoreError, match=r"\(3, 3\) rotation, got \(2, 2\)"):
            store.append([Record("x", "", 0.0, 1.0, 0, np.eye(2), {})])
        assert len(store) == 0


def test_wrong_files_get_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="no such map store"):
        MapStore.open(tmp_path / "absent.hdf5")
    (tmp_path / "text.hdf5").write_text("text")
    with pytest.raises(StoreError, match="is not a readable HDF5 file"):
        MapStore.open(tmp_path / "text.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "w"):
        pass
    for writable in (False, True):
        with pytest.raises(StoreError, match="not a map store of format"):
            MapStore.open(tmp_path / "other.hdf5", writable=writable)
    with pytest.raises(ValueError, match="unknown domain 'dust'"):
        MapStore.create(tmp_path / "new.hdf5", ("dust",), 8, {})
    with pytest.raises(FileExistsError):
        MapStore.create(tmp_path / "other.hdf5", DOMAINS, 8, {})
    assert not list(tmp_path.glob(".*"))
