"""The command line: the line that an export carries makes it again, bad input is a sentence."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from data.cutouts import write_cutout
from data.normalize import DEFAULT
from data.sources import Cutout
from data.synthetic import synthesize
from explorer import library
from explorer.__main__ import _parser, main
from explorer.export import FORMATS
from explorer.export.provenance import export_command
from explorer.store import View

ROOT = Path(__file__).parents[2]


class Toy:
    """Walks from the input times n to the input."""

    grid_size, default_steps, default_sampler = 32, 4, "ddim"
    normalization = DEFAULT
    card: ClassVar = {"default_steps": 4}
    process = SimpleNamespace(is_iterative=True)

    def together(self, requests, *, num_steps, guidance):
        [request] = requests
        for i in range(1, num_steps + 1):
            x = np.full((1, *request.source_map.shape), request.seed, np.float32)
            estimate = (1.0 + num_steps - i) * request.source_map[None]
            yield [
                SimpleNamespace(
                    time=1 - i / num_steps, sigma=0.0, x=x, estimate=estimate, num_steps=num_steps
                )
            ]


class Big(Toy):
    grid_size = 64


@pytest.fixture
def toy(monkeypatch, run):
    monkeypatch.setattr(library, "load_translator", lambda name: Toy())
    monkeypatch.setattr(library, "load_scene", lambda *arguments: run.scene)


def test_the_line_that_an_export_carries_makes_it_again_without_panel(tmp_path):
    """In fresh processes: sums of floats depend in the last digit on the number of threads."""
    view = View("synthetic-900324", 3, "gas", "stars", "ddpm", 5, 2)
    run = SimpleNamespace(view=view, scene=library.load_scene(view.galaxy, 3, 64))
    words = ["--format", "pdf", "--figure", "comparison", "--size", "two-columns", "--dpi", "300",
             "--output", "synthetic-900324-r3-gas-to-stars-ddpm-seed5-steps2.pdf"]  # fmt: skip
    line = export_command(run, words)
    python, *rest = shlex.split(line)
    assert python == "python"
    written = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        folder.mkdir()
        result = subprocess.run(
            [sys.executable, "-X", "importtime", *rest], cwd=folder, text=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert result.returncode == 0, result.stderr[-2000:]
        assert result.stdout.strip() == words[-1]
        written.append((folder / words[-1]).read_bytes())
    assert line.encode() in written[0]
    assert written[0] == written[1]
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "torch" in imported
    assert not {"panel", "holoviews", "bokeh", "matplotlib.pyplot"} & imported


@pytest.mark.parametrize("extension", ["png", "csv"])
def test_options_are_those_of_the_view(toy, run, extension, tmp_path, capsys):
    words = ["--galaxy", "synthetic-000001", "--rotation", "2", "--steps", "3", "--seed", "7"]
    words += ["--guidance", "1.5", "--size", "90mm", "--dpi", "50", "--no-caption"]
    assert main(["export", *words, "--format", extension, "--output", str(tmp_path)]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.parent == tmp_path
    assert path.name == (
        f"synthetic-000001-r2-gas-to-dark_matter-ddpm-seed7-steps3-guidance1.5.{extension}"
    )
    if extension == "csv":
        text = path.read_text()
        for fact in ("seed: 7", "steps: 3", "guidance: 1.5", "rotation: 2"):
            assert f"# {fact}\n" in text
    line = next(
        part for part in path.read_bytes().decode("latin-1").replace("\0", "\n").splitlines()
        if "-m explorer" in part
    )  # fmt: skip
    line = line[line.index("python -m") :]
    again = _parser().parse_args(shlex.split(line)[3:])
    assert (again.galaxy, again.seed, again.steps, again.guidance) == (
        "synthetic-000001", 7, 3, 1.5,
    )  # fmt: skip


def test_translators_beside_take_their_own_steps(toy, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--galaxy", "synthetic-000001", "--rotation", "2", "--steps", "3", "--seed", "7"]
    words += ["--beside", "flow,edm,flow", "--dpi", "50", "--format", "png"]
    assert main(["export", *words]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.name.endswith("-ddpm-seed7-steps3-beside-flow-edm.png")
    facts = json.loads(Image.open(path).text["Comment"])
    assert [(each["translator"], each["steps"]) for each in facts["beside"]] == [
        ("flow", 4), ("edm", 4),
    ]  # fmt: skip
    content = path.read_bytes()
    assert main(shlex.split(facts["command"])[3:]) == 0
    assert path.read_bytes() == content
    monkeypatch.setattr(library, "load_translator", lambda name: Toy() if name == "ddpm" else Big())
    assert main(["export", *words]) == 2
    assert "beside must name translators of maps of 32 pixels a side, got flow of 64" in (
        capsys.readouterr().err
    )


def test_format_follows_the_name_of_the_file(toy, tmp_path):
    words = ["export", "--galaxy", "synthetic-000001", "--output"]
    assert main([*words, str(tmp_path / "a.HDF5")]) == 0
    assert (tmp_path / "a.HDF5").read_bytes().startswith(b"\x89HDF")
    assert main([*words, str(tmp_path / "b.dat"), "--format", "csv"]) == 0
    assert (tmp_path / "b.dat").read_bytes().startswith(b"# radius_kpc")


def test_a_cutout_of_ones_own(toy, tmp_path, capsys, monkeypatch):
    path = tmp_path / "my galaxy.hdf5"
    write_cutout(synthesize(7, kind="spiral"), path)
    monkeypatch.chdir(tmp_path)
    words = ["--cutout", path.name, "--radius", "60", "--target", "stars", "--steps", "2"]
    assert main(["export", *words, "--output", "a.csv"]) == 0
    text = (tmp_path / "a.csv").read_text()
    assert "# cutout: my galaxy.hdf5\n" in text
    line = next(row for row in text.splitlines() if row.startswith("# command: "))
    command = shlex.split(line.removeprefix("# command: "))[3:]
    assert command[:3] == ["export", "--cutout", "my galaxy.hdf5"]
    assert main([*command[:-1], "b.csv"]) == 0
    assert (tmp_path / "b.csv").read_text() == text


def test_a_free_rotation_is_made_again_from_its_line(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "load_translator", lambda name: Toy())
    monkeypatch.chdir(tmp_path)
    words = ["--galaxy", "synthetic-900324", "--rotation", "0", "--angles", "62.5,30,110.1"]
    assert main(["export", *words, "--steps", "2", "--output", "a.csv"]) == 0
    text = (tmp_path / "a.csv").read_text()
    for fact in ("rotation: 0", "inclination_deg: 62.5", "azimuth_deg: 110.1"):
        assert f"# {fact}\n" in text
    assert "inclination 62.5°, position angle 30°, azimuth 110.1°" in text
    line = next(row for row in text.splitlines() if row.startswith("# command: "))
    command = shlex.split(line.removeprefix("# command: "))[3:]
    assert command[-1] == (
        "synthetic-900324-i62.5-pa30-az110.1-gas-to-dark_matter-ddpm-seed0-steps2.csv"
    )
    assert main([*command[:-1], "b.csv"]) == 0
    assert (tmp_path / "b.csv").read_text() == text
    matrix = library.load_scene("synthetic-900324", 0, 32, (62.5, 30.0, 110.1)).matrix
    told = next(row for row in text.splitlines() if row.startswith("# rotation_matrix: "))
    np.testing.assert_allclose(json.loads(told.partition(": ")[2]), matrix.ravel())


def test_center_and_radius_are_in_the_line(run):
    cutout = Cutout(Path("box.hdf5"), center_kpc=(1.0, 2.5, 3.0), radius_kpc=60.0)
    scene = replace(run.scene, cutout=cutout)
    words = shlex.split(export_command(replace(run, scene=scene), []))[3:]
    options = _parser().parse_args(words)
    assert (options.center, options.radius) == ([1.0, 2.5, 3.0], 60.0)
    assert options.cutout == Path("box.hdf5")
    assert options.galaxy is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--output", "a.docx"], "format must be one of pdf"),
        (["--figure", "pie"], "figure must be one of"),
        (["--size", "huge"], "size must be one-column"),
        (["--source", "gold"], "unknown domain 'gold'"),
        (["--output", "nowhere/a.pdf"], "output must lie in a folder that exists"),
        (["--rotation", "0"], "rotation 0 needs angles: an inclination from 0 to 180"),
        (["--rotation", "0", "--angles", "200,0,0"], "angles must be an inclination"),
        (["--rotation", "0", "--angles", "up"], "angles must be an inclination"),
        (["--angles", "1,2,3"], "angles belong to rotation 0, got rotation 1"),
        (["--beside", "flow", "--format", "csv"], "beside goes with the figure comparison"),
        (["--beside", "ddpm"], "beside must name translators other than ddpm, got 'ddpm'"),
        (["--radius", "3"], "center and radius belong to a cutout"),
    ],
)
def test_bad_input_is_one_sentence_before_any_work(words, sentence, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(library, "load_translator", lambda name: pytest.fail("work was begun"))
    assert main(["export", "--galaxy", "synthetic-900324", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: {sentence}")
    assert told.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(library, "load_translator", lambda name: Toy())
    for words, sentence in (
        (["--galaxy", "NGC 1300"], "galaxy must be one of the"),
        (["--cutout", "none.hdf5"], "no such cutout file"),
    ):
        assert main(["export", *words]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"error: {sentence}")
        assert told.count("\n") == 1


def test_a_missing_source_is_told(toy, run, monkeypatch, capsys):
    scene = replace(run.scene, missing={"gas": "it has no gas"})
    monkeypatch.setattr(library, "load_scene", lambda *arguments: scene)
    assert main(["export", "--galaxy", "synthetic-000001"]) == 2
    assert capsys.readouterr().err == "error: it has no gas\n"


def test_help_lists_every_format(capsys):
    with pytest.raises(SystemExit) as end:
        main(["export", "--help"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in FORMATS)
