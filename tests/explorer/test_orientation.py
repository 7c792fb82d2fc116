"""Row 0 is at the bottom, column 0 on the left: in every view and in the figure."""

import io

import holoviews as hv
import matplotlib.image
import numpy as np

from explorer.figures import Comparison, comparison_figure
from explorer.frames import Reel
from explorer.session import Session
from explorer.store import Store
from explorer.views.maps import MapContent, image_element
from explorer.views.spec import estimate_scale, spec

hv.extension("bokeh")


def bright_corner(image: np.ndarray) -> bool:
    return image[:4, :8].min() > 10 * image[8:].max()


def test_holoviews_puts_row_zero_at_the_bottom(run):
    content = MapContent("t", run.truth, 40.0, (1e6, 1e8), "magma", "q", "u")
    image = image_element(content)
    assert float(image[-19.0, -19.0]) > 1 + float(image[-19.0, 19.0])  # log10
    figure = hv.render(image.opts(default_tools=[]), backend="bokeh")
    drawn = figure.renderers[0].data_source.data
    assert bright_corner(10.0 ** np.asarray(drawn["image"][0]))  # Bokeh draws row 0 at y
    assert drawn["y"][0] == -20.0


def test_step_player_hands_over_the_rows_as_they_are(run):
    session = Session(Store(cards={}))
    assert spec(session, [])["stops"] == []
    session.param.update(scene=run.scene, run=run)
    shown = spec(session, [Reel(1, run, estimate_scale(session))])
    truth = np.frombuffer(shown["truth"], np.uint8).reshape(shown["shape"]).astype(int)
    assert truth[:4, :8].min() > truth[8:].max() + 100
    assert shown["reels"][0]["labels"][1] == "step 2/3, t = 0.30, σ = 0.5"
    assert shown["step"] == 3


def test_figure_has_the_bright_corner_at_the_bottom_left(run):
    comparison = Comparison(run.truth, run.output, run.truth, "gas", "dark_matter", 40.0)
    figure = comparison_figure(comparison)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    buffer.seek(0)
    pixels = matplotlib.image.imread(buffer)[..., :3].sum(axis=-1)
    box = figure.axes[0].get_position()
    height, width = pixels.shape
    rows = slice(int((1 - box.y1) * height) + 3, int((1 - box.y0) * height) - 2)
    columns = slice(int(box.x0 * width) + 3, int(box.x1 * width) - 2)
    part = pixels[rows, columns]
    left = part[-6:, :6].mean()
    assert left > 1.3 * part[:6, :6].mean()
    assert left > 1.3 * part[-6:, -6:].mean()
