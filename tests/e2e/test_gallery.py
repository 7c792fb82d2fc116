"""The page Gallery in Chromium: pictures that pick, filters, and a file of one's own."""

import pytest

from data.cutouts import write_cutout
from data.synthetic import synthesize

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
    assert galaxies.nth(1).get_attribute("aria-pressed") == "true"

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
