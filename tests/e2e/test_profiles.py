"""The page Profiles in headless Chromium."""

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def picture(page, index):
    return page.locator(".bk-Figure").nth(index).screenshot()


def test_profiles_change_with_samples_and_switches(open_page):
    page = open_page("?steps=3&seed=18")
    page.locator(".label", has_text="step 3/3").wait_for()
    page.get_by_role("tab", name="Profiles").click()
    page.get_by_text("No samples yet.").wait_for()
    page.wait_for_timeout(1000)
    before = [picture(page, index) for index in range(3)]
    page.get_by_role("button", name="4", exact=True).last.click()
    page.get_by_role("button", name="Draw samples").click()
    page.get_by_text("4 samples, of seed 18").wait_for()
    for index in (1, 2):
        wait_until(lambda index=index: picture(page, index) != before[index], "the samples")
    page.wait_for_timeout(1000)
    assert picture(page, 0) == before[0]
    for name in ("cumulative", "R½", "peak", "log"):
        last = picture(page, 1)
        page.get_by_role("button", name=name, exact=True).click()
        wait_until(lambda last=last: picture(page, 1) != last, name)
        page.wait_for_timeout(1000)  # or what is drawn late counts as what the next switch did
    page.get_by_text("The peak of").wait_for()
    # They are the same samples on the other page.
    page.get_by_role("tab", name="Uncertainty").click()
    page.get_by_text("4 samples, of seed 18").wait_for()
    assert page.console.complaints == []
