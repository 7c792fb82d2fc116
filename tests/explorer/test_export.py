"""The comparison figure as a file."""

import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest

from explorer.export import FORMATS, caption, export_bytes, export_name
from explorer.figures import Comparison, comparison_figure


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_is_what_it_says(run, extension):
    content = export_bytes(run, extension).read()
    assert len(content) > 5000
    if extension == "svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")
    else:
        assert content.startswith({"pdf": b"%PDF-", "png": b"\x89PNG"}[extension])


def test_caption_and_name_tell_the_run(run):
    for word in ("synthetic-000001", "spiral", "rotation 2", "z = 0.5", "toy", "seed 7",
                 "3 steps of ddim"):  # fmt: skip
        assert word in caption(run)
    assert export_name(run, "pdf") == "synthetic-000001-r2-gas-to-dark_matter-toy-seed7.pdf"


def test_output_and_truth_share_their_limits(run):
    figure = comparison_figure(Comparison(run.truth, run.output, run.truth, "gas", "stars", 40.0))
    _, output, truth, residual = [a for a in figure.axes if a.images]
    assert output.images[0].get_clim() == truth.images[0].get_clim()
    low, high = residual.images[0].get_clim()
    assert low == -high
    np.testing.assert_allclose(residual.images[0].get_array(), np.log10(1.25), atol=0.01)


def test_drawing_leaves_pyplot_and_settings_alone(run):
    before = dict(matplotlib.rcParams)
    comparison_figure(Comparison(run.truth, run.output, None, "gas", "dark_matter", 40.0))
    assert dict(matplotlib.rcParams) == before


def test_bad_input_is_a_sentence(run):
    with pytest.raises(ValueError, match="extension must be one of"):
        export_bytes(run, "docx")
    with pytest.raises(ValueError, match="run must be"):
        export_bytes(None, "pdf")
    with pytest.raises(ValueError, match="truth must have"):
        Comparison(run.truth, run.output, np.ones((3, 3)), "gas", "stars", 40.0)
    with pytest.raises(ValueError, match="extent_kpc"):
        Comparison(run.truth, run.output, None, "gas", "stars", 0.0)
