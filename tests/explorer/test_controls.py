"""The sidebar's widgets, without a browser."""

import pytest

from explorer.controls import Controls
from explorer.session import Session
from explorer.store import Store

CARDS: dict = {
    "many": {"default_steps": 8, "domains": ["gas", "dark_matter"]},
    "one": {"family": "pix2pix", "default_steps": 1, "domains": ["gas", "dark_matter"]},
    "prior": {
        "default_steps": 8,
        "domains": ["gas", "dark_matter"],
        "network": {"null_source": True},
    },
}


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(Session, "_load", lambda self: None)
    return Session(Store(cards=CARDS))


@pytest.mark.parametrize(
    ("name", "bad"), [("steps", 0), ("steps", 100_000), ("seed", -1), ("guidance", 9.0)]
)
def test_a_number_out_of_range_is_put_back_with_a_sentence(session, name, bad):
    controls = Controls(session)
    before = getattr(session.store, name)
    widget = getattr(controls, f"_{name}")
    widget.value = bad
    assert widget.value == getattr(session.store, name) == before
    assert session.notice.startswith(f"{name.capitalize()} must be a ")
    widget.value = 5
    assert getattr(session.store, name) == 5
    assert session.notice == ""


def test_steps_and_seed_rest_with_a_translator_of_one_step(session):
    controls = Controls(session)
    assert not controls._seed.disabled
    session.store.translator = "one"
    assert controls._steps.disabled
    assert controls._seed.disabled


def test_guidance_needs_a_translator_that_knows_the_prior(session):
    controls, store = Controls(session), session.store
    assert controls._guidance.disabled
    store.guidance = 2.0
    assert store.problem() == "many knows no prior, so that its guidance must be 1."
    store.translator = "prior"
    store.guidance = 2.0
    assert not controls._guidance.disabled
    assert store.problem() == ""
    assert "guidance=2.0" in store.address()
    assert store.view.guidance == 2.0
    store.translator = "many"
    assert store.guidance == 1.0


def test_a_run_from_before_is_not_told_as_if_it_were_new(session, run):
    controls = Controls(session)
    session.param.update(run=run, recalled=False)
    assert "3 steps sampled in 0.1 s" in controls._status.object
    session.param.update(run=None)
    session.param.update(run=run, recalled=True)
    assert "3 steps, kept from before" in controls._status.object
    assert "sampled in" not in controls._status.object


def test_progress_is_told_and_keeps_its_room(session):
    controls = Controls(session)
    assert 'class="bar rest" role="progressbar"' in controls._status.object
    session.busy = True
    assert 'class="bar wait"' in controls._status.object
    session.preview = (2, 8, None)
    assert 'aria-valuenow="25"' in controls._status.object
    assert "step 2 of 8" in controls._status.object
