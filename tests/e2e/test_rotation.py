"""Turning a galaxy in the browser: dragged, by keys, by numbers."""

import re
from urllib.parse import parse_qs

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.browser

# What Bokeh holds of the input map: pixels a side, and a checksum.
_INPUT_JS = """() => {
  for (const doc of Bokeh.documents) for (const model of doc._all_models.values()) {
    if (model.type != 'Figure' || !model.title.text.startsWith('Input')) continue;
    const renderer = model.renderers.find(r => r.glyph.image);
    const image = renderer?.data_source.data[renderer.glyph.image.field]?.[0];
    if (!image || image.length < 1000) return null;
    return [Math.sqrt(image.length), image.reduce(
      (sum, value, i) => sum + Math.log10(Math.abs(value) + 1e-6) * (1 + i % 97), 0)];
  }
  return null;
}"""


def query(page):
    return {k: v[0] for k, v in parse_qs(page.evaluate("location.search.slice(1)")).items()}


def sphere(page):
    return page.locator("svg[role=application]")


def told(page):
    """Return the angles that the sphere tells to who cannot see it."""
    words = sphere(page).get_attribute("aria-label")
    return [float(number) for number in re.findall(r"[\d.]+", words)]


def asked(page):
    return [float(number) for number in query(page).get("angles", "nan").split(",")]


def pixels(page):
    return page.locator(".bk-Figure").first.screenshot()


def opened(open_page, angles="60,30,0"):
    page = open_page(f"?rotation=0&angles={angles}&steps=1")
    wait_until(lambda: page.evaluate(_INPUT_JS), "the input map")
    page.get_by_text("1 step sampled").or_(page.get_by_text("1 step, kept")).wait_for()
    return page


def test_dragging_turns_the_maps_and_they_settle(open_page):
    page = opened(open_page)
    first, seen = page.evaluate(_INPUT_JS), pixels(page)
    assert told(page) == [60, 30, 0]
    box = sphere(page).bounding_box()
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(x + 3 * k, y)
    wait_until(lambda: page.evaluate(_INPUT_JS) != first, "the coarse map", 10)
    middle = page.evaluate(_INPUT_JS)
    wait_until(lambda: pixels(page) != seen, "its pixels", 5)
    assert asked(page) == [60, 30, 0]  # until the sphere is let go
    for k in range(1, 9):
        page.mouse.move(x + 24, y + 3 * k)
    wait_until(lambda: page.evaluate(_INPUT_JS) != middle, "the next one", 10)
    assert page.get_by_role("button", name="Translate").is_disabled()
    page.mouse.up()
    wait_until(lambda: asked(page) == told(page) != [60, 30, 0], "the address", 10)
    page.get_by_text("Ready to translate").wait_for()
    wait_until(page.get_by_role("button", name="Translate").is_enabled, "the button", 5)
    wait_until(lambda: page.evaluate(_INPUT_JS)[0] == first[0], "the fine map", 10)
    page.wait_for_timeout(300)
    settled, seen = page.evaluate(_INPUT_JS), pixels(page)
    page.wait_for_timeout(700)
    assert (page.evaluate(_INPUT_JS), pixels(page)) == (settled, seen)
    again = opened(open_page, ",".join(map(str, asked(page))))
    assert again.evaluate(_INPUT_JS) == pytest.approx(settled)
    assert page.console.complaints == []


def test_keys_buttons_and_numbers_turn_too(open_page):
    page = opened(open_page)
    first = page.evaluate(_INPUT_JS)
    sphere(page).focus()
    for key in ("ArrowUp", "ArrowUp", "Shift+PageUp"):
        sphere(page).press(key)
    wait_until(lambda: asked(page) == told(page) != [60, 30, 0], "the address", 10)
    # A roll by a degree in the plane of the sky adds to the position angle.
    before = told(page)
    sphere(page).press("Shift+PageUp")
    wait_until(lambda: told(page)[1] == pytest.approx(before[1] + 1.0, abs=0.15), "the roll", 5)
    assert told(page)[::2] == pytest.approx(before[::2], abs=0.15)
    page.get_by_role("button", name="Edge-on").click()
    wait_until(lambda: asked(page) == told(page) == [90, 90, 0], "the view from the edge", 10)
    number = page.get_by_role("textbox", name="Inclination")
    number.fill("60")
    number.press("Tab")
    wait_until(lambda: asked(page) == told(page) == [60, 90, 0], "the typed inclination", 10)
    page.get_by_role("button", name="3", exact=True).click()
    wait_until(lambda: query(page)["rotation"] == "3", "the stored rotation", 10)
    wait_until(lambda: "angles" not in query(page), "the angles to go", 10)
    wait_until(lambda: sphere(page).count() == 0 or not sphere(page).is_visible(), "the sphere", 5)
    wait_until(lambda: page.evaluate(_INPUT_JS) not in (None, first), "another map", 10)
    assert page.console.complaints == []


def test_bad_angles_are_refused_in_a_sentence(open_page):
    page = open_page("?rotation=0&angles=200,0,0&steps=1")
    page.get_by_text("which is not an inclination from 0 to 180").wait_for()
    wait_until(lambda: asked(page) == told(page) == [0, 0, 0], "the view face-on", 10)
