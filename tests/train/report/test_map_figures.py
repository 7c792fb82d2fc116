"""Panels hold the maps that they are said to hold, row 0 at the bottom, in one scale."""

import numpy as np

from train.report.figures.maps import Case, gallery, log_norm, mean_maps, triptychs

RNG = np.random.default_rng(0)


def _case(*labels):
    maps = [10 ** RNG.uniform(5, 8, (8, 8)) for _ in range(2 + len(labels))]
    outputs = dict(zip(labels, maps[2:], strict=True))
    return Case("spiral", "gas", "stars", maps[0], maps[1], outputs, 60.0)


def _images(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def test_triptychs_show_input_output_and_truth():
    cases = [_case("output"), _case("output"), _case("output")]
    images = _images(triptychs(cases))
    expected = [m for c in cases for m in (c.source_map, c.outputs["output"], c.truth)]
    assert len(images) == 9
    for image, values in zip(images, expected, strict=True):
        assert np.array_equal(image.get_array(), values)
        assert image.origin == "lower"
    assert images[1].norm is images[2].norm
    assert images[0].norm is not images[1].norm


def test_a_gallery_shows_every_method_between_input_and_truth():
    case = _case("DDPM", "Flow", "pix2pix")
    figure = gallery([case])
    shown = [image.get_array() for image in _images(figure)]
    expected = [case.source_map, *case.outputs.values(), case.truth]
    assert all(np.allclose(a, b) for a, b in zip(shown, expected, strict=True))
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert [w for w in words if "kpc" not in w] == ["input", "DDPM", "Flow", "pix2pix", "truth"]


def test_a_scale_covers_the_map_and_not_its_zeros():
    values = np.zeros((10, 10))
    values[:5] = 10.0 ** np.linspace(6, 8, 50).reshape(5, 10)
    norm = log_norm(values, "stars")
    assert 1e6 <= norm.vmin < 2e6
    assert 9e7 < norm.vmax <= 1e8
    assert log_norm(np.zeros((4, 4)), "stars").vmax == 1e9


def test_mean_maps_are_symmetric_about_zero_and_leave_out_what_is_missing():
    first, second = RNG.normal(size=(2, 6, 6))
    figure = mean_maps({"gas → HI": {"A": first, "B": second}, "gas → stars": {"B": first}}, "x")
    images = _images(figure)
    assert len(images) == 3
    assert np.array_equal(images[0].get_array(), first)
    assert images[0].norm.vmin == -images[0].norm.vmax
