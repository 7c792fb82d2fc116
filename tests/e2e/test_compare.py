"""The page Compare in Chromium: all methods in the table, figures that follow the translator."""

import pytest

from engine.evaluation import Evaluation
from engine.shelf import evaluations
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

MATRIX = """() => {
  const find = view => view.model.document._all_models.values();
  for (const view of Object.values(Bokeh.index)) {
    for (const model of find(view)) {
      if (model.type === 'ColumnDataSource' && model.data.source && model.data.target) {
        return Object.values(model.data).map(column => Array.from(column).join());
      }
    }
  }
  return [];
}"""
SHIPPED = evaluations()
CHOICES = [name for name, path in SHIPPED.items() if (path.parent / "card.json").exists()]


@pytest.mark.skipif(len(CHOICES) < 2, reason="fewer than two translators were evaluated")
def test_methods_are_compared_and_figures_follow_the_translator(open_page):
    first, second = CHOICES[:2]
    page = open_page(f"?steps=2&translator={first}&source=gas&target=stars")
    page.get_by_role("tab", name="Compare").click()
    rows = page.locator("tbody tr[data-method]")
    rows.first.wait_for(timeout=60_000)
    evaluated = {
        name for name, path in SHIPPED.items() if ("gas", "stars") in Evaluation.read(path).pairs
    }
    listed = "all => all.map(row => row.dataset.method)"
    wait_until(lambda: set(rows.evaluate_all(listed)) == evaluated, "the methods")
    page.locator(f"tr.chosen[data-method='{first}']").wait_for()
    wait_until(lambda: len(page.evaluate(MATRIX)) > 1, "the matrix")
    before = page.evaluate(MATRIX)

    name = page.locator(f"tr[data-method='{second}'] button")
    name.focus()
    page.keyboard.press("Enter")
    page.locator(f"tr.chosen[data-method='{second}']").wait_for()
    page.wait_for_function(f"before => String(({MATRIX})()) !== String(before)", arg=before)

    head = page.get_by_role("columnheader", name="Time a map")
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    times = [float(text) for text in rows.locator("td:nth-of-type(9)").all_inner_texts()]
    assert times == sorted(times)
    assert page.console.complaints == []
