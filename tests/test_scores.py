"""What the README says of the shipped translators is what their cards say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_tables_of_the_readme_are_those_of_the_cards():
    spec = importlib.util.spec_from_file_location("scores", ROOT / "docs" / "figures" / "scores.py")
    scores = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scores)
    shipped = {path.parent.name for path in (ROOT / "engine" / "checkpoints").glob("*/card.json")}
    assert set(scores.cards()) == shipped
    written = (ROOT / "README.md").read_text()
    assert written.count(scores.text()) == 1
