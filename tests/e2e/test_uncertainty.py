"""The page Uncertainty in headless Chromium."""

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.browser


# Titles that figures come to have.
WATCH_TITLES = """() => {
  window.told = [];
  for (const doc of Bokeh.documents) for (const model of doc._all_models.values())
    if (model.type === 'Figure')
      model.title.properties.text.change.connect(() => told.push(model.title.text));
}"""


def pixels(page, index):
    """Return the picture of the frame of a map of the page, by its number."""
    return page.locator(".bk-Figure").nth(index).screenshot()


def test_samples_are_drawn_and_the_aperture_moves(open_page):
    page = open_page("?steps=3&seed=17")
    page.locator(".label", has_text="step 3/3").wait_for()
    page.get_by_role("tab", name="Uncertainty").click()
    page.get_by_text("No samples yet.").wait_for()
    page.get_by_role("button", name="4", exact=True).last.click()
    page.wait_for_timeout(500)
    empty = [pixels(page, index) for index in (0, 1, 3, 5)]
    page.evaluate(WATCH_TITLES)
    page.get_by_role("button", name="Draw samples").click()
    page.get_by_text("4 samples, of seed 17").wait_for()
    told = page.evaluate("told")
    assert any(title.startswith("Mean of 4, step ") for title in told), told
    assert any(title.startswith("Samples to be, as step ") for title in told), told
    for index, before in zip((0, 1, 3, 5), empty, strict=True):
        wait_until(lambda index=index, old=before: pixels(page, index) != old, f"picture {index}")
    page.wait_for_timeout(1000)
    drawn = pixels(page, 5)
    x, radius = (page.get_by_role("textbox", name=name) for name in ("x (kpc)", "Radius (kpc)"))
    assert float(x.input_value()) == 0.0
    box = page.locator(".bk-Figure").first.bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    wait_until(lambda: float(x.input_value()) > 5.0, "the aperture")
    wait_until(lambda: pixels(page, 5) != drawn, "its masses")
    page.wait_for_timeout(1000)
    clicked = pixels(page, 5)
    radius.fill("3")
    radius.press("Enter")
    wait_until(lambda: pixels(page, 5) != clicked, "the masses in another radius")
    assert page.console.complaints == []
