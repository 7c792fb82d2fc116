"""Figures: what they show, at which size, and what they leave alone."""

import gc
import io
import weakref
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

from explorer.export.images import comparison, film
from explorer.figures import Comparison, comparison_figure, film_figure, triptych_figure
from explorer.figures.animation import animate
from explorer.figures.layout import Grid
from explorer.sizes import SIZES, size_of


@pytest.fixture
def shown(run):
    return comparison(run)


def images(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def test_output_and_truth_share_their_limits(run):
    figure = comparison_figure(Comparison(run.truth, run.output, run.truth, "gas", "stars", 40.0))
    _, output, truth, residual = images(figure)
    assert output.get_clim() == truth.get_clim()
    low, high = residual.get_clim()
    assert low == -high
    np.testing.assert_allclose(residual.get_array(), np.log10(1.25), atol=0.01)


def test_axes_are_in_kpc_and_square(shown):
    figure = comparison_figure(shown)
    width, height = figure.get_size_inches()
    for image in images(figure):
        assert image.get_extent() == [-20.0, 20.0, -20.0, 20.0]
        box = image.axes.get_position()
        assert box.width * width == pytest.approx(box.height * height)


@pytest.mark.parametrize(
    ("draw", "size"),
    [
        (comparison_figure, "one-column"), (comparison_figure, "slide"),
        (triptych_figure, "two-columns"), (triptych_figure, "slide"), (triptych_figure, "120mm"),
    ],
)  # fmt: skip
def test_figures_have_the_size_asked_for_and_nothing_sticks_out(shown, draw, size):
    figure = draw(shown, size=size)
    wanted = {"one-column": 88, "two-columns": 180, "slide": 25.4 * 40 / 3, "120mm": 120}[size]
    width, height = figure.get_size_inches()
    assert width * 25.4 == pytest.approx(wanted)
    if size == "slide":
        assert width / height == pytest.approx(16 / 9)
    inked = figure.get_tightbbox()
    assert inked.x0 >= 0
    assert inked.y0 >= 0
    assert inked.x1 <= width
    assert inked.y1 <= height


def test_profile_is_that_of_the_maps(run, shown):
    curves = {line.get_label(): line for a in comparison_figure(shown).axes for line in a.lines}
    np.testing.assert_allclose(curves["output"].get_ydata(), run.profiles[-1])
    np.testing.assert_allclose(curves["truth"].get_ydata(), run.truth_profile)


@pytest.fixture
def several(run):
    """Return what three translators made, 0.1, 0.4 and 0.7 dex above the truth."""
    others = {"Two": 2 * run.output, "Three": 4 * run.output}
    return Comparison(0.1 * run.truth, run.output, run.truth, "gas", "dark_matter", 40.0,
                      "words " * 60, "One", others)  # fmt: skip


def test_several_translators_have_a_column_and_a_curve_each_on_shared_scales(run, several):
    figure = comparison_figure(several)
    shown = {axes.texts[0].get_text(): axes.images[0] for axes in figure.axes if axes.images}
    assert list(shown) == ["Input\ngas", "Truth\ndark matter", "One", "Residual", "Two", "Three"]
    maps = [shown[title] for title in ("Truth\ndark matter", "One", "Two", "Three")]
    assert len({image.get_clim() for image in maps}) == 1
    drawn = images(figure)
    residuals = [image for image in drawn if image.axes.texts[0].get_text() == "Residual"]
    assert {image.get_clim() for image in residuals} == {(-1.0, 1.0)}
    for image, factor in zip(residuals, (1.25, 2.5, 5.0), strict=True):
        np.testing.assert_allclose(image.get_array(), np.log10(factor), atol=0.01)
        above = drawn[drawn.index(image) - 1].axes.get_position()
        assert image.axes.get_position().x0 == pytest.approx(above.x0)
        assert image.axes.get_position().y1 < above.y0
    curves = {line.get_label(): line for a in figure.axes for line in a.lines}
    np.testing.assert_allclose(curves["Three"].get_ydata(), 4 * run.profiles[-1])
    looks = {
        (line.get_color(), line.get_linestyle())
        for name, line in curves.items()
        if name in ("One", "Two", "Three", "truth")
    }
    assert len(looks) == 4


@pytest.mark.parametrize("size", ["one-column", "two-columns", "slide"])
@pytest.mark.parametrize("count", [2, 5])
def test_several_translators_fit_on_every_size(run, several, size, count):
    others = {f"Translator {n}": run.output for n in range(1, count)}
    figure = comparison_figure(replace(several, others=others), size=size)
    inked, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert inked.x0 >= 0
    assert inked.y0 >= 0
    assert inked.x1 <= width
    assert inked.y1 <= height
    places = [image.axes.get_position() for image in images(figure)]
    assert len(places) == 2 * (count + 1)
    assert not any(a.overlaps(b) for i, a in enumerate(places) for b in places[:i])


def test_film_shows_states_and_estimates_of_its_times(run):
    figure = film_figure(film(run))
    states, estimates = images(figure)[:6:2], images(figure)[1:6:2]
    for step in range(3):
        np.testing.assert_array_equal(states[step].get_array(), run.noisy[step])
        np.testing.assert_array_equal(estimates[step].get_array(), run.estimates[step])
    words = [text.get_text() for text in figure.texts]
    assert [w for w in words if w.startswith("$t$")] == ["$t$ = 0.70", "$t$ = 0.30", "$t$ = 0.00"]


def test_a_frame_has_its_estimate_upright_where_the_layout_says(run):
    frames = list(animate(film(run), 48))
    assert [frame.shape for frame in frames] == [(360, 640, 3)] * 3
    grid = Grid.of(SIZES["slide"], 4)
    left, top = (int(edge * 48 / 72) for edge in grid.corner(2))
    side = int(grid.side * 48 / 72)
    part = frames[-1][top + 2 : top + side - 1, left + 2 : left + side - 1].astype(float).sum(-1)
    assert part[-8:, :16].mean() > 2 * part[-8:, -16:].mean()  # row 0 of a frame is on top
    assert part[-8:, :16].mean() > 2 * part[side // 2 : side // 2 + 8].mean()
    assert (frames[0] != frames[1]).any()


def test_drawing_leaves_pyplot_settings_and_memory_alone(run, shown):
    before = dict(matplotlib.rcParams)
    figure = comparison_figure(Comparison(run.truth, run.output, None, "gas", "dark_matter", 40.0))
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    next(animate(film(run), 20))
    assert dict(matplotlib.rcParams) == before
    gone = weakref.ref(figure)
    del figure
    gc.collect()
    assert gone() is None


def test_saved_text_is_text(shown):
    pdf, svg = io.BytesIO(), io.BytesIO()
    figure = comparison_figure(shown)
    figure.savefig(pdf, format="pdf")
    figure.savefig(svg, format="svg")
    assert b"/CIDFontType2" in pdf.getvalue()  # TrueType, embedded
    assert b"/Type3" not in pdf.getvalue()
    texts = ElementTree.fromstring(svg.getvalue()).iter("{http://www.w3.org/2000/svg}text")
    words = {"".join(text.itertext()) for text in texts}
    assert {"Input", "Residual", "projected radius (kpc)", "10 kpc"} <= words


def test_threads_and_settings_of_the_user_change_nothing(shown):
    def draw(rc):
        with matplotlib.rc_context(rc):
            buffer = io.BytesIO()
            triptych_figure(shown, size="90mm").savefig(buffer, format="png", dpi=50)
            return buffer.getvalue()

    alone = draw({})
    assert draw({"font.size": 30, "axes.grid": True, "image.cmap": "jet"}) == alone
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(lambda _: draw({}), range(4))) == {alone}


def test_bad_input_is_a_sentence(run, shown):
    with pytest.raises(ValueError, match="truth must have"):
        Comparison(run.truth, run.output, np.ones((3, 3)), "gas", "stars", 40.0)
    with pytest.raises(ValueError, match=r"others must have the output's shape .* of Two"):
        replace(shown, others={"Two": np.ones((3, 3))})
    crowd = {f"{n}": run.output for n in range(9)}
    with pytest.raises(ValueError, match="no room for 10 translators side by side"):
        comparison_figure(replace(shown, others=crowd), size="slide")
    with pytest.raises(ValueError, match="extent_kpc"):
        Comparison(run.truth, run.output, None, "gas", "stars", 0.0)
    for bad in ("poster", "10mm", "mm", "1e9mm"):
        with pytest.raises(ValueError, match="size must be one-column, two-columns, slide"):
            size_of(bad)
