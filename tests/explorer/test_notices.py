"""The line above the maps."""

import pytest

from explorer.session import Session
from explorer.store import Store
from explorer.views.notices import Notices

CARDS: dict = {"toy": {"title": "Toy <b>", "default_steps": 3, "domains": ["gas", "dark_matter"]}}


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(Session, "_load", lambda self: None)
    return Session(Store(cards=CARDS))


def test_it_names_the_view_where_nothing_is_wrong(session):
    line = Notices(session, [])._pane
    assert "gas → dark matter · Toy &lt;b&gt;<" in line.object
    assert "alert" not in line.object
    session.store.rotation = 4
    assert "rotation 4" in line.object


def test_complaints_go_with_the_next_choice_and_problems_stay(session):
    line = Notices(session, ["Bad seed."])._pane
    assert 'class="alert">Bad seed.<' in line.object
    session.notice = "Cancelled."
    assert "Bad seed. Cancelled." in line.object
    session.store.target = "gas"
    assert 'class="alert">Source and target are both gas: choose' in line.object
    session.store.target = "dark_matter"
    assert "→" in line.object


def test_words_of_others_are_no_html(session):
    line = Notices(session, ["Galaxy <img src=x onerror=alert(1)> is unknown."])._pane
    assert "<img" not in line.object
    assert "&lt;img src=x onerror=alert(1)&gt;" in line.object
