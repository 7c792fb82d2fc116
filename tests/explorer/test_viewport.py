"""Maps fill the page's width and never more."""

import pytest

from explorer import theme
from explorer.views.viewport import SMALLEST, frame_size, is_dark, known_width, num_columns


@pytest.mark.parametrize("width", [480, 760, 800, 900, 980, 1150, 1620])
def test_maps_fit(width):
    columns = num_columns(width)
    size = frame_size(width, columns)
    assert size >= SMALLEST
    assert theme.MARGIN_LEFT + columns * (size + theme.GAP) <= width


def test_narrow_pages_have_two_maps_in_a_row_and_larger_ones():
    assert num_columns(1000) == 4
    assert num_columns(760) == 2
    assert frame_size(760, 2) > frame_size(1000, 4)


def test_theme_is_the_chosen_one_or_the_systems():
    assert is_dark({})
    assert is_dark({"explorer-theme": "system-dark"})
    assert not is_dark({"explorer-theme": "light"})
    assert not is_dark({"explorer-theme": "system-light"})


def test_width_is_what_the_browser_told_last():
    usual = known_width({})
    assert known_width({"explorer-width": "760"}) == 760
    for nonsense in ("", "-3", "wide", "1e3", "99999999", "７６０"):
        assert known_width({"explorer-width": nonsense}) == usual
