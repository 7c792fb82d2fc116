"""The server's side of the player: what it answers, and how the step follows the store."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bokeh.models import Range1d

from data.domains import DOMAINS
from engine.metrics.image import mae_dex
from engine.metrics.spectrum import power_spectrum
from explorer.frames import Reel, Scale
from explorer.session import Session
from explorer.store import MAX_STEPS, Store
from explorer.translation import collect
from explorer.views.spec import spec
from explorer.views.steps import StepPlayer


@pytest.fixture
def player(run, monkeypatch):
    session = Session(Store(cards={}))
    session.param.update(scene=run.scene, run=run)
    player = StepPlayer(session, Range1d(), Range1d())
    player.sent = []
    monkeypatch.setattr(player._player, "_send_msg", player.sent.append)
    return player


def numbers(player):
    return [reel["number"] for reel in player._player.spec["reels"]]


def ask(player, data):
    player._answer(SimpleNamespace(data=data))
    return player.sent


def test_frames_of_the_run_on_view_are_sent(player, run):
    number = numbers(player)[0]
    (message,) = ask(player, {"run": number, "start": 1})
    levels = np.frombuffer(message["frames"], np.uint8).reshape(2, 2, *run.output.shape)
    assert (message["run"], message["start"]) == (number, 1)
    # Each step of the run is fainter than the one before it.
    assert levels[0, 1].sum() > levels[1, 1].sum()


@pytest.mark.parametrize("start", [None, "1", 1.5])
def test_what_nobody_asks_for_gets_no_answer(player, start):
    assert ask(player, {"run": numbers(player)[0], "start": start}) == []
    assert ask(player, {"run": -1, "start": 0}) == []
    assert ask(player, None) == []


def test_another_run_is_another_number_and_none_is_no_steps(player, run):
    (first,) = numbers(player)
    player._session.run = None
    assert numbers(player) == []
    assert player._player.spec["stops"] == []
    player._session.run = run
    assert numbers(player)[0] > first
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
    assert player._player.spec["curves"]["profile"]["truth"]["main"] == b""
    player._session.run = another(run)
    assert "without truth" in player._player.spec["curves"]["error"]["nothing"]


def table(data, rows):
    return np.frombuffer(data, "<f4").reshape(rows, -1)


def test_curves_in_the_browser_are_those_of_the_metrics(player, run):
    (told,), curves = player._player.spec["reels"], player._player.spec["curves"]
    for maps, name in ((run.estimates, "main"), (run.truth[None], None)):
        k, power = power_spectrum(np.log10(maps + DOMAINS["dark_matter"].floor), 40.0)
        own = told["curves"]["spectrum"] if name else curves["spectrum"]["truth"]
        np.testing.assert_allclose(table(own["main"], len(maps)), power, rtol=1e-4)
        np.testing.assert_allclose(table(own["x"], 1)[0], k, rtol=1e-6)
    floor = DOMAINS["dark_matter"].floor
    errors = mae_dex(run.estimates, np.broadcast_to(run.truth, run.estimates.shape), floor)
    np.testing.assert_allclose(table(told["curves"]["error"]["main"], 3)[:, 0], errors, rtol=1e-4)
    profiles = table(told["curves"]["profile"]["main"], 3)
    np.testing.assert_allclose(profiles, run.profiles, rtol=1e-6)


def another(run, **changes):
    """A run of five steps at the output, asked for as `run` but for `changes`."""
    view = replace(run.view, steps=5, **changes)
    noisy, times = np.zeros((5, 32, 32), np.float32), [0.8, 0.6, 0.4, 0.2, 0.0]
    return collect(view, run.scene, (times, times, list(noisy), [run.output] * 5), 0.1, "ddim")


@pytest.fixture
def pinned(player, run, monkeypatch):
    """The player with its run pinned, and a store that asks for what the run was asked for."""
    monkeypatch.setattr(Store, "view", run.view)
    player._answer(SimpleNamespace(data={"pin": True}))
    return player


def test_a_pinned_run_is_compared_with_the_next(pinned, run):
    session, view = pinned._session, pinned._player
    assert session.pinned is run
    assert len(view.spec["reels"]) == 1  # a run beside itself is no comparison
    assert view.spec["note"].startswith("Pinned.")
    held = numbers(pinned)
    session.run = None
    assert numbers(pinned) == held  # its frames stay in the browser
    session.run = another(run, seed=8)
    new, old = view.spec["reels"]
    assert (new["isPinned"], old["isPinned"]) == (False, True)
    assert old["number"] == held[0]
    assert (new["tag"], old["tag"]) == ("5 steps, seed 8", "3 steps, seed 7, pinned")
    assert new["words"] == "toy · 5 steps · seed 8 · guidance 1"
    assert view.spec["stops"] == [[1, 1], [2, 1], [3, 2], [4, 2], [5, 3]]
    for reel in view.spec["reels"]:
        pinned.sent.clear()
        (message,) = ask(pinned, {"run": reel["number"], "start": 0})
        assert len(message["frames"]) == 2 * 32 * 32 * len(reel["labels"])
    pinned._answer(SimpleNamespace(data={"pin": False}))
    assert session.pinned is None
    assert numbers(pinned) == [new["number"]]


@pytest.mark.parametrize(
    ("change", "why"),
    [({"galaxy": "synthetic-000002"}, "another galaxy"), ({"rotation": 3}, "another rotation"),
     ({"target": "stars"}, "another target")],
)  # fmt: skip
def test_what_cannot_be_compared_is_said_and_comes_back(pinned, run, monkeypatch, change, why):
    monkeypatch.setattr(Store, "view", replace(run.view, **change))
    pinned._session.run = None
    assert numbers(pinned) == []
    assert f"of {why}: nothing to compare" in pinned._player.spec["note"]
    monkeypatch.setattr(Store, "view", replace(run.view, source="hi"))
    pinned._session.run = another(run, source="hi")
    assert [reel["tag"] for reel in pinned._player.spec["reels"]] == [
        "5 steps, from neutral hydrogen", "3 steps, from gas, pinned",
    ]  # fmt: skip


def weight(told):
    """Bytes of all there is in a spec, numbers at the width that JSON gives them."""
    if isinstance(told, bytes):
        return len(told)
    if isinstance(told, dict):
        return sum(weight(key) + weight(value) for key, value in told.items())
    return sum(map(weight, told)) if isinstance(told, list) else 4 + len(str(told).encode())


def test_two_long_runs_of_large_maps_are_told_of_in_ten_megabytes(run):
    size, session = 256, Session(Store(cards={}))
    truth = np.ones((size, size), np.float32)
    scene = replace(run.scene, maps={"dark_matter": truth})
    weights = []
    for steps in (2, 4):
        times, maps = np.linspace(0.9, 0.0, steps).tolist(), [truth] * steps
        long = collect(run.view, scene, (times, times, maps, maps), 0.0, "ddim")
        session.param.update(scene=scene, run=long)
        scale = Scale(1.0, 10.0, logarithmic=True)
        weights.append(weight(spec(session, [Reel(1, long, scale), Reel(2, long, scale)])))
    a_step = (weights[1] - weights[0]) / 2
    assert weights[0] + (MAX_STEPS - 2) * a_step < 2e6
