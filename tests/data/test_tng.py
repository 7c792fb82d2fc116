import csv
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import h5py
import numpy as np
import pytest

from data.__main__ import main
from data.cosmology import HUBBLE
from data.cutout_format import SIMULATIONS
from data.cutouts import read_cutout
from data.domains import DOMAINS
from data.json_lines import JsonLines
from data.maps import available_domains
from data.patience import Patience
from data.tng_api import ApiError, Client
from data.tng_catalog import Selection, Subhalo, choose
from data.tng_cutouts import Folder, check_cutout
from tests.killing import kill_at

ROOT = Path(__file__).parents[2]
RANGE = (1e9, 1e12)


@pytest.fixture
def client(api, key):
    return Client(key, server=api.url, patience=Patience(requests_per_s=1e6))


@pytest.fixture
def download(api, key, simulation, tmp_path, monkeypatch):
    """The command, with the local server and the key, into tmp_path / "tng"."""
    monkeypatch.setenv("TNG_API_KEY", key)
    monkeypatch.setattr(Patience, "__init__", _impatient(Patience.__init__))

    def run(*arguments):
        return main([*command(api, tmp_path / "tng"), *arguments])

    return run


def _impatient(make):
    return lambda self, **options: make(self, **{"sleep": lambda _: None, **options})


def command(api, folder, *, snapshot="99"):
    return ["download", str(folder), "--simulation", "TNG50-1", "--snapshots", snapshot,
            "--stellar-mass", "1e9", "1e12", "--min-gas-cells", "10", "--server", api.url,
            "--rate", "1000"]  # fmt: skip


def everything_in(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_galaxies_arrive_as_they_are_in_the_simulation(
    api, key, simulation, download, tmp_path, capfd
):
    simulation.add(99, 7, stellar_mass_msun=2e10)
    simulation.add(99, 12, stellar_mass_msun=5e10)
    assert download() == 0
    assert "2 cutouts fetched, 0 were there, 0 left out" in capfd.readouterr().out
    folder = tmp_path / "tng"
    for number in (7, 12):
        galaxy = read_cutout(folder / f"TNG50-1_099_{number}.hdf5")
        assert galaxy.name == f"TNG50-1/99/subhalo-{number}"
        assert available_domains(galaxy) == tuple(DOMAINS)
        # The catalog's position is the center, across the edges of the box.
        for name, true in simulation.galaxies[99, number].particles.items():
            np.testing.assert_allclose(
                galaxy.particles[name].coordinates, true.coordinates, atol=1e-6
            )
            np.testing.assert_allclose(galaxy.particles[name].masses, true.masses, rtol=1e-6)
    assert galaxy.properties["stellar_mass"] == pytest.approx(5e10)
    assert galaxy.lineage == galaxy.name
    with h5py.File(folder / "TNG50-1_099_7.hdf5") as file:
        assert "Masses" not in file["PartType1"]  # only what maps need was asked for
    for row in JsonLines(folder / "manifest.jsonl").rows():
        body = (folder / row["file"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert key.encode() not in everything_in(folder)
    assert key not in "".join(path for path, _ in api.log)


def test_the_catalog_lists_what_was_chosen_and_what_is_there(simulation, download, tmp_path):
    simulation.add(99, 7, stellar_mass_msun=2e10)
    simulation.add(50, 12, stellar_mass_msun=5e10)
    simulation.link((50, 12), (99, 7))
    assert download() == 0
    assert download("--snapshots", "50") == 0  # a second selection in the same folder
    with (tmp_path / "tng" / "catalog.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"TNG50-1/99/subhalo-7", "TNG50-1/50/subhalo-12"}
    assert {row["lineage"] for row in rows.values()} == {"TNG50-1/99/subhalo-7"}
    row = rows["TNG50-1/50/subhalo-12"]
    assert (tmp_path / "tng" / row["file"]).is_file()
    assert float(row["redshift"]) == pytest.approx(0.99729, abs=1e-5)
    assert float(row["stellar_mass_msun"]) == pytest.approx(5e10)
    assert float(row["gas_mass_msun"]) == pytest.approx(0.5e10 / HUBBLE)
    assert float(row["x_ckpc_h"]) == pytest.approx(0.4)
    assert (row["len_gas"], row["len_stars"]) == ("72", "20")


def test_what_is_there_is_not_fetched_again(api, simulation, download, tmp_path, capsys):
    for number in (7, 12, 13):
        simulation.add(99, number)
    assert download() == 0
    path = tmp_path / "tng" / "TNG50-1_099_12.hdf5"
    before = path.stat()
    api.log = []
    assert download() == 0
    assert "0 cutouts fetched, 3 were there" in capsys.readouterr().out
    assert api.asked("cutout") == []
    assert api.asked("subhalos/7/") == []  # nor is its description
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    path.write_bytes(path.read_bytes()[:-100])
    (tmp_path / "tng" / "TNG50-1_099_13.hdf5").unlink()
    assert download() == 0
    assert len(api.asked("cutout")) == 2
    assert path.stat().st_size == before.st_size


def test_verify_finds_a_flipped_bit(api, simulation, download, tmp_path, capsys):
    simulation.add(99, 7)
    download()
    path = tmp_path / "tng" / "TNG50-1_099_7.hdf5"
    good = path.read_bytes()
    path.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    assert download() == 0
    assert path.read_bytes() != good
    assert download("--verify") == 0
    assert path.read_bytes() == good
    api.log = []
    assert download("--verify") == 0
    assert api.asked("cutout") == []


def test_a_selection_by_mass_gas_and_number(api, simulation, client, tmp_path, monkeypatch):
    monkeypatch.setattr("data.tng_catalog._PAGE", 2)
    for number, mass in enumerate((1.2e9, 1.2e12, 8e9, 5e9, 0.9e9, 7e9)):
        simulation.add(99, number, stellar_mass_msun=mass, flag=int(number != 5))
    simulation.details[99, 3]["len_gas"] = 9
    seen = JsonLines(tmp_path / "seen.jsonl")

    def ids(**options):
        options = {"min_gas_cells": 10, **options}
        chosen = choose(client, Selection("TNG50-1", (99,), RANGE, **options), seen)
        return [subhalo.subhalo_id for subhalo in chosen]

    # 1 and 4 lie outside the range, 3 has too little gas, 5 is no galaxy; the heaviest first.
    assert ids() == [2, 0]
    assert len(api.asked("subhalos/?")) == 2  # pages
    assert ids(min_gas_cells=0) == [2, 3, 0]
    assert ids(limit=1) == [2]
    assert sorted(ids(shuffle_seed=1)) == [0, 2]
    orders = {tuple(ids(min_gas_cells=0, shuffle_seed=seed)) for seed in range(8)}
    assert len(orders) > 2
    assert all(sorted(order) == [0, 2, 3] for order in orders)
    assert len(api.asked("subhalos/2/")) == 1  # looked up once
    assert api.asked("subhalos/1/") == api.asked("subhalos/4/") == []


def test_the_limit_holds_for_each_snapshot(simulation, client, tmp_path):
    for snapshot in (99, 50):
        for number in (1, 2, 3):
            simulation.add(snapshot, number, stellar_mass_msun=1e10 / number)
    selection = Selection("TNG50-1", (99, 50), RANGE, min_gas_cells=10, limit=2)
    chosen = choose(client, selection, JsonLines(tmp_path / "seen.jsonl"))
    assert [(s.snapshot, s.subhalo_id) for s in chosen] == [(99, 1), (99, 2), (50, 1), (50, 2)]


def test_masses_have_no_upper_bound_where_none_is_given(api, simulation, client, tmp_path):
    simulation.add(99, 1, stellar_mass_msun=1e13)
    selection = Selection("TNG50-1", (99,), (1e9, float("inf")), min_gas_cells=10)
    assert len(choose(client, selection, JsonLines(tmp_path / "seen.jsonl"))) == 1
    assert not any("inf" in path for path, _ in api.log)


def test_an_answer_that_is_not_the_apis_is_said(api, simulation, client, tmp_path):
    simulation.add(99, 7)
    del simulation.details[99, 7]["len_gas"]
    with pytest.raises(ApiError, match=r"subhalos/7/: .* reference describes .*len_gas"):
        choose(client, Selection("TNG50-1", (99,), RANGE), JsonLines(tmp_path / "seen.jsonl"))


def test_bad_cutouts_are_left_out_and_the_rest_goes_on(
    api, simulation, download, faults, tmp_path, capsys
):
    for number in (7, 8, 9, 10):
        simulation.add(99, number, stellar_mass_msun=1e11 / number)
    body = simulation.cutouts[99, 7]
    wanted = {"gas": ["Coordinates"], "dm": ["Coordinates"], "stars": ["Coordinates"]}
    api.faults = [
        ("subhalos/7/cutout", faults["whole"](body(wanted)[:-2000])),  # a damaged file: try again
        ("subhalos/8/cutout", faults["whole"](body(wanted))),  # another galaxy's
        ("subhalos/10/cutout", faults["whole"](simulation.cutouts[99, 10]({"gas": wanted["gas"]}))),
    ]
    assert download() == 1
    captured = capsys.readouterr()
    assert "2 cutouts fetched, 0 were there, 2 left out" in captured.out
    said = [line for line in captured.err.splitlines() if line.startswith("left out")]
    assert "is damaged" in captured.err
    assert "subhalos/8/: what came is the cutout of TNG50-1/99/subhalo-7" in said[0]
    assert "subhalos/10/: the cutout holds 0 dark_matter particles, the catalog 50" in said[1]
    assert len(api.asked("subhalos/7/cutout")) == 2
    assert sorted(p.name for p in (tmp_path / "tng").glob("*.hdf5")) == [
        "TNG50-1_099_7.hdf5", "TNG50-1_099_9.hdf5",
    ]  # fmt: skip
    assert download() == 0  # the next run gets what was missing
    assert len(list((tmp_path / "tng").glob("*.hdf5"))) == 4


def test_a_genuine_cutout_is_taken_for_its_own_subhalo_alone(tng100_cutout):
    subhalo = Subhalo(
        "TNG100-1", 78, 9, 0.2977, 1e10, 1e10, 1e11, 0.0, 0.0, 0.0,
        len_gas=100, len_dark_matter=0, len_stars=2000, descendant_snapshot=-1,
        descendant_id=-1, is_galaxy=True,
    )  # fmt: skip
    check_cutout(tng100_cutout, subhalo)
    for wrong, message in (
        ({"subhalo_id": 19}, "what came is the cutout of TNG100-1/78/subhalo-9"),
        ({"snapshot": 99}, "what came is the cutout of TNG100-1/78/subhalo-9"),
        ({"len_gas": 13587}, "holds 100 gas particles, the catalog 13587"),
        ({"len_dark_matter": 1}, "holds 0 dark_matter particles, the catalog 1"),
    ):
        with pytest.raises(ApiError, match=message):
            check_cutout(tng100_cutout, replace(subhalo, **wrong))


def test_a_server_that_fails_throughout_is_not_asked_for_everything(
    api, simulation, download, faults, capsys
):
    for number in range(6):
        simulation.add(99, number)
    api.faults = [("cutout", faults["status"](504))] * 48
    assert download() == 2
    assert "3 galaxies failed one after the other" in capsys.readouterr().err
    assert len(api.asked("cutout")) == 3 * 8


def test_failures_between_successes_do_not_stop_it(api, simulation, download, faults, capsys):
    for number in range(5):
        simulation.add(99, number, stellar_mass_msun=1e11 / (number + 1))
    api.faults = [(f"subhalos/{n}/cutout", faults["status"](404)) for n in (0, 1, 3, 4)]
    assert download() == 1
    assert "1 cutouts fetched, 0 were there, 4 left out" in capsys.readouterr().out


def test_a_key_that_ceases_to_work_stops_it(api, simulation, download, faults, capsys):
    for number in (7, 8):
        simulation.add(99, number)
    api.faults = [("cutout", faults["status"](403))]
    assert download() == 2
    assert "refuses the key" in capsys.readouterr().err
    assert len(api.asked("cutout")) == 1


def test_a_wrong_key_is_one_sentence(api, simulation, download, monkeypatch, tmp_path, capsys):
    simulation.add(99, 7)
    monkeypatch.setenv("TNG_API_KEY", "not-the-key-of-anyone")
    assert download() == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: the server refuses the key in TNG_API_KEY")
    assert captured.err.count("\n") == 1
    assert "not-the-key" not in captured.out + captured.err
    assert b"not-the-key" not in everything_in(tmp_path)
    monkeypatch.delenv("TNG_API_KEY")
    assert download() == 2
    assert "TNG_API_KEY is not set" in capsys.readouterr().err


def test_a_dry_run_counts_and_fetches_nothing(api, simulation, download, tmp_path, capsys):
    for number in (7, 12):
        simulation.add(99, number)
    assert download("--dry-run") == 0
    gas, stars, dark = 67 + 72, 40, 100
    size = (gas * (24 + 52) + stars * (24 + 8) + dark * 24) / 1e9
    assert f"2 galaxies chosen, 2 of them to fetch: {size:.3g} GB" in capsys.readouterr().out
    assert api.asked("cutout") == []
    assert [path.name for path in (tmp_path / "tng").iterdir()] == ["subhalos.jsonl"]


def test_a_full_disk_is_one_sentence(simulation, download, tmp_path, capsys):
    simulation.add(99, 7)
    folder = tmp_path / "tng"
    folder.mkdir()
    (folder / "subhalos.jsonl").symlink_to("/dev/full")
    assert download() == 2
    assert capsys.readouterr().err == (
        f"error: there is no room for {folder / 'subhalos.jsonl'} (No space left on device): what "
        "was whole is kept, and the same can be run again once there is\n"
    )


def test_one_download_a_folder(simulation, download, tmp_path, capsys):
    with Folder(tmp_path / "tng").locked():
        assert download() == 2
    assert "another download is writing to" in capsys.readouterr().err


def test_an_interrupted_download_is_continued(api, key, simulation, faults, download, tmp_path):
    cut = simulation.add(99, 7)
    folder = tmp_path / "tng"

    def padded(query):  # HDF5 does not mind what follows its end
        return cut(query) + bytes(1 << 20)

    def slow(handler):
        body = padded(parse_qs(urlsplit(handler.path).query))
        faults["dripping"](body, pieces=200, pause=0.05)(handler)

    simulation.cutouts[99, 7] = padded
    api.etag = '"version-1"'
    api.faults = [("cutout", slow)]
    process = subprocess.Popen(
        [sys.executable, "-m", "data", *command(api, folder)], cwd=ROOT, text=True,
        env={**os.environ, "TNG_API_KEY": key}, stderr=subprocess.PIPE,
        # Where the tests run in the background, they and their children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    part = folder / ".TNG50-1_099_7.hdf5.part"
    deadline = time.monotonic() + 60
    while not (part.is_file() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "stopped; run the same command to continue\n"
    size = part.stat().st_size
    assert 0 < size < 1 << 20
    assert not list(folder.glob("*.hdf5"))
    assert download() == 0
    assert api.asked("cutout")[1]["range"] == f"bytes={size}-"
    gas = read_cutout(folder / "TNG50-1_099_7.hdf5").particles["gas"]
    true = simulation.galaxies[99, 7].particles["gas"]
    np.testing.assert_allclose(gas["temperature"], true["temperature"], rtol=1e-6)
    assert not list(folder.glob(".*.part*"))


def test_a_download_that_is_killed_again_and_again_comes_to_the_same(
    api, simulation, download, tmp_path, capfd
):
    for number in (7, 12):
        simulation.add(99, number)
    api.etag = '"version-1"'
    folder, whole = tmp_path / "tng", tmp_path / "whole"
    assert download() == 0
    folder.rename(whole)
    folder.mkdir()
    kills = 0

    def work():
        assert download() == 0

    # Each time a little later, so that every run gets on.
    for touch in itertools.count(1, 3):
        if not kill_at(work, folder, touch):
            break
        kills += 1
        for path in folder.glob("*.hdf5"):  # what has its name is whole
            assert path.read_bytes() == (whole / path.name).read_bytes()
    assert kills > 5
    assert download() == 0
    assert "0 cutouts fetched, 2 were there" in capfd.readouterr().out.splitlines()[-1]
    for name in ("catalog.csv", *(path.name for path in whole.glob("*.hdf5"))):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    rows = [JsonLines(place / "manifest.jsonl").rows() for place in (whole, folder)]
    assert {row["file"]: row for row in rows[0]} == {row["file"]: row for row in rows[1]}
    assert [path.name for path in folder.glob(".*") if path.name != ".lock"] == []


def test_bad_selections_are_said(download, capsys):
    for arguments in (["--stellar-mass", "1e9", "-1"], ["--min-gas-cells", "-1"],
                      ["--simulation", "TNG50-9"], ["--limit", "0"]):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            download(*arguments)
        assert stop.value.code == 2
    assert download("--stellar-mass", "1e12", "1e9") == 2
    assert (
        "stellar masses must be a least and a greater, got 1e+12 1e+09" in capsys.readouterr().err
    )
    with pytest.raises(ValueError, match="unknown simulation 'Illustris-9'"):
        Selection("Illustris-9", (99,), RANGE)
    with pytest.raises(ValueError, match="snapshots must be numbers from 0"):
        Selection("TNG50-1", (), RANGE)
    assert "TNG300-1" in SIMULATIONS.values()


def test_json_lines_outlive_a_torn_line(tmp_path):
    lines = JsonLines(tmp_path / "rows.jsonl")
    assert lines.rows() == []
    lines.append({"a": 1})
    lines.append({"b": "é\n"})
    whole = lines.path.read_bytes()
    for cut in range(1, len(whole.splitlines()[1]) + 1):
        lines.path.write_bytes(whole[:-cut])
        lines.append({"c": 3})
        assert [row for row in lines.rows() if "b" not in row] == [{"a": 1}, {"c": 3}]
    assert json.loads(whole.splitlines()[1]) == {"b": "é\n"}
