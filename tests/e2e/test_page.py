"""The page as a person meets it, in headless Chromium."""

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from explorer import theme
from tests.e2e.choosing import choose
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

# Maps drawn so far, as Bokeh holds them: {title: checksum of the visible image}.
_MAPS_JS = """() => {
  const sums = {};
  for (const doc of Bokeh.documents) for (const model of doc._all_models.values()) {
    if (model.type != 'Figure') continue;
    for (const renderer of model.renderers) {
      const field = renderer.glyph.image && renderer.glyph.image.field;
      if (!field) continue;
      const column = renderer.data_source.data[field];
      const filter = renderer.view.filter;
      const indices = filter && filter.indices ? filter.indices : [0];
      if (!column || !column.length || !indices.length) continue;
      let sum = 0, finite = 0;
      const image = column[indices[0]];
      for (let i = 0; i < image.length; i++) if (isFinite(image[i])) {
        sum += Math.log10(Math.abs(image[i]) + 1e-6) * (1 + i % 97); finite++; }
      sums[model.title.text] = finite > 100 ? sum : null;
    }
  }
  return sums;
}"""


# Sides in kpc of the maps that are drawn, and of the axes they are drawn in.
_SIDES_JS = """() => [...Bokeh.documents[0]._all_models.values()]
  .filter(m => m.type == 'Figure')
  .flatMap(m => m.renderers.filter(r => r.glyph.image && r.data_source.data.dw?.length)
    .map(r => [r.data_source.data.dw[0], m.x_range.end - m.x_range.start]))"""

# What the player of the steps shows: [[title, what there is to see, picture]].
_PLAYER_JS = """canvases => canvases.map(
  canvas => [...canvas.getAttribute('aria-label').split(': '), canvas.toDataURL()])"""


def maps(page):
    drawn = page.evaluate(_MAPS_JS)
    for title, told, picture in page.locator(".map canvas").evaluate_all(_PLAYER_JS):
        drawn[f"{title} (player)"] = None if told == "nothing to show yet" else picture
    return drawn


def value_of(page, start):
    return next((v for k, v in maps(page).items() if k.startswith(start)), None)


def translated(page):
    wait_until(lambda: value_of(page, "Output"), "the output map")
    wait_until(lambda: value_of(page, "Estimate"), "the steps")


def query(page):
    return {k: v[0] for k, v in parse_qs(page.evaluate("location.search.slice(1)")).items()}


def label(page):
    return page.locator(".label").inner_text()


def slider(page):
    return page.locator("input[type=range]").first


def test_first_view_is_translated_and_the_console_clean(open_page, shipped_steps):
    page = open_page()
    translated(page)
    titles = list(maps(page))
    for start in ("Input · gas", "Output · dark matter", "Truth · dark matter", "Residual",
                  "Noisy state", "Estimate · dark matter", "Truth · dark matter (pl"):  # fmt: skip
        assert any(t.startswith(start) for t in titles), titles
    wait_until(lambda: all(v is not None for v in maps(page).values()), "all maps", 5)
    last = f"step {shipped_steps}/{shipped_steps}, t = 0.0"
    wait_until(lambda: label(page).startswith(last), "the last step", 5)
    page.wait_for_timeout(300)
    assert page.console.complaints == []


def test_step_slider_changes_the_pictures_and_the_address(open_page, shipped_steps):
    page = open_page()
    translated(page)
    output, estimate = value_of(page, "Output"), value_of(page, "Estimate")
    noisy = value_of(page, "Noisy state")
    slider(page).fill("4")
    wait_until(lambda: f"step 4/{shipped_steps}" in label(page), "the label", 5)
    assert value_of(page, "Estimate") != estimate
    assert value_of(page, "Noisy state") != noisy
    assert value_of(page, "Output") == output
    wait_until(lambda: query(page)["step"] == "4", "the address", 5)
    page.get_by_role("button", name="Next step").click()
    wait_until(lambda: "step 5/" in label(page), "the next step", 5)
    page.get_by_role("button", name="First step").click()
    page.get_by_role("button", name="Play").click()
    wait_until(lambda: f"step {shipped_steps}/" in label(page), "the end of the film", 20)


def test_zoom_is_shared_both_ways(open_page):
    page = open_page("?steps=4")
    translated(page)
    whole = value_of(page, "Estimate")
    first = "Bokeh.documents[0]._all_models.values().find(m => m.type == 'Figure')"
    start = page.evaluate(f"{first}.x_range.start")
    page.locator(".player").focus()
    page.keyboard.press("+")
    wait_until(lambda: page.evaluate(f"{first}.x_range.start") > 0.9 * start, "the maps", 5)
    assert page.evaluate(f"{first}.x_range.start") == pytest.approx(0.8 * start)
    wait_until(lambda: value_of(page, "Estimate") != whole, "the zoomed player", 5)
    page.evaluate(f"{first}.x_range.reset(), {first}.y_range.reset()")
    wait_until(lambda: value_of(page, "Estimate") == whole, "the player", 5)


def test_player_rests_with_a_translator_of_one_step(open_page):
    page = open_page("?translator=pix2pix")
    translated(page)
    assert label(page).startswith("step 1/1")
    assert slider(page).is_disabled()
    assert page.locator(".bar button:enabled").count() == 0
    assert page.locator(".film button").count() == 0
    assert page.console.complaints == []


def test_another_galaxy_and_rotation_change_the_input(open_page):
    page = open_page()
    translated(page)
    first = value_of(page, "Input")
    choose(page, "Galaxy", "Spiral 2")
    wait_until(lambda: value_of(page, "Input") not in (None, first), "another galaxy")
    second = value_of(page, "Input")
    wait_until(lambda: value_of(page, "Output") is None, "the old output to go", 5)
    page.get_by_role("button", name="3", exact=True).click()
    wait_until(lambda: value_of(page, "Input") not in (None, second), "another rotation")
    assert query(page)["rotation"] == "3"
    page.get_by_role("button", name="Translate").click()
    translated(page)
    assert page.console.complaints == []


def test_address_reopens_the_view(open_page):
    page = open_page("?rotation=2&target=stars&seed=4&steps=5&step=3")
    translated(page)
    wait_until(lambda: "step 3/5" in label(page), "the step", 5)
    wait_until(lambda: query(page).get("target") == "stars", "the address", 5)
    again = open_page(page.evaluate("location.search"))
    translated(again)
    wait_until(lambda: "step 3/5" in label(again), "the step", 5)
    wait_until(lambda: maps(again) == pytest.approx(maps(page)), "the same maps", 5)
    assert any(title == "Output · stars" for title in maps(again))


def test_exports_are_files(open_page):
    page = open_page("?steps=4")
    translated(page)
    for extension, head in (("PDF", b"%PDF-"), ("FITS", b"SIMPLE"), ("GIF", b"GIF89a")):
        choose(page, "Format", re.compile(f"^{extension}:"))
        with page.expect_download() as download:
            page.get_by_text("Download", exact=True).click()
        name = download.value.suggested_filename
        assert name.endswith("." + extension.lower())
        assert "gas-to-dark_matter" in name
        assert Path(download.value.path()).read_bytes().startswith(head)


def test_cancel_stops_and_another_run_works(open_page):
    page = open_page("?steps=2&seed=9")
    translated(page)
    steps, run = (
        page.get_by_role("textbox", name="Steps"),
        page.get_by_role("button", name="Translate"),
    )
    cancel = page.get_by_role("button", name="Cancel")

    def translate(count):
        steps.fill(str(count))
        steps.press("Tab")
        wait_until(lambda: query(page)["steps"] == str(count), "the number of steps", 5)
        run.click()

    translate(128)
    wait_until(cancel.is_enabled, "the run to start")
    cancel.click(force=True)  # without waiting for it to be at rest
    page.get_by_text("was cancelled").wait_for()
    wait_until(lambda: value_of(page, "Output") is None, "the preview to go", 5)
    translate(3)
    translated(page)
    assert page.console.complaints == []


def test_bad_address_gets_a_sentence_and_a_view(open_page):
    page = open_page("?galaxy=andromeda&rotation=9&steps=4")
    page.get_by_text("which is not a galaxy of the list").wait_for()
    page.get_by_text("a whole number from 0 to 5").wait_for()
    translated(page)
    wait_until(lambda: query(page).get("rotation") == "1", "the address", 5)
    assert query(page)["steps"] == "4"


def test_translator_that_lacks_a_domain_says_so(open_page):
    page = open_page("?translator=narrow&target=temperature")
    page.get_by_text("narrow does not know the domain temperature").wait_for()
    button = page.get_by_role("button", name="Translate")
    wait_until(button.is_disabled, "the button to rest", 5)
    choose(page, "Target", "Dark matter")
    wait_until(button.is_enabled, "the button", 5)


def test_maps_are_square_and_in_the_window(open_page):
    page = open_page("?steps=4")
    translated(page)
    player = page.locator(".map canvas").nth(1)
    for width, height in ((1440, 900), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(800)
        wait_until(
            lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width,
            "the page to fit", 10,
        )  # fmt: skip
        wait_until(lambda: len(set(frames(page))) == 1, "maps of one size", 10)
        [(side, height)] = set(frames(page))
        assert side == height
        assert len(frames(page)) == 4
        wait_until(
            lambda side=side: player.bounding_box()["width"] == side + theme.GAP, "the player", 10
        )
        assert player.bounding_box()["x"] + side + theme.GAP < width


def frames(page):
    """Return width and height in pixels of what the maps are drawn in."""
    found = page.evaluate(
        "[...Bokeh.documents[0]._all_models.values()].filter(m => m.type == 'Figure' && "
        "m.renderers.some(r => r.glyph.image)).map(m => [m.inner_width, m.inner_height])"
    )
    return [tuple(sides) for sides in found]


def test_a_theme_chosen_on_another_page_leaves_the_maps_those_of_the_galaxy(open_page):
    page = open_page("?steps=2")
    page.locator(".label", has_text="step 2/2").wait_for()
    translated(page)
    before = value_of(page, "Input")
    choose(page, "Galaxy", "Massive halo 1")
    wait_until(lambda: value_of(page, "Input") not in (None, before), "the other galaxy")
    own = value_of(page, "Input")
    page.get_by_role("tab", name="Population").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Toggle theme").click()
    page.wait_for_timeout(500)
    page.get_by_role("tab", name="Translate").click()
    wait_until(lambda: value_of(page, "Input") is not None, "the maps again")
    page.wait_for_timeout(2000)  # in which they were drawn anew
    assert value_of(page, "Input") == own
    assert all(drawn == pytest.approx(axis) for drawn, axis in page.evaluate(_SIDES_JS))


def test_the_page_on_view_is_in_the_address(open_page):
    page = open_page("?steps=2&page=compare")
    page.get_by_role("tab", name="Compare", selected=True).wait_for()
    page.get_by_role("table").first.wait_for()
    page.get_by_role("tab", name="Profiles").click()
    wait_until(lambda: query(page).get("page") == "profiles", "the address")
    page.get_by_role("tab", name="Translate").click()
    wait_until(lambda: "page" not in query(page), "the address")
    translated(page)
