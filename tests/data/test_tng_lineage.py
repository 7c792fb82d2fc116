"""Earlier selves of a galaxy, and what merges into it, are known to be of one lineage."""

import csv
import json

import h5py
import pytest

from data.__main__ import main
from data.cutouts import read_cutout
from data.json_lines import JsonLines
from data.patience import Patience
from data.splits import split_of
from data.store import MapStore
from data.tng_api import ApiError, Client, KeyRefused
from data.tng_catalog import Selection, choose
from data.tng_cutouts import Folder


@pytest.fixture
def client(api, key):
    return Client(key, server=api.url, patience=Patience(requests_per_s=1e6, sleep=lambda _: None))


@pytest.fixture
def merging(simulation):
    """Subhalos 5 and 6 of z = 1 become 11 and 3 of z = 0; 8 merges into 5's branch, 9 is lost."""
    for number in (5, 6, 8, 9):
        simulation.add(50, number, stellar_mass_msun=1e10 - number)
    for number in (3, 11):
        simulation.add(99, number)
    simulation.link((50, 5), (51, 2), (98, 4), (99, 11))
    simulation.link((50, 6), (98, 7), (99, 3))
    simulation.link((50, 8), (52, 20), (98, 4))  # skips a snapshot
    simulation.link((50, 9), (97, 30))
    return simulation


LINEAGES = {
    (99, 11): "TNG50-1/99/subhalo-11", (50, 5): "TNG50-1/99/subhalo-11",
    (50, 8): "TNG50-1/99/subhalo-11", (99, 3): "TNG50-1/99/subhalo-3",
    (50, 6): "TNG50-1/99/subhalo-3", (50, 9): "TNG50-1/97/subhalo-30",
}  # fmt: skip


def fetch(folder, client, snapshots=(50, 99)):
    """Return the chosen subhalos, their cutouts in the folder; sentences on those left out."""
    selection = Selection("TNG50-1", snapshots, (1e9, 1e12), min_gas_cells=10)
    chosen, failures = choose(client, selection, folder.seen), []
    for subhalo in chosen:
        if not folder.holds(subhalo):
            try:
                folder.fetch(client, subhalo, lambda _: None)
            except KeyRefused:
                raise
            except ApiError as error:
                failures.append(str(error))
    folder.write_catalog(chosen)
    return chosen, failures


def test_lineages_are_followed_to_the_last_snapshot(api, merging, client, tmp_path):
    folder = Folder(tmp_path / "tng")
    chosen, failures = fetch(folder, client)
    assert not failures
    found = {}
    for subhalo in chosen:
        galaxy = read_cutout(folder.path / subhalo.file_name)
        found[subhalo.snapshot, subhalo.subhalo_id] = galaxy.lineage
        assert galaxy.name == subhalo.name
    assert found == LINEAGES
    with (folder.path / "catalog.csv").open(newline="") as file:
        rows = {row["name"]: row["lineage"] for row in csv.DictReader(file)}
    assert rows == {f"TNG50-1/{s}/subhalo-{n}": lineage for (s, n), lineage in LINEAGES.items()}
    for link in ("51/subhalos/2/", "52/subhalos/20/", "98/subhalos/4/"):
        assert len(api.asked(link)) == 1


def test_a_second_run_asks_for_no_link(api, merging, client, tmp_path):
    fetch(Folder(tmp_path / "tng"), client)
    for path in (tmp_path / "tng").glob("*.hdf5"):
        path.unlink()
    api.log = []
    chosen, failures = fetch(Folder(tmp_path / "tng"), client)
    assert (len(chosen), failures) == (6, [])
    assert not [path for path, _ in api.log if path.endswith("/") and "/subhalos/" in path]
    assert read_cutout(tmp_path / "tng" / "TNG50-1_050_8.hdf5").lineage == LINEAGES[50, 8]


def test_passing_faults_pass_and_others_leave_a_galaxy_out(api, merging, client, faults, tmp_path):
    api.faults = [
        ("51/subhalos/2/", faults["status"](500)), ("51/subhalos/2/", faults["status"](429)),
        ("51/subhalos/2/", faults["broken"](b'{"snap": 51, "id": 2}')),
        ("98/subhalos/7/", faults["status"](404)), ("97/subhalos/30/", faults["whole"](b"{}")),
        ("52/subhalos/20/", faults["whole"](json.dumps(
            {"snap": 52, "id": 20, "desc_snap": 52, "desc_sfid": 20}).encode())),
    ]  # fmt: skip
    folder = Folder(tmp_path / "tng")
    chosen, failures = fetch(folder, client)
    assert not api.faults
    for sentence, part in zip(
        failures,
        ("98/subhalos/7/: the server answered HTTP 404",
         "52/subhalos/20/: its descendant is said to lie in snapshot 52",
         "97/subhalos/30/: the answer is not what the API's reference describes"),
        strict=True,
    ):  # fmt: skip
        assert part in sentence
    there = {(s.snapshot, s.subhalo_id) for s in chosen if folder.holds(s)}
    assert there == {(50, 5), (99, 3), (99, 11)}
    assert not api.asked("subhalos/9/cutout")  # no cutout without a lineage


def test_a_key_that_ceases_to_work_is_said(api, merging, client, faults, tmp_path):
    api.faults = [("98/subhalos/4/", faults["status"](403))]
    with pytest.raises(KeyRefused):
        fetch(Folder(tmp_path / "tng"), client)


def test_cutouts_of_before_lineages_are_not_whole(merging, client, tmp_path):
    folder = Folder(tmp_path / "tng")
    chosen, _ = fetch(folder, client, (99,))
    lines = folder.manifest.rows()
    folder.manifest.path.unlink()
    for row in lines:
        JsonLines(folder.manifest.path).append({k: v for k, v in row.items() if k != "lineage"})
    assert not any(Folder(tmp_path / "tng").holds(subhalo) for subhalo in chosen)


def test_no_lineage_is_on_both_sides_of_a_split(merging, client, tmp_path):
    """By name alone, some of these would be in train at z = 1 and hold-out at z = 0."""
    for number in range(20, 40):  # the same galaxy has another number in each snapshot
        merging.add(50, number)
        merging.add(99, 100 - number)
        merging.link((50, number), (98, number + 1), (99, 100 - number))
    folder = Folder(tmp_path / "tng")
    fetch(folder, client)
    path = tmp_path / "maps"
    files = [str(file) for file in sorted(folder.path.glob("*.hdf5"))]
    assert main(["build", str(path), "--cutouts", *files, "--rotations", "1",
                 "--grid-size", "4", "--workers", "1"]) == 0  # fmt: skip
    with MapStore.open(path) as store:
        assert len(store) == len(files) == 46
        names, lineages, splits = (store.column(c) for c in ("name", "lineage", "split"))
        sides, by_name = {}, {}
        for name, lineage, split in zip(names, lineages, splits, strict=True):
            sides.setdefault(lineage, set()).add(split)
            by_name.setdefault(lineage, set()).add(split_of(name))
        assert len(sides) == 23
        assert {len(side) for side in sides.values()} == {1}
        assert max(len(side) for side in by_name.values()) > 1
        assert set(splits) == {"train", "validation", "test"}
        rows = store.select(lineage="TNG50-1/99/subhalo-11")
        assert sorted(names[rows]) == [
            "TNG50-1/50/subhalo-5", "TNG50-1/50/subhalo-8", "TNG50-1/99/subhalo-11",
        ]  # fmt: skip


def test_a_cutout_of_the_api_itself_has_no_lineage(simulation, tmp_path):
    body = simulation.add(99, 7)({"gas": ["Coordinates,Masses"]})
    (tmp_path / "cutout.hdf5").write_bytes(body)
    with h5py.File(tmp_path / "cutout.hdf5") as file:
        assert "GalaxyLineage" not in file["Header"].attrs
    assert read_cutout(tmp_path / "cutout.hdf5").lineage == ""
