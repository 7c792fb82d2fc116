"""The page Observe in headless Chromium."""

import pytest

from engine.shelf import available
from tests.accessibility import serious_findings
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("observed" not in available(observed=True), reason="it is not shipped"),
]


def pictures(page, indices=range(6)):
    page.wait_for_timeout(600)
    return [page.locator(".bk-Figure").nth(index).screenshot() for index in indices]


def noise(page):
    return page.locator("tr", has_text="Noise").locator("td").inner_text()


def test_more_hours_are_less_noise_and_another_prediction(open_page):
    pytest.importorskip("ducc0", reason="ducc0 is not installed")
    page = open_page("?steps=2&seed=19")
    page.get_by_text("2 steps").first.wait_for()
    page.get_by_role("tab", name="Observe").click()
    done = page.get_by_text("Observed and translated")
    done.wait_for()
    assert "10 h in 2 days, 197 dishes" in page.locator("tr", has_text="On source").inner_text()
    before, told = pictures(page), noise(page)
    slider = page.get_by_role("slider", name="Time on source")
    slider.focus()
    slider.press("Home")  # an hour
    page.get_by_text("1 h in 1 day").wait_for()
    done.wait_for()
    assert float(noise(page).split()[0]) == pytest.approx(10**0.5 * float(told.split()[0]), rel=0.2)
    after = pictures(page)
    assert after[0] == before[0]  # the true HI, in colors that do not follow the noise
    assert all(after[index] != before[index] for index in (1, 2, 4, 5))
    page.get_by_role("button", name="Draw noise again").click()
    wait_until(lambda: pictures(page, [1]) != after[1:2], "other noise")
    done.wait_for()
    assert serious_findings(page) == []
    assert page.console.complaints == []
