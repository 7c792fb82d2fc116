"""The sidebar's facts: numbers as the galaxy and the card have them, and nothing made up."""

from dataclasses import replace

from explorer.session import Session
from explorer.store import Store
from explorer.views.facts import Facts, galaxy_facts, translator_facts

CARD = {
    "domains": ["gas", "dark_matter", "stars"], "default_steps": 4, "parameters": 4_836_113,
    "training": {"data": "maps.hdf5"},
    "scores": {"directions": {"gas -> stars": {
        "single": {"mae_dex": 0.234}, "mean": {"mae_dex": 0.2}, "baseline": {"mae_dex": 0.586},
    }}},
}  # fmt: skip


def test_galaxy_is_described_by_its_own_numbers(run):
    scene = replace(run.scene, properties={"halo_mass": 1.234e12})
    facts = dict(galaxy_facts(scene))
    assert facts["Halo mass M200"] == "1.2×10¹² M☉"
    assert (facts["Redshift"], facts["Field of view"]) == ("0.5", "40 kpc")
    assert "Stellar mass" not in facts


def test_split_is_that_of_the_name(run):
    names = {"synthetic-900324": "test (hold-out)", "synthetic-000000": "training"}
    for name, split in names.items():
        assert dict(galaxy_facts(replace(run.scene, name=name)))["Split"] == split


def test_errors_are_those_of_the_direction():
    facts = dict(translator_facts(CARD, "gas", "stars"))
    assert (facts["Hold-out error"], facts["… of a pixelwise fit"]) == ("0.23 dex", "0.59 dex")
    assert facts["Parameters"] == "4.8 million"
    assert "Hold-out error" not in dict(translator_facts(CARD, "gas", "dark_matter"))
    assert translator_facts({"scores": None, "training": 3}, "gas", "stars") == []


def test_table_follows_the_state(run):
    session = Session(Store(cards={"toy": CARD}))
    facts = Facts(session)
    assert "0.23 dex" not in facts._pane.object
    session.store.target = "stars"
    assert "0.23 dex" in facts._pane.object
    session.scene = replace(run.scene, kind="<b>spiral</b>")
    assert "&lt;b&gt;spiral" in facts._pane.object
