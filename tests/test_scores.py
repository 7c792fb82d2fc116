"""What is shipped of translators fits: weights, evaluations, and the tables of the README."""

import importlib
import importlib.util
from pathlib import Path

from engine.checkpoint import weights_digest
from engine.shelf import SHIPPED, available

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("scores", ROOT / "docs" / "figures" / "scores.py")
scores = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(scores)


def test_every_shipped_translator_of_galaxies_is_evaluated_on_the_same(monkeypatch):
    monkeypatch.delenv("GALACTIC_ALCHEMY_CHECKPOINTS", raising=False)
    found, translators = scores.shipped(), set(available())
    assert set(found) == translators | {"identity", "pixelwise"}
    for name in translators:
        assert found[name].method.checkpoint_sha256 == weights_digest(SHIPPED / name)
    maps = {(e.maps, tuple(e.column("name")), e.pairs) for e in found.values()}
    assert len(maps) == 1


def test_the_tables_of_the_readme_are_those_of_the_evaluations():
    assert (ROOT / "README.md").read_text().count(scores.text()) == 1


def test_the_tables_of_the_findings_are_those_of_the_evaluations(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "figures")
    findings = importlib.import_module("findings")
    text = findings.DOCUMENT.read_text(encoding="utf-8")
    assert findings.fill(text, scores.shipped()) == text
