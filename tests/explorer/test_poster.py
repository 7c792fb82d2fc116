"""What stands on the page before its scripts have run."""

import base64
import io
import re

import holoviews as hv
import numpy as np
import pytest
from bokeh.document import Document
from bokeh.plotting import figure
from matplotlib.colors import to_rgb
from panel.io.state import set_curdoc
from PIL import Image

from explorer import galaxies, library, theme
from explorer.page import build
from explorer.scales import palette
from explorer.session import Session
from explorer.store import Store
from explorer.views.maps import MapContent, image_element
from explorer.views.poster import paint, poster, template
from explorer.views.translate import Translate

hv.extension("bokeh")


def content(values, limits=(1e6, 1e8), logarithmic=True):
    return MapContent("t", np.asarray(values), 40.0, limits, "magma", "q", "u", logarithmic)


def test_colors_are_those_of_the_scale():
    table = [to_rgb(color) for color in palette("magma")]
    values = [[1e6, 1e8, 1.001e7], [np.nan, 0.0, 1e9]]
    pixels = paint(content(values), theme.DARK) / 255
    expected = [[table[0], table[-1], table[128]],
                [to_rgb(theme.DARK.no_data), table[0], table[-1]]]  # fmt: skip
    np.testing.assert_allclose(pixels, expected, atol=0.5 / 255 + 1e-9)
    linear = paint(content([[-0.5, 0.0, 0.5]], (-0.5, 0.5), logarithmic=False), theme.LIGHT) / 255
    np.testing.assert_allclose(linear[0], [table[0], table[128], table[-1]], atol=0.5 / 255 + 1e-9)


def test_row_zero_is_at_the_bottom_as_in_the_live_map(run):
    shown = content(run.truth)
    drawn = poster([shown], True, "T")["pictures"][0]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn["picture"])))).sum(axis=-1)
    assert pixels[-4:, :8].min() > pixels[:-4].max() + 100
    live = image_element(shown).dimension_values(2, flat=False)  # HoloViews: from the bottom up
    assert live[:4, :8].min() > 1 + live[4:].max()  # log10


def html(**variables):
    macros = template().environment.from_string("{% macro embed(root) %}{% endmacro %}")
    return template().render(
        macros=macros, bokeh_js="<script src='b'></script>", plot_script="", docs=[], **variables
    )


def test_poster_comes_before_the_scripts_and_a_page_without_one_keeps_its_loader(run):
    with_poster = html(poster=poster([content(run.truth)], False, "A <b>"), theme_cookie=None)
    assert with_poster.index("data:image/png") < with_poster.index("<script src='b'>")
    assert with_poster.count("<script src='b'>") == 1
    assert "A &lt;b&gt;" in with_poster
    assert theme.LIGHT.background in with_poster
    without = html(poster=None, theme_cookie=None)
    assert without.count("<script src='b'>") == 1
    assert "poster" not in without
    assert "location.reload" not in without + with_poster
    assert "location.reload" in html(poster=None, theme_cookie="explorer-theme")


@pytest.mark.parametrize("known", [True, False])
def test_page_opens_with_what_is_there_already(run, monkeypatch, known):
    monkeypatch.setattr(library, "RUNS", library.Shelf(2))
    monkeypatch.setattr(library, "ready_scene", lambda *asked: run.scene if known else None)
    monkeypatch.setattr(Session, "start", lambda self: None)  # no work is left behind
    library.RUNS.put(Store().view, run)
    document = Document()
    with set_curdoc(document):
        build().server_doc(document)
    told = document.template_variables["poster"]
    if not known:
        assert told is None
        return
    assert [bool(each["picture"]) for each in told["pictures"]] == [True] * 4
    figures = list(document.select({"type": figure}))
    assert {each.x_range.end for each in figures} == {0.5 * run.scene.extent_kpc}
    titles = {each.title.text for each in figures}
    assert titles == {each["title"] for each in told["pictures"]}


def test_scene_without_its_run_is_shown_and_then_translated(run, monkeypatch):
    monkeypatch.setattr(library, "RUNS", library.Shelf(2))
    monkeypatch.setattr(library, "ready_scene", lambda *asked: run.scene)
    monkeypatch.setattr(Session, "_load", lambda self: None)
    session = Session(Store())
    session.recall()
    assert session.scene is run.scene
    assert session.run is None
    pictures = [each.values is not None for each in Translate(session).poster()]
    assert pictures == [True, False, True, False]
    session.start()
    assert session._translate_next


def test_ready_scene_is_what_was_made(run, monkeypatch):
    offer = galaxies.Offer("somewhere", "Somewhere", "spiral", 0.0, galaxies.OWN)
    library.GALAXIES.admit([offer])
    monkeypatch.setattr(library, "load_galaxy", lambda name: None)
    monkeypatch.setattr(library, "_scene_of", lambda *arguments: run.scene)
    library.load_scene.cache_clear()
    assert library.ready_scene("somewhere", 3, 16) is None
    assert library.load_scene("somewhere", 3, 16) is library.ready_scene("somewhere", 3, 16)
    assert library.ready_scene("somewhere", 4, 16) is None
    library.GALAXIES.forget(["somewhere"])
    library.load_scene.cache_clear()


def test_sizes_in_the_page_are_those_of_the_theme():
    page = html(poster=poster([content(np.ones((2, 2)))], True, "T"), theme_cookie=None)
    assert re.search(rf"aside {{[^}}]*width: {theme.SIDEBAR_WIDTH}px", page)
    assert f"max-width: {theme.NARROW_PX - 1}px" in page
