"""Views cost nothing while they are not shown, and are up to date when they are."""

from typing import ClassVar

import pytest

from explorer.page import Views
from explorer.session import Session
from explorer.store import Store
from explorer.views.view import View

CARDS: dict = {"toy": {"default_steps": 3, "domains": ["gas", "dark_matter"]}}


class Heard(View):
    made: ClassVar[list] = []

    def __init__(self, session):
        super().__init__(session)
        self.heard, self.width = [], None
        self.made.append(self)
        self.follow(session, ["notice", "scene"], self._update)

    def _update(self, *events):
        self.heard.append([event.name for event in events])

    def fit(self, width_px):
        self.width = width_px

    def __panel__(self):
        return self.title


class First(Heard):
    title = "First"


class Second(Heard):
    title = "Second"


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(Session, "_load", lambda self: None)
    monkeypatch.setattr(Heard, "made", [])
    return Session(Store(cards=CARDS))


def test_a_view_is_made_when_it_is_first_chosen(session):
    session.store.offer_pages(["second"])
    views = Views(session, (First, Second), 1000)
    assert [type(view) for view in Heard.made] == [First]
    assert [item["label"] for item in views.menu.items] == ["First", "Second"]
    assert Heard.made[0].width == 1000
    views.fit(800)
    views.menu.active = 1
    views.menu.active = 0
    assert [type(view) for view in Heard.made] == [First, Second]
    assert [view.width for view in Heard.made] == [800, 800]
    assert views.area[0].object == "First"


def test_a_hidden_view_waits_and_makes_up_in_one_go(session):
    session.store.offer_pages(["second"])
    views = Views(session, (First, Second), 1000)
    views.menu.active = 1
    first, second = Heard.made
    session.notice = "one"
    session.notice = "two"
    assert (first.heard, second.heard) == ([], [["notice"], ["notice"]])
    views.menu.active = 0
    assert first.heard == [[]]
    session.notice = "three"
    assert (first.heard, len(second.heard)) == ([[], ["notice"]], 2)


def test_a_view_that_missed_nothing_does_nothing(session):
    session.store.offer_pages(["second"])
    views = Views(session, (First, Second), 1000)
    views.menu.active = 1
    views.menu.active = 0
    assert Heard.made[0].heard == []
