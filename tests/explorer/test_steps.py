"""The server's side of the player: what it answers, and how the step follows the store."""

from types import SimpleNamespace

import numpy as np
import pytest
from bokeh.models import Range1d

from explorer.session import Session
from explorer.store import Store
from explorer.views.steps import StepPlayer


@pytest.fixture
def player(run, monkeypatch):
    session = Session(Store(cards={}))
    session.param.update(scene=run.scene, run=run)
    player = StepPlayer(session, Range1d(), Range1d())
    player.sent = []
    monkeypatch.setattr(player._player, "_send_msg", player.sent.append)
    return player


def ask(player, data):
    player._answer(SimpleNamespace(data=data))
    return player.sent


def test_frames_of_the_run_on_view_are_sent(player, run):
    number = player._player.spec["run"]
    (message,) = ask(player, {"run": number, "start": 1})
    levels = np.frombuffer(message["frames"], np.uint8).reshape(2, 2, *run.output.shape)
    assert (message["run"], message["start"]) == (number, 1)
    # Each step of the run is fainter than the one before it.
    assert levels[0, 1].sum() > levels[1, 1].sum()


@pytest.mark.parametrize("start", [None, "1", 1.5])
def test_what_nobody_asks_for_gets_no_answer(player, start):
    assert ask(player, {"run": player._player.spec["run"], "start": start}) == []
    assert ask(player, {"run": -1, "start": 0}) == []
    assert ask(player, None) == []


def test_another_run_is_another_number_and_none_is_no_steps(player, run):
    first = player._player.spec["run"]
    player._session.run = None
    assert player._player.spec["labels"] == []
    assert ask(player, {"run": player._player.spec["run"], "start": 0}) == []
    player._session.run = run
    assert player._player.spec["run"] > first
    assert ask(player, {"run": first, "start": 0}) == []


def test_step_and_store_follow_each_other_within_the_run(player):
    store = player._session.store
    store.step = 2
    assert player._player.step == 2
    player._player.step = 1
    assert store.step == 1
    player._player.step = 99  # of an older, longer run
    assert store.step == 3
    store.step = 0  # the last
    assert player._player.step == 3


def test_a_galaxy_without_the_target_has_no_truth(player, run):
    run.scene.maps.pop("dark_matter")
    player._session.param.trigger("scene")
    assert player._player.spec["truth"] is None
    assert player._player.spec["maps"][2]["nothing"] == "no map of dark matter"
    assert player._player.spec["profile"]["truth"] == []
