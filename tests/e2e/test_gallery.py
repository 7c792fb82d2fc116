"""The page Gallery in Chromium: pictures that pick, filters, and a file of one's own."""

import pytest

from data.cutouts import write_cutout
from data.synthetic import synthesize
from tests.accessibility import serious_findings
from tests.e2e.choosing import choose
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def cutout(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "mine.hdf5"
    write_cutout(synthesize(7, num_gas=2000, num_dark_matter=2000, num_stars=1000), path)
    return path


def test_a_picture_picks_a_galaxy_and_a_file_can_be_opened(open_page, cutout, tmp_path):
    page = open_page("?steps=2")
    page.locator(".label", has_text="step 2/2").wait_for()
    page.get_by_role("tab", name="Gallery").click()
    galaxies = page.locator("button.galaxy")
    galaxies.nth(1).locator("img:not([hidden])").wait_for()
    first, second = (galaxies.nth(n).locator("img").get_attribute("src") for n in range(2))
    assert first != second
    name = galaxies.nth(1).get_attribute("data-galaxy")
    galaxies.nth(1).press("Enter")
    page.wait_for_function("name => location.search.includes(name)", arg=name)
    page.locator(f"button.galaxy[data-galaxy='{name}'][aria-pressed=true]").wait_for()

    count = galaxies.count()
    bad = tmp_path / "text.hdf5"
    bad.write_text("no HDF5")
    upload = page.locator("input[type=file]")
    upload.set_input_files(bad)
    page.get_by_text("text.hdf5 is refused").wait_for()
    upload.set_input_files(cutout)
    page.get_by_text("Opened: 1 galaxy.").wait_for()
    page.get_by_text(f"{count + 1} of {count + 1} galaxies").wait_for()
    page.wait_for_function("location.search.includes('synthetic-000007')")
    assert page.console.complaints == []


def test_a_button_that_is_pressed_while_the_wall_changes_is_clicked(open_page):
    page = open_page("?steps=2")
    page.locator(".label", has_text="step 2/2").wait_for()
    page.get_by_role("tab", name="Gallery").click()
    galaxies, chosen = page.locator("button.galaxy"), page.locator("[aria-pressed=true].galaxy")
    names = (galaxies.nth(n).get_attribute("data-galaxy") for n in (1, 2))
    second, third = (page.locator(f"[data-galaxy='{name}']") for name in names)
    third.hover()
    page.mouse.down()
    second.press("Enter")
    chosen.and_(second).wait_for()
    page.mouse.up()
    chosen.and_(third).wait_for()
    assert chosen.count() == 1


def test_filters_and_order_arrange_the_wall(open_page):
    page = open_page("?steps=2")
    # At once: the page takes no click that it could not answer.
    page.get_by_role("tab", name="Gallery").click()
    galaxies = page.locator("button.galaxy")
    galaxies.nth(1).locator("img:not([hidden])").wait_for()
    count, gas = galaxies.count(), galaxies.first.locator("img").get_attribute("src")
    assert serious_findings(page) == []

    choose(page, "Kind", "Spiral")
    labels = galaxies.locator(".label")
    wait_until(
        lambda: all("spiral" in each.lower() for each in labels.all_inner_texts()),
        "spirals alone",
    )
    assert 0 < galaxies.count() < count
    choose(page, "From", "Own file")
    page.get_by_text(f"0 of {count} galaxies").wait_for()
    choose(page, "From", "All")
    choose(page, "Kind", "All")
    page.get_by_text(f"{count} of {count} galaxies").wait_for()

    choose(page, "Sort by", "CRPS of the translator")
    lines = galaxies.locator(".lines", has_text="CRPS")

    def scores():
        return [float(each.split("CRPS")[1].split()[0]) for each in lines.all_inner_texts()]

    wait_until(lambda: scores() == sorted(scores()), "the least error first")
    assert len(scores()) > 1
    assert "CRPS" in galaxies.first.inner_text()
    choose(page, "Sort by", "In order")
    choose(page, "Domain", "Dark matter")
    picture = galaxies.first.locator("img")
    page.wait_for_function("([e, old]) => e.src !== old", arg=[picture.element_handle(), gas])
    assert page.console.complaints == []
