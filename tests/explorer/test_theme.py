"""Colors can be told apart and read, by the contrast of WCAG 2.1."""

import itertools

import pytest

from explorer import theme


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_words_can_be_read(palette):
    words = (palette.text, palette.muted, palette.accent, palette.warm)
    grounds = (palette.background, palette.surface, palette.inset)
    pairs = [*itertools.product(words, grounds), (palette.on_accent, palette.accent),
             (palette.text, palette.alert), (palette.surface, palette.warm)]  # fmt: skip
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_light_is_light():
    assert luminance(theme.colors(dark=False).surface) > 0.8
    assert luminance(theme.colors(dark=True).surface) < 0.05


def test_css_variables_have_the_names_that_scripts_read():
    named = theme.variables(theme.DARK)
    assert named["--noData"] == theme.DARK.no_data
    assert named["--onAccent"] == theme.DARK.on_accent
    assert set(named) == set(theme.variables(theme.LIGHT))
