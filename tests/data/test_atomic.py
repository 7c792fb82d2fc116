"""Files are whole or not there, whatever is killed and however full the disk."""

import os
import pickle
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from data.atomic import DiskFull, replacing, sweep, writing
from data.hdf5 import writing_hdf5
from data.json_lines import JsonLines
from data.store import Layout, MapStore, Record
from tests.killing import kill_everywhere

ROOM = 1 << 20


@contextmanager
def little_room(size=ROOM):
    """Let no file grow beyond so many bytes: the system then refuses, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_the_old_or_the_new_one_wherever_its_writer_is_killed(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    seen = []

    def work():
        with replacing(path) as aside:
            aside.write_text("new")

    def look(folder):
        seen.append(path.read_text())
        # What the last one left is gone, but for what this one left.
        assert len([name for name in names(folder) if name != "file"]) <= 1

    assert kill_everywhere(work, tmp_path, look) >= 4
    assert set(seen) == {"old", "new"}
    assert seen == sorted(seen, reverse=True)  # once it is new it stays so
    assert names(tmp_path) == ["file"]


def test_a_folder_is_whole_or_not_there(tmp_path):
    path = tmp_path / "folder"

    def make():
        with replacing(path) as aside:
            aside.mkdir()
            (aside / "one").touch()
            (aside / "two").touch()

    def work():
        if not path.exists():
            make()

    def look(folder):
        if path.exists():
            assert names(path) == ["one", "two"]

    path.mkdir()  # an empty one may be there
    make()
    with pytest.raises(ValueError, match=r"must be new or a file, got .*folder"):
        make()
    shutil.rmtree(path)
    assert kill_everywhere(work, tmp_path, look) >= 4
    assert names(tmp_path) == ["folder"]


def test_a_device_is_not_replaced():
    with pytest.raises(ValueError, match="must be new or a file, got /dev/null"):  # noqa: SIM117
        with replacing(Path("/dev/null")):
            pass


def test_what_the_living_write_is_left_alone(tmp_path):
    with replacing(tmp_path / "file") as aside:
        aside.write_text("new")
        sweep(tmp_path)
        assert aside.exists()
        # Of another machine, whose processes we cannot see: an hour must have passed.
        elsewhere = tmp_path / ".file.00000000-1-0123abcd0.partial"
        elsewhere.touch()
        sweep(tmp_path)
        assert elsewhere.exists()
        os.utime(elsewhere, (0, time.time() - 4000))
        # Of a process before this one, with its number.
        (tmp_path / re.sub(r"-\w+.partial", "-0123abcd0.partial", aside.name)).touch()
        theirs = tmp_path / ".other.partial"  # by its name no file of ours
        theirs.touch()
        os.utime(theirs, (0, 0))
        sweep(tmp_path)
    assert names(tmp_path) == [".other.partial", "file"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    code = (
        "import os; from pathlib import Path; from data.atomic import replacing\n"
        "os.umask(0o027)\n"
        "with replacing(Path('file')) as aside: aside.touch()"
    )
    path = os.pathsep.join([os.getcwd(), *sys.path])
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True,
                   env={**os.environ, "PYTHONPATH": path})  # fmt: skip
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


WRITERS = {
    "bytes": lambda path: path.write_bytes(bytes(2 * ROOM)),
    "large": lambda path: _hdf5(path, np.random.default_rng(0).random(2 * ROOM // 8)),
    "packed": lambda path: _hdf5(path, np.random.default_rng(0).random(ROOM // 4), "gzip"),
    "groups": lambda path: _groups(path, 3000),
}


def _hdf5(path, values, compression=None):
    with writing_hdf5(path) as file:
        for part in range(4):
            file.create_dataset(f"{part}", data=values, compression=compression)


def _groups(path, count):
    with writing_hdf5(path) as file:
        for number in range(count):
            file.create_group(f"{number}").attrs["values"] = np.arange(100.0)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_sentence_and_leaves_what_was(tmp_path, writer):
    path = tmp_path / "file"
    path.write_text("old")
    with little_room(), pytest.raises(DiskFull) as caught, replacing(path) as aside:
        WRITERS[writer](aside)
    assert str(caught.value) == (
        f"there is no room for {path} (File too large): what was whole is kept, and the same can "
        "be run again once there is"
    )
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE) == 0
    with replacing(path) as aside:  # there is room again
        WRITERS[writer](aside)
    assert path.stat().st_size > ROOM


def test_hdf5_comes_back_as_it_was_written(tmp_path):
    values = np.random.default_rng(0).random((20, 50))
    with writing_hdf5(tmp_path / "file") as file:
        file.create_dataset("values", data=values, compression="gzip")
        file.attrs["a"] = "text"
    with writing_hdf5(tmp_path / "file", "r+") as file:
        file.attrs["b"] = 2
    with h5py.File(tmp_path / "file") as file:
        np.testing.assert_array_equal(file["values"], values)
        assert dict(file.attrs) == {"a": "text", "b": 2}


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(KeyError), writing(tmp_path):
        raise KeyError("a")
    with pytest.raises(ZeroDivisionError), writing_hdf5(tmp_path / "file"):
        1 / 0  # noqa: B018


def record(number):
    maps = {"gas": np.full((8, 8), 2.0 ** (20 + number), np.float32)}
    return Record(f"toy-{number}", "spiral", 0.0, 50.0, 0, np.eye(3), maps)


def test_a_store_has_whole_shards_wherever_its_writer_is_killed(tmp_path):
    path = tmp_path / "maps"

    def work():
        there = (path / "store.json").exists()
        store = MapStore.open(path) if there else MapStore.create(path, Layout(("gas",), 8))
        with store:
            for number in range(2):
                if f"toy-{number}" not in store.column("name"):
                    store.add([record(number)])
            store.write_index()

    def look(folder):
        if (path / "store.json").exists():
            with MapStore.open(path) as store:
                assert store.damaged() == []
                np.testing.assert_array_equal(
                    store.read()[:, 0, 0, 0], [2.0 ** (20 + n) for n in range(len(store))]
                )

    assert kill_everywhere(work, tmp_path, look) > 6
    sweep(path)
    assert [name for name in names(path) if name.startswith(".")] == []
    with MapStore.open(path) as store:
        assert len(store) == 2


def test_lines_are_whole_wherever_their_writer_is_killed(tmp_path):
    lines = JsonLines(tmp_path / "lines")

    def work():
        for number in range(len(lines.rows()), 3):
            lines.append({"number": number})

    def look(folder):
        rows = lines.rows()
        assert rows == [{"number": number} for number in range(len(rows))]

    kill_everywhere(work, tmp_path, look)
    assert len(lines.rows()) == 3


def test_a_full_disk_stops_lines_in_a_sentence_and_costs_no_other(tmp_path):
    lines = JsonLines(tmp_path / "lines")
    lines.append({"number": 0})
    with little_room(30), pytest.raises(DiskFull, match=r"no room for .*lines"):
        lines.append({"text": "x" * 99})
    assert lines.rows() == [{"number": 0}]
    lines.append({"number": 1})
    assert lines.rows() == [{"number": 0}, {"number": 1}]
