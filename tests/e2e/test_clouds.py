"""The page Clouds in Chromium: WebGL draws, and drag, keys and another galaxy change it."""

import io

import matplotlib.image
import numpy as np
import pytest

from tests.accessibility import serious_findings
from tests.e2e.choosing import choose
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def picture(canvas):
    # Of the place: a canvas may be replaced by another while a picture of itself is taken.
    page = canvas.page.screenshot(clip=canvas.bounding_box())
    return matplotlib.image.imread(io.BytesIO(page))[..., :3]


def test_clouds_are_turned_and_follow_the_galaxy(open_page):
    page = open_page("?steps=2")
    page.locator(".label", has_text="step 2/2").wait_for()
    page.get_by_role("tab", name="Clouds").click()
    canvas = page.locator("canvas[aria-label*='Truth · dark matter']")
    canvas.wait_for()
    wait_until(lambda: picture(canvas).std() > 0.1, "the clouds")
    assert serious_findings(page) == []

    def settled():
        page.wait_for_timeout(600)
        return picture(canvas)

    before, words = settled(), canvas.get_attribute("aria-label")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 230, steps=4)
    page.mouse.up()
    wait_until(lambda: np.abs(settled() - before).mean() > 0.01, "the turned clouds")
    wait_until(lambda: canvas.get_attribute("aria-label") != words, "their words")
    page.get_by_role("group", name="Clouds of particles").press("0")
    wait_until(lambda: np.allclose(settled(), before, atol=0.02), "the clouds as they were")

    choose(page, "Galaxy", "Massive halo 1")
    wait_until(lambda: np.abs(picture(canvas) - before).mean() > 0.01, "the other galaxy")
    assert page.console.complaints == []
