"""The repository as a newcomer meets it: README, Makefile, metadata, layers and the wheel."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from data.domains import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("explorer", "engine", "train", "data")
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.M | re.S)


def python_commands() -> list[list[str]]:
    """Return the words after `python` of each command of the environment's Python in a document."""
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
    found = [block.replace("\\\n", " ") for text in texts for block in blocks("sh", text)]
    lines = [line for block in found for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [w[1:] for w in words if w and w[0].endswith("bin/python")]


@pytest.mark.parametrize("document", DOCUMENTS[:2], ids=lambda path: path.name)
def test_make_targets_in_documents_exist(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*##", makefile, flags=re.M))
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, flags=re.M))
    assert named, "no make command found"
    assert named <= targets


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_bare_make_lists_every_target():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("explore", "test", "check", "data", "train"):
        assert re.search(rf"make {target}\s+\S", shown)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_old_python_is_refused_in_one_sentence(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    result = subprocess.run(
        ["make", f"PYTHON={old}", f"VENV={tmp_path}/venv", "explore"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode != 0
    assert "Python 3.11 or newer is needed" in result.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("words", python_commands(), ids=lambda words: " ".join(words[1:3]))
def test_commands_in_documents_know_their_options(words):
    assert words[0] == "-m"
    result = subprocess.run(
        [sys.executable, *words[:3], "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    for option in (w for w in words if w.startswith("--")):
        assert re.search(rf"{option}\b", result.stdout), f"{option} is unknown to {words[:3]}"


@pytest.mark.parametrize("words", [("data", "--bad"), ("train", "nonsense"), ("data", "nonsense")])
def test_a_typing_error_is_answered_before_anything_large_is_imported(words):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert "error: " in result.stderr.splitlines()[-1]
    assert not re.search(r"\| +(numpy|h5py|torch)$", result.stderr, flags=re.M)


def test_python_in_documents_runs(tmp_path, monkeypatch):
    pytest.importorskip("torch").set_num_threads(1)
    from engine.translator import Translator, available

    if "ddpm" not in available():
        pytest.skip("the checkpoint ddpm is not there")
    stand_in, example = blocks("python")
    (inverse,) = blocks("python", (ROOT / "docs/inverse.md").read_text(encoding="utf-8"))
    (lensing,) = blocks("python", (ROOT / "docs/lensing.md").read_text(encoding="utf-8"))
    (observation,) = blocks("python", (ROOT / "docs/observations.md").read_text(encoding="utf-8"))
    load = Translator.load
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        Translator, "load", staticmethod(lambda name: load(name, device="cpu")), raising=True
    )
    names: dict[str, object] = {}
    exec(compile(stand_in, "README.md", "exec"), names)
    exec(compile(example.replace("seed=0", "seed=0, num_steps=2"), "README.md", "exec"), names)
    assert (tmp_path / "comparison.pdf").read_bytes().startswith(b"%PDF")
    assert names["samples"].shape == (4, names["size"], names["size"])  # type: ignore[attr-defined]
    exec(compile(lensing, "lensing.md", "exec"), names)
    assert names["arcs"].shape == (3 * names["size"],) * 2  # type: ignore[operator]
    inverse = inverse.replace("num_samples=2", "num_samples=2, num_steps=2")
    exec(compile(inverse, "inverse.md", "exec"), names)
    assert names["sharper"].shape == (2, *names["best"].shape)  # type: ignore[attr-defined]
    assert np.isfinite(names["best"]).all()
    pytest.importorskip("ducc0")
    observation = observation.replace('"dark_matter")', '"dark_matter", num_steps=2)')
    exec(compile(observation, "observations.md", "exec"), names)
    assert names["detected"].any()  # type: ignore[attr-defined]
    assert names["samples"].shape == (1, *names["hi"].shape)  # type: ignore[attr-defined]


def test_document_asks_a_store(tmp_path, monkeypatch):
    from data.store import Layout, MapStore, Record

    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    with MapStore.create("runs/maps", Layout(tuple(DOMAINS), 8)) as store:
        for number in range(40):
            mass, maps = 10.0 ** (9 + number % 4), {name: np.ones((8, 8)) for name in DOMAINS}
            record = Record(f"g{number}", "", 0.1, 9.0, 0, np.eye(3), maps, {"stars": mass})
            store.add([record])
    names: dict[str, Any] = {}
    (asking,) = blocks("python", (ROOT / "docs/training.md").read_text(encoding="utf-8"))
    exec(compile(asking, "training.md", "exec"), names)
    assert 0 < len(names["rows"]) < 40
    assert names["maps"].shape == (len(names["rows"]), len(DOMAINS), 8, 8)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_files_exist(document):
    text = document.read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    for link in sorted(links):
        name, _, heading = link.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.M)
            assert heading in [each.lower().replace(" ", "-") for each in headings], link


def test_readme_table_is_the_table_of_domains():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", README, flags=re.M)
    assert rows == [(d.name, d.label, d.unit) for d in DOMAINS.values()]


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", changelog, flags=re.M)


def test_imports_run_one_way():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_wheel_holds_the_four_packages_whole():
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    builder = wheel.WheelBuilder(str(ROOT))
    packed = {Path(f.distribution_path) for f in builder.recurse_included_files()}
    assert {path.parts[0] for path in packed} == set(PACKAGES)
    needed = {".py", ".yaml", ".json", ".safetensors", ".h5", ".js", ".css"}
    there = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in needed and "__pycache__" not in path.parts
    }
    assert there <= packed
    assert not [path for path in packed if path.suffix in {".hdf5", ".pt", ".nbc", ".nbi"}]


def test_plain_package_names_stay_safe():
    # `panel serve explorer/app.py` puts explorer/ first on the path.
    shadows = [
        p for name in PACKAGES for p in (ROOT / "explorer").glob(f"{name}*") if p.stem == name
    ]
    assert not shadows
    assert not list((ROOT / "tests").rglob("__init__.py"))
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert not {f"{name}{slash}" for name in PACKAGES for slash in ("", "/")} & set(ignored)
