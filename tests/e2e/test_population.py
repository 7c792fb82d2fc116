"""The page Population in Chromium: what is selected is listed, and particles are shaded."""

import pytest

from engine.evaluation import Evaluation
from engine.shelf import evaluations

pytestmark = pytest.mark.browser

IMAGES = """() => Object.values(Bokeh.index).flatMap(
  view => [...view.model.document._all_models.values()]
    .filter(model => model.type === 'ColumnDataSource' && model.data.dw?.length)
    .map(model => [model.data.x[0], model.data.dw[0]].join()))"""
SHIPPED = evaluations()


@pytest.mark.skipif("ddpm" not in SHIPPED, reason="no translator was evaluated")
def test_a_box_selects_galaxies_and_particles_are_shaded_anew(open_page):
    page = open_page("?steps=2&translator=ddpm&source=gas&target=stars")
    page.locator(".label", has_text="step 2/2").wait_for()
    page.get_by_role("tab", name="Population").click()
    count = len(Evaluation.read(SHIPPED["ddpm"]).direction("gas", "stars").rows)
    page.get_by_text(f"{count} hold-out galaxies").wait_for(timeout=90_000)
    figure = page.locator(".bk-Figure").nth(1).bounding_box()
    page.wait_for_timeout(500)
    page.mouse.move(figure["x"] + 80, figure["y"] + 40)
    page.mouse.down()
    page.mouse.move(figure["x"] + figure["width"] - 25, figure["y"] + 280, steps=5)
    page.mouse.up()
    rows = page.locator("tbody tr[data-method]")
    rows.first.wait_for()
    assert 0 < rows.count() <= count
    page.wait_for_function(f"() => ({IMAGES})().length >= 2", timeout=90_000)
    before = page.evaluate(IMAGES)
    sky = page.locator(".bk-Figure").nth(3)
    sky.scroll_into_view_if_needed()
    box = sky.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_function(f"before => String(({IMAGES})()) !== String(before)", arg=before)
    assert page.console.complaints == []
