"""Several translators side by side in Chromium: their maps, scales, crosshair and keys."""

from functools import partial

import pytest

from tests import waiting
from tests.accessibility import serious_findings

wait_until = partial(waiting.wait_until, seconds=60)
pytestmark = pytest.mark.browser

MAPS = """() => {
  const found = [];
  for (const doc of Bokeh.documents) for (const model of doc._all_models.values()) {
    if (model.type !== 'Figure') continue;
    const { data } = model.renderers[0].data_source, { visible } = model.renderers[0];
    const readout = model.center.find(each => each.name === 'readout');
    let sum = 0;
    for (const value of data.image[0] ?? []) if (isFinite(value)) sum += value;
    found.push({ title: model.title.text, isThere: visible && data.image.length > 0, sum,
                 told: readout.visible ? readout.text : '' });
  }
  return found;
}"""
# Pixels of the frames, for a change of colors is one of pixels.
PICTURES = """() => [...Bokeh.index].flatMap(function find(view) {
  const own = view.model.type === 'Figure' ? [view.canvas_view.primary.canvas.toDataURL()] : [];
  return own.concat((view.child_views || []).flatMap(find));
})"""


# Pixels from the lower end of each color bar, with its numbers, to that of its figure.
ROOM = """() => [...Bokeh.index].flatMap(function find(view) {
  const bars = view.model.type !== 'Figure' ? [] : [...view.renderer_views.values()]
    .filter(each => each.model.type === 'ColorBar')
    .map(bar => view.bbox.height - bar.bbox.bottom);
  return bars.concat((view.child_views || []).flatMap(find));
})"""
RANGE = """() => {
  const figure = [...Bokeh.documents[0]._all_models.values()].find(m => m.type === 'Figure');
  return [figure.x_range.start, figure.x_range.end];
}"""


def maps(page):
    return page.evaluate(MAPS)


def test_translators_side_by_side(open_page):
    page = open_page("?steps=2&translator=narrow&beside=nobody")
    alert = page.locator(".notice").get_by_text("beside “nobody”")
    alert.wait_for()
    wait_until(lambda: len(maps(page)) == 4 and all(m["isThere"] for m in maps(page)), "the maps")
    first = next(m["sum"] for m in maps(page) if m["title"].startswith("Output"))

    page.get_by_role("button", name="DDPM", exact=True).or_(
        page.get_by_role("button", name="ddpm", exact=True)
    ).click()
    wait_until(lambda: len(maps(page)) == 6 and all(m["isThere"] for m in maps(page)), "two more")
    wait_until(lambda: " dex · " in maps(page)[4]["title"], "the second one's error")
    shown = maps(page)
    assert [m["title"].split("\n")[0].lower() for m in shown[1:5:3]] == ["narrow", "ddpm"]
    assert shown[4]["sum"] != first
    wait_until(lambda: "beside=ddpm" in page.evaluate("location.search"), "the address")

    assert min(page.evaluate(ROOM)) >= 0  # numbers of color bars below the lower row as well

    # Pointing at one map tells values in every one, of ours and the player's.
    place = page.locator(".crosshair span")
    wide = place.bounding_box()["width"]
    frame = page.locator(".bk-Figure").first.bounding_box()
    page.mouse.move(frame["x"] + 150, frame["y"] + 120)
    page.mouse.move(frame["x"] + 160, frame["y"] + 130)
    wait_until(lambda: all(m["told"] for m in maps(page)), "the values")
    told = [m["told"] for m in maps(page)]
    assert [each.rsplit(" ")[-1] for each in told] == ["kpc⁻²"] * 3 + ["dex", "kpc⁻²", "dex"]
    wait_until(lambda: page.locator(".map output:visible").count() == 3, "the player's values")
    assert place.inner_text().endswith("kpc")
    assert place.bounding_box()["width"] == wide  # or what stands beside would make way for it
    page.mouse.move(5, 5)
    wait_until(lambda: not any(m["told"] for m in maps(page)), "no values")

    before = page.evaluate(PICTURES)
    page.keyboard.press("l")
    wait_until(lambda: "scale=linear" in page.evaluate("location.search"), "the linear scale")
    wait_until(lambda: page.evaluate(PICTURES)[1] != before[1], "other colors")
    wait_until(lambda: maps(page)[1]["sum"] > 1e6, "values, no logarithms")
    page.get_by_role("button", name="Own", exact=True).click()
    wait_until(lambda: "limits=own" in page.evaluate("location.search"), "own limits")
    assert page.console.complaints == []


def test_upper_maps_zoom_reset_and_stay(open_page):
    page = open_page("?steps=2")
    wait_until(lambda: len(maps(page)) == 4 and all(m["isThere"] for m in maps(page)), "the maps")
    whole = page.evaluate(RANGE)
    side = whole[1] - whole[0]
    wait_until(lambda: page.locator("#poster").count() == 0, "the figures")

    def middle():
        frame = page.locator(".bk-Figure").first.bounding_box()
        return frame["x"] + 160, frame["y"] + 130

    def zooms():
        """Turn the wheel; on a busy machine the page may still be laid out under the mouse."""
        page.mouse.move(*middle())
        page.keyboard.down("Control")
        page.mouse.wheel(0, -200)
        page.keyboard.up("Control")
        page.wait_for_timeout(300)
        low, high = page.evaluate(RANGE)
        return high - low < 0.9 * side

    wait_until(zooms, "the zoom")
    x, y = middle()
    page.mouse.dblclick(x, y)
    wait_until(lambda: page.evaluate(RANGE) == whole, "the reset")
    for _ in range(4):
        page.mouse.move(x - 60, y)
        page.mouse.down()
        page.mouse.move(x + 120, y, steps=4)
        page.mouse.up()
    # Half of the map stays on view.
    wait_until(lambda: page.evaluate(RANGE) == pytest.approx([-side, 0], abs=1e-6), "the bound")
    page.mouse.dblclick(x, y)
    wait_until(lambda: page.evaluate(RANGE) == whole, "the reset")
    page.mouse.wheel(0, 200)  # scrolls the page
    page.wait_for_timeout(300)
    assert page.evaluate(RANGE) == whole
    assert page.console.complaints == []


def test_axe_finds_nothing_serious_beside(open_page):
    page = open_page("?steps=2&beside=narrow")
    wait_until(lambda: len(maps(page)) == 6, "the maps")
    assert serious_findings(page) == []
