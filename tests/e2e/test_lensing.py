"""The page Lensing in headless Chromium."""

import pytest

from tests.accessibility import serious_findings
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def pictures(page, indices=range(7)):
    page.wait_for_timeout(1000)
    return [page.locator(".bk-Figure").nth(index).screenshot() for index in indices]


def differ(some, others):
    """Return whether all pictures are others than before."""
    return all(a != b for a, b in zip(some, others, strict=True))


def test_lenses_change_with_redshift_mass_source_and_samples(open_page):
    page = open_page("?steps=3&seed=19")
    page.locator(".label", has_text="step 3/3").wait_for()
    page.get_by_role("tab", name="Lensing").click()
    page.get_by_text("peak κ", exact=True).wait_for()
    before = pictures(page)
    slider = page.get_by_role("slider", name="Source redshift")
    slider.focus()
    slider.press("PageDown")
    slider.press("Home")
    wait_until(lambda: differ(pictures(page), before), "another redshift")
    after = pictures(page)
    page.get_by_role("button", name="×20", exact=True).click()
    page.get_by_text("as if 20 times as massive").wait_for()
    page.get_by_role("button", name="4", exact=True).last.click()
    page.get_by_role("button", name="Draw samples").click()
    page.get_by_text("4 samples, of seed 19").wait_for()
    page.get_by_text("4 samples, 68 %").wait_for()
    wait_until(lambda: pictures(page, [6]) != after[6:], "the samples")
    drawn = pictures(page)
    box = page.locator(".bk-Figure").first.bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"])
    wait_until(lambda: differ(pictures(page, (2, 3)), drawn[2:4]), "the moved source")
    page.mouse.move(0, 0)  # or what the map tells beneath the mouse, in Bokeh's own colors, counts
    page.wait_for_timeout(500)
    assert serious_findings(page) == []
    assert page.console.complaints == []
