import numpy as np
import pytest

from data.__main__ import main
from data.build import MapOptions, build, records_of
from data.cutouts import write_cutout
from data.domains import DOMAINS
from data.maps import field_of_view, render
from data.rotations import random_rotations
from data.store import MapStore, StoreError
from data.synthetic import synthesize

OPTIONS = MapOptions(grid_size=8, rotations=2)


def test_a_store_holds_what_render_gives(tmp_path):
    path = tmp_path / "maps.hdf5"
    assert build(path, [7], OPTIONS) == (2, [])
    galaxy = synthesize(7)
    turn = random_rotations(galaxy.name, 2)[1]
    maps = render(galaxy, DOMAINS, rotation=turn, grid_size=8)
    with MapStore.open(path) as store:
        assert store.column("extent_kpc")[1] == field_of_view(galaxy)
        np.testing.assert_array_equal(store.rotation(1), turn)
        for channel, name in enumerate(store.domains):
            np.testing.assert_allclose(store.read()[1, channel], maps[name], rtol=1e-5)


def test_processes_do_not_change_the_result_and_a_second_run_continues(tmp_path):
    build(tmp_path / "one.hdf5", range(3), OPTIONS)
    build(tmp_path / "two.hdf5", range(2), OPTIONS, workers=2)
    assert build(tmp_path / "two.hdf5", range(3), OPTIONS) == (2, [])
    assert build(tmp_path / "two.hdf5", range(3), OPTIONS) == (0, [])
    with MapStore.open(tmp_path / "one.hdf5") as one, MapStore.open(tmp_path / "two.hdf5") as two:
        assert list(one.column("name")) == list(two.column("name"))
        np.testing.assert_array_equal(one.read(), two.read())


def test_one_bad_cutout_does_not_stop_the_others(tmp_path):
    galaxy = synthesize(4)
    write_cutout(galaxy, tmp_path / "good.hdf5")
    (tmp_path / "bad.hdf5").write_text("text")
    sources = [str(tmp_path / name) for name in ("bad.hdf5", "good.hdf5", "absent.hdf5")]
    added, failures = build(tmp_path / "maps.hdf5", sources, OPTIONS)
    assert added == 2
    assert [("is not an HDF5 file" in f, "no such cutout" in f) for f in failures] == [
        (True, False), (False, True),
    ]  # fmt: skip
    expected = records_of(galaxy, OPTIONS)[0].maps["gas"]
    with MapStore.open(tmp_path / "maps.hdf5") as store:
        np.testing.assert_allclose(store.read()[0, store.domains.index("gas")], expected, rtol=1e-3)
    assert build(tmp_path / "maps.hdf5", [sources[1], 4], OPTIONS) == (0, [])


def test_other_options_are_refused(tmp_path):
    build(tmp_path / "maps.hdf5", [1], OPTIONS)
    with pytest.raises(StoreError, match="was built with grid_size 8"):
        build(tmp_path / "maps.hdf5", [2], MapOptions(grid_size=16, rotations=2))
    with pytest.raises(ValueError, match="map options must be above zero"):
        MapOptions(field_of_view_factor=0.0)


def test_command_line(tmp_path, capsys):
    store, cutout = str(tmp_path / "maps.hdf5"), str(tmp_path / "galaxy.hdf5")
    assert main(["export", cutout, "--seed", "3", "--kind", "spiral"]) == 0
    small = ["--grid-size", "8", "--rotations", "1"]
    assert main(["build", store, "--synthetic", "0:2", "--cutouts", cutout, *small]) == 0
    assert "3 map stacks added, 3 in all" in capsys.readouterr().out
    assert main(["inspect", store]) == 0
    assert "3 stacks of 3 galaxies, 8 x 8 pixels" in capsys.readouterr().out
    assert main(["inspect", cutout]) == 0
    assert "cutout: synthetic-000003, spiral at redshift 0.000" in capsys.readouterr().out


def test_command_line_says_what_is_wrong_in_one_line(tmp_path, capsys):
    absent = str(tmp_path / "absent.hdf5")
    for words in (
        ["inspect", absent],
        ["build", absent],
        ["build", "/no/where", "--synthetic", "0"],
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
    assert main(["build", absent, "--cutouts", absent]) == 1
    assert "left out: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["build", absent, "--synthetic", "5:2"])
    assert "seeds must look like 0:2000" in capsys.readouterr().err
