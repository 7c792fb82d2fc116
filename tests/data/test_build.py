import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

import numpy as np
import pytest

from data.__main__ import main
from data.build import MapOptions, _galaxies_per_shard, _run, build, make_shard, records_of
from data.cutouts import write_cutout
from data.domains import DOMAINS
from data.maps import field_of_view, render
from data.rotations import random_rotations
from data.sources import Cutout, Synthetic, read_centers
from data.splits import split_of
from data.store import MapStore, StoreError
from data.synthetic import synthesize

ROOT = Path(__file__).parents[2]
OPTIONS = MapOptions(grid_size=8, rotations=2)


def same(one, two):
    with MapStore.open(one) as a, MapStore.open(two) as b:
        return a.index.tobytes() == b.index.tobytes() and np.array_equal(a.read(), b.read())


@pytest.fixture(scope="session")
def cutouts(tmp_path_factory):
    """Four galaxies of few particles."""
    folder = tmp_path_factory.mktemp("cutouts")
    for seed in range(4):
        few = {f"num_{name}": 1000 for name in ("gas", "dark_matter", "stars")}
        write_cutout(synthesize(seed, **few), folder / f"{seed}.hdf5")
    return [Cutout(path) for path in sorted(folder.iterdir())]


@pytest.fixture(scope="session")
def four(cutouts, tmp_path_factory):
    """A store of these, made in this process."""
    path = tmp_path_factory.mktemp("build") / "four"
    assert build(path, cutouts, OPTIONS) == (8, [])
    return path


def test_a_store_holds_what_render_gives(four, cutouts):
    galaxy = cutouts[3].load()
    assert galaxy.name == "synthetic-000003"
    turn = random_rotations(galaxy.name, 2)[1]
    maps = render(galaxy, DOMAINS, rotation=turn, grid_size=8)
    with MapStore.open(four) as store:
        row = store.select(name=galaxy.name, rotation_index=1)
        entry = store.index[row[0]]
        assert entry["extent_kpc"] == field_of_view(galaxy)
        assert entry["stellar_mass"] == galaxy.particles["stars"].masses.sum()
        np.testing.assert_array_equal(entry["rotation"], turn)
        for channel, name in enumerate(store.domains):
            np.testing.assert_allclose(store.read(row)[0, channel], maps[name], rtol=2.0**-11)


def test_processes_change_nothing_and_a_second_run_continues(four, cutouts, tmp_path):
    path, before = tmp_path / "maps", dict(os.environ)
    assert build(path, cutouts[:3], OPTIONS, workers=2) == (6, [])
    assert dict(os.environ) == before
    assert build(path, cutouts, OPTIONS) == (2, [])
    assert build(path, cutouts, OPTIONS) == (0, [])
    assert same(path, four)


def test_a_cluster_makes_the_same(four, cutouts, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        assert build(tmp_path / "maps", cutouts, OPTIONS, scheduler=address) == (8, [])
    assert same(tmp_path / "maps", four)


def test_what_a_killed_worker_of_a_cluster_was_at_is_done_by_another(four, cutouts, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    killed, path = [], tmp_path / "maps"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:

        def kill():
            """End one of the two when the first shard is written, or about to be."""
            while not list(path.glob("*shard-*")):
                time.sleep(0.001)
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

        threading.Thread(target=kill, daemon=True).start()
        address = cluster.scheduler_address
        assert build(path, cutouts, OPTIONS, scheduler=address) == (8, [])
        assert cluster.workers[0].pid != killed[0]
    assert build(path, cutouts, OPTIONS) == (0, [])
    assert not list(path.glob("*.partial"))
    assert same(path, four)


def test_a_task_that_no_worker_survives_is_said(cutouts, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

    class Client:
        def __init__(self, *arguments, **options):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def get_executor(self, **options):
            raise self.error

    monkeypatch.setattr(distributed, "Client", Client)
    for Client.error, words in (
        (distributed.KilledWorker("task", None, 3), "4 workers in turn died of one task"),
        (CancelledError(), "the scheduler tcp://1:1 was lost"),
    ):
        with pytest.raises(StoreError, match=words):
            build(tmp_path / "maps", cutouts, OPTIONS, scheduler="tcp://1:1")


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_killed_build_keeps_what_was_whole_and_goes_on(tmp_path):
    path, sources = tmp_path / "maps", [Synthetic(seed) for seed in range(3)]
    words = [sys.executable, "-m", "data", "build", str(path), "--synthetic", "0:3",
             "--rotations", "2", "--grid-size", "8", "--workers", "2"]  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(path.glob("shard-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGKILL)
    process.wait()
    while any(alive(int(child)) for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children
    assert not any(alive(int(child)) for child in children)  # workers end with their parent
    with MapStore.open(path) as store:
        assert store.damaged() == []
        whole = len(store)
        with pytest.raises(StoreError, match="is not finished: its build is at work or was stop"):
            store.require_finished()
    assert 2 <= whole < 6
    assert build(path, sources, OPTIONS) == (6 - whole, [])
    with MapStore.open(path) as store:
        store.require_finished()
    build(tmp_path / "uninterrupted", sources, OPTIONS)
    assert same(path, tmp_path / "uninterrupted")
    assert not list(path.glob("*.partial"))


def test_a_worker_that_was_killed_is_said_in_one_sentence():
    class Broken:
        def submit(self, task, block):
            from concurrent.futures.process import BrokenProcessPool

            future = Future()
            future.set_exception(BrokenProcessPool())
            return future

    with pytest.raises(StoreError, match="a worker was killed, perhaps for lack of memory"):
        list(_run(None, [[]], Broken()))


def test_a_cluster_without_dask_is_said(cutouts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"install it with pip install 'galactic-alchemy\[cluster"):
        build(tmp_path / "maps", cutouts, OPTIONS, scheduler="tcp://nowhere:1")


def test_tasks_are_large_where_that_helps_and_fit_the_memory():
    assert _galaxies_per_shard(2000, 2, MapOptions(128)) == 16
    assert _galaxies_per_shard(12_000, 1024, MapOptions(128)) == 2
    assert _galaxies_per_shard(12_000, 2, MapOptions(512)) == 1
    assert _galaxies_per_shard(3, 2, MapOptions(128)) == 1


def test_snapshots_are_galaxies_of_their_own_in_one_split(tmp_path):
    sources = [Synthetic(3, z) for z in (0.0, 0.5)]
    assert build(tmp_path / "maps", sources, OPTIONS) == (4, [])
    with MapStore.open(tmp_path / "maps") as store:
        names = list(store.column("name")[::2])
        assert names == ["synthetic-000003", "synthetic-000003/z0.5"]
        assert {split_of(name) for name in names} == {"validation"}
        assert set(store.column("lineage")) == {"synthetic-000003"}
        assert list(store.column("redshift")) == [0, 0, 0.5, 0.5]
        extents, turns = store.column("extent_kpc"), store.column("rotation")
        assert extents[0] > extents[2]  # smaller in the past
        assert not np.allclose(turns[0], turns[2])


def test_one_bad_cutout_does_not_stop_the_others(cutouts, tmp_path):
    for name in ("good", "again"):
        shutil.copy(cutouts[2].path, tmp_path / f"{name}.hdf5")
    (tmp_path / "bad.hdf5").write_text("text")
    names = ("bad.hdf5", "good.hdf5", "absent.hdf5", "again.hdf5")
    added, failures = build(tmp_path / "maps", [Cutout(tmp_path / n) for n in names], OPTIONS)
    assert added == 2
    expected = ("bad.hdf5 is not an HDF5 file", "no such cutout", "synthetic-000002 is there twice")
    for sentence, part in zip(failures, expected, strict=True):
        assert part in sentence
    expected = records_of(cutouts[2].load(), OPTIONS)[0].maps["gas"]
    with MapStore.open(tmp_path / "maps") as store:
        np.testing.assert_allclose(store.read([0], ["gas"])[0, 0], expected, rtol=2.0**-11)
    known = [Cutout(tmp_path / "good.hdf5"), Synthetic(2)]
    assert build(tmp_path / "maps", known, OPTIONS) == (0, [])


def test_a_task_says_what_it_left_out_and_writes_the_rest(cutouts, tmp_path):
    sources = [Synthetic(1, redshift=9.0), Cutout(tmp_path / "absent.hdf5"), cutouts[0]]
    added, failures = make_shard(sources, tmp_path, OPTIONS)
    assert added == 2
    assert "redshift must lie in 0 to 2" in failures[0]
    assert "no such cutout" in failures[1]
    assert len(list(tmp_path.glob("shard-*"))) == 1


def test_several_objects_of_one_file(tng50_excerpt, tmp_path):
    kpc = 1.0 / 0.6774
    table = tmp_path / "centers.csv"
    table.write_text(
        "name,x_kpc,y_kpc,z_kpc,radius_kpc\n"
        + "".join(
            f"{name},{x * kpc},{y * kpc},{z * kpc},{100 * kpc}\n"
            for name, x, y, z in (("first", 25929, 10371, 25312), ("second", 26106, 10143, 27266))
        )
    )
    path = str(tmp_path / "maps")
    small = ["--rotations", "1", "--grid-size", "16", "--workers", "1"]
    words = ["build", path, "--cutouts", str(tng50_excerpt), "--centers", str(table), *small]
    assert main(words) == 0
    with MapStore.open(path) as store:
        assert list(store.column("name")) == ["first", "second"]
        for gas in store.read(domains=["gas"])[:, 0]:  # the object is in the middle of its map
            assert gas[4:12, 4:12].sum() > 0.4 * gas.sum()


def test_a_table_of_centers_is_checked(tmp_path):
    table = tmp_path / "centers.csv"
    for text in ("name,x_kpc\na,1\n", "name,x_kpc,y_kpc,z_kpc,radius_kpc\na,1,2,x,4\n"):
        table.write_text(text)
        with pytest.raises(ValueError, match=r"line 2 of .* must have name, x_kpc"):
            read_centers(table, "cutout.hdf5")


def test_other_options_are_refused(four, cutouts):
    before = json.loads((four / "store.json").read_text())
    for other in (MapOptions(16, 2), MapOptions(8, 3), MapOptions(8, 2, 1.5)):
        with pytest.raises(StoreError, match="was built with"):
            build(four, cutouts[:1], other)
    assert json.loads((four / "store.json").read_text()) == before
    with pytest.raises(ValueError, match="map options must be above zero"):
        MapOptions(field_of_view_factor=0.0)


def test_command_line(tmp_path, capsys):
    store, cutout = str(tmp_path / "maps"), str(tmp_path / "galaxy.hdf5")
    assert main(["export", cutout, "--seed", "3", "--kind", "spiral"]) == 0
    small = ["--grid-size", "8", "--rotations", "1", "--workers", "1"]
    seeds = ["--synthetic", "0", "--redshifts", "0", "1"]
    assert main(["build", store, *seeds, "--cutouts", cutout, *small]) == 0
    assert "3 map stacks added, 3 in all" in capsys.readouterr().out
    sheet = tmp_path / "sheet.png"
    assert main(["inspect", store, "--verify", "--sheet", str(sheet)]) == 0
    assert "3 stacks of 3 galaxies, 8 x 8 pixels" in capsys.readouterr().out
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert main(["inspect", cutout]) == 0
    assert "cutout: synthetic-000003, spiral at redshift 0.000" in capsys.readouterr().out
    published = tmp_path / "published"
    assert main(["convert", store, str(published)]) == 0
    assert capsys.readouterr().out.count(".hdf5\n") == len(DOMAINS)
    files = [str(f) for f in published.iterdir()]
    assert main(["convert", *files, str(tmp_path / "back")]) == 0
    assert same(store, tmp_path / "back")
    shard = next(Path(store).glob("shard-*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert main(["inspect", store, "--verify"]) == 1
    assert "delete it and build again" in capsys.readouterr().err
    shard.unlink()
    assert main(["build", store, *seeds, "--cutouts", cutout, *small]) == 0
    assert "1 map stacks added, 3 in all" in capsys.readouterr().out


def test_command_line_says_what_is_wrong_in_one_line(tmp_path, capsys):
    absent = str(tmp_path / "absent")
    for words in (
        ["inspect", absent],
        ["inspect", str(tmp_path)],
        ["build", absent],
        ["build", "/no/where", "--synthetic", "0"],
        ["build", absent, "--cutouts", "a", "b", "--centers", "c.csv"],
        ["convert", absent, absent],
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    assert main(["build", absent, "--cutouts", absent, "--workers", "1"]) == 1
    assert "left out: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["build", absent, "--synthetic", "5:2"])
    assert "seeds must look like 0:2000" in capsys.readouterr().err
