"""The player of steps on pictures that are known, in headless Chromium."""

import io
import socket
import time
from dataclasses import replace
from itertools import pairwise

import matplotlib.image
import numpy as np
import panel as pn
import pytest
from bokeh.models import Range1d
from bokeh.plotting import figure

from explorer import frames
from explorer.library import Scene
from explorer.session import Session
from explorer.store import Store
from explorer.translation import collect
from explorer.views.steps import StepPlayer
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

PIXELS, STEPS, EXTENT_KPC, SIZE = 32, 6, 40.0, 200


def lopsided_run(seed=0, steps=STEPS, factor=0.5):
    """Bright at the bottom left, a hole at the top right; each step is fainter by a factor."""
    truth = np.full((PIXELS, PIXELS), 1e6, np.float32)
    truth[:8, :8] = 1e8
    truth[-8:, -8:] = np.nan
    scene = Scene("synthetic-000001", "spiral", 0.5, 1, EXTENT_KPC,
                  {"gas": truth, "dark_matter": truth})  # fmt: skip
    view = replace(Store(cards={}).view, translator="toy", seed=seed, steps=steps)
    times = np.linspace(1.0, 0.0, steps + 1)[1:].tolist()
    estimates = [truth * factor**i for i in range(steps)]
    noisy = [np.full_like(truth, float(i)) for i in range(steps)]
    return collect(view, scene, (times, times, noisy, estimates), 0.1, "ddim")


@pytest.fixture
def player(context, console, monkeypatch):
    """The page of a session's player with a map beside it; the session is at `page.session`."""
    monkeypatch.setattr(frames, "CHUNK_BYTES", 2 * 2 * PIXELS**2)  # three messages
    opened = []

    def build():
        session = Session(Store(cards={}))
        x_range, y_range = (Range1d(start=-20, end=20) for _ in range(2))
        session.param.update(scene=lopsided_run().scene, run=lopsided_run())
        view = StepPlayer(session, x_range, y_range)
        view.resize(SIZE)
        opened.append((session, x_range))
        return pn.Column(view, figure(x_range=x_range, y_range=y_range, width=200, height=200))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve({"player": build}, port=port, threaded=True, show=False, verbose=False)
    for _ in range(100):
        if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
            break
        time.sleep(0.1)
    page = context.new_page()
    seen = console(page, passing="cdn.holoviz.org")  # where pages without our template look
    page.goto(f"http://localhost:{port}/player")
    page.locator("canvas[aria-label^='Estimate'][aria-label*='step 6/6']").wait_for()
    page.session, page.x_range = opened[-1]
    yield page
    page.close()
    server.stop()
    assert seen.complaints == []


def picture(page, number):
    """Return the pixels (H, W, 3) in the frame of a map as a person sees them, top row first."""
    box = page.locator(".map canvas").nth(number).bounding_box()
    clip = {"x": box["x"] + box["width"] - 10 - SIZE, "y": box["y"] + 24,
            "width": SIZE, "height": SIZE}  # fmt: skip
    return matplotlib.image.imread(io.BytesIO(page.screenshot(clip=clip)))[..., :3]


def corner(page, number):
    """Return the color of the bright corner of a map."""
    return picture(page, number)[-12, 12].tolist()


def shown(page):
    """Return what the maps say that they show."""
    return page.locator(".map canvas").evaluate_all("all => all.map(c => c.ariaLabel)")


@pytest.fixture
def compared(player):
    """The player with its run pinned, and beside it one of twice the steps that stays brighter."""
    player.get_by_role("button", name="Pin this run").click()
    player.get_by_text("Pinned. Change").wait_for()
    player.alone = corner(player, 1)
    run = lopsided_run(seed=1, steps=2 * STEPS, factor=0.9)
    pn.state.execute(lambda: player.session.param.update(run=run))
    player.locator(".map canvas[aria-label*='step 12/12']").first.wait_for()
    player.locator(".map canvas[aria-label*='step 6/6'][aria-label^='Estimate']").wait_for()
    player.locator(".player").focus()
    return player


def test_pictures_stand_as_they_should(player):
    for number in (1, 2):
        image = picture(player, number)
        bottom_left, top_right = image[-25, 25], image[25, -25]
        assert bottom_left.sum() > image[25, 25].sum() + 0.3
        assert bottom_left.sum() > image[100, 150].sum() + 0.3
        assert np.allclose(top_right, np.array([0x39, 0x41, 0x4F]) / 255, atol=0.01)  # no data


def test_hover_tells_physical_values_in_every_map(player):
    box = player.locator(".map canvas").nth(1).bounding_box()
    player.mouse.move(box["x"] + 10 + 0.1 * SIZE, box["y"] + 24 + 0.9 * SIZE)
    player.locator("output").nth(2).wait_for()
    noisy, _, truth = player.locator("output").all_inner_texts()
    assert truth.startswith("≥ 1.0×10⁸ M☉ kpc⁻²")
    assert "x −16, y −16 kpc" in truth
    assert float(noisy.split("\n")[0]) == pytest.approx(5.0, abs=0.5 * 30 / 254)  # of -15 to 15
    player.mouse.move(box["x"] + 10 + 0.9 * SIZE, box["y"] + 24 + 0.1 * SIZE)

    def told():
        return [text.split("\n")[0] for text in player.locator("output").all_inner_texts()]

    wait_until(lambda: told()[1:] == ["no data", "no data"], "the hole", 5)
    player.mouse.move(0, 0)
    wait_until(lambda: player.locator("output:visible").count() == 0, "no values", 5)


def test_keys_step_and_the_server_hears_only_where_they_rest(player):
    told = []
    player.session.store.param.watch(lambda event: told.append(event.new), "step")
    player.locator(".player").focus()
    for key, step in (("Home", 1), ("ArrowRight", 2), ("End", 6), ("ArrowLeft", 5)):
        player.keyboard.press(key)
        player.locator(".label", has_text=f"step {step}/6, t = ").wait_for()
        words = player.locator("input[type=range]").get_attribute("aria-valuetext")
        assert words == player.locator(".label").inner_text()
    wait_until(lambda: told[-1:] == [5], "the server to hear", 5)
    player.wait_for_timeout(600)
    told.clear()
    player.locator(".player").evaluate("""player => {
      for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight'])
        player.dispatchEvent(new KeyboardEvent('keydown', { key }));
    }""")
    wait_until(lambda: told, "the server to hear", 5)
    player.wait_for_timeout(600)
    assert told == [4]


def test_film_plays_to_its_end_and_around(player):
    player.get_by_label("Speed").select_option("60")
    player.locator(".player").focus()
    player.keyboard.press(" ")  # from the end it begins anew
    player.get_by_role("button", name="Play").wait_for()
    player.locator(".label", has_text="step 6/6").wait_for()
    player.get_by_role("button", name="Loop").click()
    player.get_by_role("button", name="Play").click()
    seen = {player.locator(".label").inner_text()[:6] for _ in range(60)}
    assert len(seen) >= 3
    player.get_by_role("button", name="Pause").click()
    player.get_by_label("Step 2, t =").click()
    player.locator(".label", has_text="step 2/6").wait_for()


def test_wheel_with_control_zooms_the_maps_beside(player):
    box = player.locator(".map canvas").nth(2).bounding_box()
    player.mouse.move(box["x"] + 10 + 0.5 * SIZE, box["y"] + 24 + 0.5 * SIZE)
    player.keyboard.down("Control")
    player.mouse.wheel(0, -346)  # 1.002^346 = 2
    player.keyboard.up("Control")
    half = pytest.approx(20.0, rel=0.01)
    wait_until(lambda: player.x_range.end - player.x_range.start == half, "half the map", 5)


def test_without_a_run_nothing_can_be_pressed(player):
    pn.state.execute(lambda: setattr(player.session, "run", None))
    player.get_by_text("no steps yet").wait_for()
    player.locator("canvas[aria-label='Estimate · dark matter: nothing to show yet']").wait_for()
    wait_until(lambda: player.locator(".bar :enabled").count() == 0, "the buttons to rest", 5)


def test_runs_keep_step_side_by_side(compared):
    assert corner(compared, 4) == compared.alone
    assert corner(compared, 1) != compared.alone
    assert compared.locator(".legend").inner_text().count("pinned") == 0  # words, not tags
    compared.keyboard.press("Home")
    for _ in range(2):
        compared.keyboard.press("ArrowRight")
    compared.locator(".map canvas[aria-label*='step 3/12']").first.wait_for()
    told = shown(compared)
    assert "step 3/12, t = 0.75" in told[1]
    assert "pinned, step 1/6, t = 0.83" in told[4]  # of 0.83 and 0.67, as near, the earlier
    assert told[5].startswith("Difference")
    compared.keyboard.press("End")
    difference = picture(compared, 5)
    assert np.allclose(difference[30, -30], np.array([0x39, 0x41, 0x4F]) / 255, atol=0.01)
    red, _, blue = difference[-30, 30]  # brighter than the pinned one
    assert red > blue + 0.2
    compared.get_by_role("button", name="Unpin").click()
    compared.get_by_role("button", name="Pin this run").wait_for()
    wait_until(lambda: compared.locator(".map canvas").count() == 3, "one row of maps", 5)


def test_divider_shows_one_run_at_each_side(compared):
    run, pinned = corner(compared, 1), corner(compared, 4)
    compared.get_by_role("button", name="Swipe").click()
    assert compared.locator(".map canvas").count() == 3
    assert corner(compared, 1) == run
    compared.get_by_role("slider", name="Divider").focus()
    compared.keyboard.press("Home")
    compared.wait_for_timeout(100)
    assert corner(compared, 1) == pinned
    box = compared.locator(".map canvas").nth(1).bounding_box()
    x, y = box["x"] + 10, box["y"] + 124
    compared.mouse.move(x, y)
    compared.mouse.down()
    compared.mouse.move(x + 0.6 * SIZE, y)
    compared.mouse.up()
    compared.wait_for_timeout(100)
    assert compared.locator(".divider").get_attribute("aria-valuenow") == "60"
    assert corner(compared, 1) == run
    assert "step 12/12" in compared.locator(".label").inner_text()  # keys moved the divider alone


def test_blinking_alternates_holds_and_rests_for_those_who_want_no_motion(compared):
    run, pinned = corner(compared, 1), corner(compared, 4)
    labels = """async canvas => {
      const seen = [], start = performance.now();
      for (let i = 0; i < 20; i++) {
        seen.push(canvas.ariaLabel);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
      return [seen, performance.now() - start];
    }"""
    estimate = compared.locator(".map canvas").nth(1)
    compared.get_by_role("button", name="Blink").click()
    seen, took = estimate.evaluate(labels)
    changes = sum(a != b for a, b in pairwise(seen))
    assert 1 <= changes <= 1 + took / 333
    compared.keyboard.press("b")
    compared.wait_for_timeout(100)
    assert len(set(estimate.evaluate(labels)[0])) == 1
    held = shown(compared)[1]
    assert corner(compared, 1) == (pinned if "pinned" in held else run)
    compared.emulate_media(reduced_motion="reduce")
    compared.get_by_role("button", name="Blink").click()
    compared.wait_for_timeout(100)
    assert len(set(estimate.evaluate(labels)[0])) == 1
    before = corner(compared, 1)
    compared.keyboard.press("b")
    compared.wait_for_timeout(100)
    assert {tuple(before), tuple(corner(compared, 1))} == {tuple(run), tuple(pinned)}


def test_kinds_of_curves_are_other_pictures(player):
    curve = player.locator(".curve canvas")
    pictures = []
    for kind in ("Profile", "Power", "Error"):
        player.get_by_role("button", name=kind, exact=True).focus()
        player.keyboard.press("Enter")
        player.wait_for_timeout(100)
        pictures.append(curve.evaluate("canvas => canvas.toDataURL()"))
    assert len(set(pictures)) == 3
    assert curve.get_attribute("aria-label").startswith("Error of the estimate by step")
    player.keyboard.press("Home")
    player.wait_for_timeout(100)
    assert curve.evaluate("canvas => canvas.toDataURL()") != pictures[2]


def test_slider_goes_by_step_time_or_noise(player):
    slider = player.locator("input[type=range]")
    assert player.locator(".ticks span").all_inner_texts() == ["1", "2", "4", "6"]
    player.get_by_role("button", name="t", exact=True).click()
    ticks = player.locator(".ticks span").all_inner_texts()
    assert [float(t) for t in ticks] == sorted(map(float, ticks), reverse=True)
    box = slider.bounding_box()
    player.mouse.click(box["x"] + 0.42 * box["width"], box["y"] + box["height"] / 2)
    player.locator(".label", has_text="step 3/6, t = 0.50").wait_for()
    player.keyboard.press("ArrowRight")
    player.locator(".label", has_text="step 4/6, t = 0.33").wait_for()
    assert float(slider.input_value()) == pytest.approx(4.0)
