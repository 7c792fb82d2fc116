"""What a session's store takes, and what it refuses in a sentence."""

import pytest
from panel.util import parse_query

from explorer import library
from explorer.store import ADDRESS, MAX_STEPS, Store

CARDS = {
    "ddpm": {"domains": ["gas", "dark_matter", "stars"], "default_steps": 25},
    "pix2pix": {"domains": ["gas", "dark_matter"], "default_steps": 1},
}


@pytest.fixture
def store():
    return Store(cards=CARDS)


def test_first_view(store):
    assert store.galaxy == next(iter(library.GALAXIES.shared))
    assert (store.source, store.target, store.translator) == ("gas", "dark_matter", "ddpm")
    assert store.steps == 25
    assert store.problem() == ""


def test_address_reopens_the_view(store):
    names = list(library.GALAXIES.shared)
    store.param.update(galaxy=names[3], rotation=4, source="stars", target="gas", seed=11,
                       steps=9, step=5, guidance=1.5)  # fmt: skip
    other = Store(cards=CARDS)
    query = parse_query(store.address())
    assert other.accept(query) == []
    assert other.view == store.view
    assert other.step == 5


def test_address_carries_the_angles_of_the_free_rotation_alone(store):
    store.param.update(rotation=0, angles=(62.5, 30.0, 359.9))
    assert store.view.angles == (62.5, 30.0, 359.9)
    assert store.view.direction == "inclination 62.5°, position angle 30°, azimuth 359.9°"
    assert "angles=62.5,30,359.9" in store.address()
    other = Store(cards=CARDS)
    assert other.accept(parse_query(store.address())) == []
    assert other.view == store.view
    store.rotation = 2
    assert store.view.angles is None
    assert store.view.direction == "rotation 2"
    assert "angles" not in store.address()


def test_address_carries_the_page_where_it_is_not_the_first(store):
    assert "page" not in store.address()
    store.offer_pages(["lensing", "compare"])
    store.page = "compare"
    assert store.address().endswith("&page=compare")
    (sentence,) = store.accept({"page": "harbor"})
    assert "which is not one of lensing, compare" in sentence
    assert store.page == "compare"


@pytest.mark.parametrize("bad", ["181,0,0", "10,20", "nan,0,0", "-1,0,0", "up", 60, "1,2,3,4"])
def test_bad_angles_are_a_sentence(store, bad):
    (sentence,) = store.accept({"rotation": 0, "angles": bad})
    assert "which is not an inclination from 0 to 180" in sentence
    assert sentence.endswith("showing 0,0,0 instead.")
    assert store.angles == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("galaxy", "andromeda"), ("rotation", 6), ("rotation", "up"), ("source", "entropy"),
        ("translator", "alchemist"), ("seed", -1), ("steps", MAX_STEPS + 1), ("step", 2.5),
        ("target", ["gas"]), ("steps", True), ("beside", "ddpm,alchemist"), ("beside", "ddpm;"),
        ("scale", "cubic"), ("limits", "none"),
    ],
)  # fmt: skip
def test_bad_value_is_a_sentence_and_leaves_the_rest(store, key, value):
    before = {name: getattr(store, name) for name in ADDRESS}
    good = {"seed": 3} if key != "seed" else {"rotation": 2}
    complaints = store.accept({key: value, **good, "unknown": 1})
    assert len(complaints) == 1
    assert key in complaints[0]
    assert complaints[0].endswith(".")
    assert before[key] == getattr(store, key)
    assert getattr(store, next(iter(good))) == next(iter(good.values()))


def test_translator_in_the_address_brings_its_steps(store):
    assert store.accept({"translator": "pix2pix"}) == []
    assert store.steps == 1


def test_what_cannot_be_translated_is_said(store):
    store.target = "gas"
    assert "both gas" in store.problem()
    store.target = "temperature"
    assert "ddpm does not know the domain temperature" in store.problem()
    store.target = "stars"
    assert store.problem({"stars": "this galaxy has no stars"}) == "this galaxy has no stars."
    assert "no translator" in Store(cards={}).problem()


def test_translators_beside_have_their_own_steps_and_are_there_once(store):
    assert store.accept({"beside": "pix2pix,ddpm,pix2pix", "seed": 4}) == []
    assert store.others == ("pix2pix",)
    view = store.view_of("pix2pix")
    assert (view.translator, view.steps, view.seed) == ("pix2pix", 1, 4)
    store.target = "stars"
    assert store.problem() == ""
    assert store.problem(translator="pix2pix").startswith("pix2pix does not know the domain stars")
    other = Store(cards=CARDS)
    assert other.accept(parse_query(store.address())) == []
    assert other.others == store.others
