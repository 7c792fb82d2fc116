"""The sidebar's facts: numbers as the galaxy and the card have them, and nothing made up."""

from dataclasses import replace

import numpy as np
import pytest

from engine.evaluation import Evaluation, MapSet, Method
from engine.evaluation.schema import CASE, DIRECTION, GALAXY
from explorer import library
from explorer.session import Session
from explorer.store import Store
from explorer.views.facts import Facts, error_facts, galaxy_facts, translator_facts

CARD = {
    "domains": ["gas", "dark_matter", "stars"], "default_steps": 4, "parameters": 4_836_113,
    "training": {"data": "maps.hdf5"},
}  # fmt: skip


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """Evaluations of gas -> stars: of a translator, of the baseline, and a damaged one."""
    directions = np.array([("gas", "stars", 1, False)], DIRECTION)
    tables = np.zeros(1, GALAXY), directions, np.zeros(0, CASE)
    tables[0]["extent_kpc"] = 50.0
    lengths = {"radius": 1, "scale": 1, "side": 1, "error_side": 1}
    for name, error in (("toy", 0.234), ("pixelwise", 0.586)):
        method = Method(name, name, "toy", 1, 1, 1)
        maps = MapSet("maps", "test", 8, ("gas", "stars"))
        evaluation = Evaluation.blank(method, maps, tables, lengths)
        for array in ("samples/mae_dex", "ensemble/crps_dex"):
            evaluation.arrays[array][:] = error
        (tmp_path / name).mkdir()
        evaluation.write(tmp_path / name / "evaluation.h5")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "evaluation.h5").write_text("no")
    monkeypatch.setenv("GALACTIC_ALCHEMY_CHECKPOINTS", str(tmp_path))
    library.forget_evaluations()
    yield
    library.forget_evaluations()


def test_galaxy_is_described_by_its_own_numbers(run):
    scene = replace(run.scene, properties={"halo_mass": 1.234e12})
    facts = dict(galaxy_facts(scene))
    assert facts["Halo mass M200"] == "1.2×10¹² M☉"
    assert (facts["Redshift"], facts["Field of view"]) == ("0.5", "40 kpc")
    assert "Stellar mass" not in facts


def test_split_is_that_of_the_galaxy_on_offer(run):
    words = {"test": "test (hold-out)", "train": "training", "": "unknown"}
    for split, said in words.items():
        assert dict(galaxy_facts(replace(run.scene, split=split)))["Split"] == said
    assert library.load_scene("synthetic-900324", 1, 16).split == "test"


def test_translator_is_described_by_its_card():
    assert dict(translator_facts(CARD))["Parameters"] == "4.8 million"
    assert translator_facts({"training": 3}) == []


def test_errors_are_those_of_the_direction(evaluated):
    facts = dict(error_facts("toy", "gas", "stars"))
    assert (facts["Hold-out error"], facts["… of a pixelwise fit"]) == ("0.23 dex", "0.59 dex")
    assert error_facts("toy", "gas", "dark_matter") == []
    assert list(dict(error_facts("unknown", "gas", "stars"))) == ["… of a pixelwise fit"]


def test_a_damaged_evaluation_is_left_out_with_a_warning(evaluated):
    with pytest.warns(UserWarning, match="evaluation of 'damaged' is left out"):
        assert len(error_facts("damaged", "gas", "stars")) == 1


def test_table_follows_the_state(run, evaluated):
    session = Session(Store(cards={"toy": CARD}))
    facts = Facts(session)
    assert "0.23 dex" not in facts._pane.object
    session.store.target = "stars"
    assert "0.23 dex" in facts._pane.object
    session.scene = replace(run.scene, kind="<b>spiral</b>")
    assert "&lt;b&gt;spiral" in facts._pane.object
