"""The page Compare draws what evaluation files say, and its clicks change the judged."""

from itertools import permutations

import numpy as np
import pytest

from explorer import library, theme
from explorer.comparison import COLUMNS, compare, standings_of
from explorer.scales import palette
from explorer.views.compare import Compare
from explorer.views.labels import Labels, place_labels
from explorer.views.methods import CostPlot, DirectionMatrix

PAIRS = tuple(permutations(("gas", "dark_matter", "stars", "temperature"), 2))


@pytest.fixture
def view(judged):
    judged.store.translator = "good"
    made = Compare(judged)
    made.fit(1100)
    return made


def data(view, plot, source):
    return getattr(view, plot).sources[source].data


def cells(view, name):
    row = next(row for row in view.ranking.rows if row["name"] == name)
    return {column.head: cell for column, cell in zip(COLUMNS, row["cells"], strict=True)}


def test_the_table_has_the_scores_of_the_evaluations(view, evaluations):
    assert [row["name"] for row in view.ranking.rows] == ["good", "poor", "pixelwise"]
    for name, own in evaluations.items():
        scores, found = own.direction("gas", "stars").scores(), cells(view, name)
        for head, score in (
            ("CRPS", "crps_dex"), ("MAE, one sample", "mae_dex"), ("Profile error", "profile_dex"),
            ("Total error", "total_dex"), ("Small-scale power", "small_scale_power"),
        ):  # fmt: skip
            assert found[head][0] == pytest.approx(scores[score])
        assert found["Time a map"][0] == own.method.seconds_per_map
    assert cells(view, "good")["Parameters"][1] == "2.0"
    assert cells(view, "poor")["Training"][1] == "12"
    assert cells(view, "good")["Training"][:2] == [None, "–"]


def test_einstein_radii_are_of_dark_matter_alone(view, evaluations):
    assert cells(view, "good")["Einstein radius"][1] == "–"
    own = evaluations["good"]
    own.arrays["truth/profile"][own.maps.domains.index("dark_matter")] = 4e8 / np.arange(1, 6) ** 2
    own.arrays["samples/profile"][...] = 2.0 * own.arrays["truth/profile"][1][:, None]
    (row, *_) = standings_of({"good": own}, ("gas", "dark_matter"))
    head = [column.head for column in COLUMNS].index("Einstein radius")
    error = own.direction("gas", "dark_matter").einstein_radius_error()
    assert 0.1 < error < 2.0
    assert row.words[head] == f"{100 * error:.0f}"


def test_one_map_has_no_mean_of_samples(view):
    assert cells(view, "pixelwise")["MAE of the mean"][:2] == [None, "–"]
    assert cells(view, "good")["MAE of the mean"][0] > 0


def test_the_best_of_each_column_is_marked(view, evaluations):
    best = {
        column.head: [row["name"] for row in view.ranking.rows if row["cells"][place][2]]
        for place, column in enumerate(COLUMNS)
    }
    assert best["CRPS"] == ["good"]
    assert best["Time a map"] == ["pixelwise"]
    assert best["Small-scale power"] == []  # all are alike
    alike = {"one": evaluations["good"], "two": evaluations["good"], "off": evaluations["poor"]}
    rows = standings_of(alike, ("gas", "stars"))
    assert [row.best[0] for row in rows] == [True, True, False]
    spread = [c.head for c in COLUMNS].index("Spread / error")
    assert COLUMNS[spread].loss(1.1) < COLUMNS[spread].loss(0.8)


def test_the_page_marks_its_translator_and_offers_the_others(view):
    marks = {row["name"]: (row["chosen"], row["open"]) for row in view.ranking.rows}
    assert marks == {"good": (True, True), "poor": (False, True), "pixelwise": (False, False)}


def test_the_matrix_divides_by_the_pixelwise_fit_in_all_directions(view):
    shown = data(view, "matrix", "cells")
    assert set(zip(shown["source"], shown["target"], strict=True)) == set(PAIRS)
    np.testing.assert_allclose(shown["ratio"], np.log10(1.1) / np.log10(4.0), rtol=1e-5)
    here = data(view, "matrix", "here")
    place = [
        (x, y) for x, y, *pair in zip(shown["x"], shown["y"], shown["source"], shown["target"],
                                      strict=True)
        if pair == ["gas", "stars"]
    ]  # fmt: skip
    assert list(zip(here["x"], here["y"], strict=True)) == place


def test_a_click_on_a_cell_chooses_its_direction(view, judged):
    cell = view.matrix.sources["cells"]
    pairs = list(zip(cell.data["source"], cell.data["target"], strict=True))
    cell.selected.indices = [pairs.index(("stars", "temperature"))]
    assert (judged.store.source, judged.store.target) == ("stars", "temperature")
    assert cell.selected.indices == []


def test_what_was_not_evaluated_is_said_in_one_sentence(view, judged, evaluations):
    judged.store.translator = "new"
    assert view.comparison.problem == "There is no evaluation of new."
    assert "There is no evaluation of new." in view._heads[1].object
    assert len(view.ranking.rows) == 3
    assert len(data(view, "matrix", "cells")["ratio"]) == 0
    assert compare({}, None, "gas", "gas").problem.startswith("Source and target are both gas")


def test_colors_follow_the_page(view, judged):
    inks = set()
    for dark in (True, False):
        judged.dark = dark
        inks.add(view.cost.figure.title.text_color)
    assert len(inks) == 2


def boxes(places, widths):
    left = np.where(places.at_left, places.x - widths, places.x)
    return left, left + widths, places.y - 6, places.y + 6


def are_apart(places, widths):
    left, right, low, high = boxes(places, widths)
    meet = (left[:, None] < right) & (left < right[:, None])
    meet &= (low[:, None] < high) & (low < high[:, None])
    return int(meet.sum()) == len(widths)  # each meets itself


@pytest.mark.parametrize("seed", range(20))
def test_labels_lie_neither_over_one_another_nor_outside_nor_far_away(seed):
    rng = np.random.default_rng(seed)
    # Three kinds of methods, each within a few pixels in x.
    x = np.concatenate([rng.uniform(a, a + 12, n) for a, n in ((8, 2), (110, 3), (190, 6))])
    y, widths = rng.uniform(0, 240, len(x)), rng.uniform(20, 90, len(x))
    places = place_labels(x, y, widths, 240)
    assert are_apart(places, widths)
    _, _, low, high = boxes(places, widths)
    assert low.min() >= 0
    assert high.max() <= 240
    for part in (slice(0, 2), slice(2, 5), slice(5, 11)):
        assert (np.argsort(places.y[part]) == np.argsort(y[part])).all()
    assert places.at_left.tolist() == [False] * 2 + [True] * 3 + [False] * 6
    assert np.abs(places.y - y).max() < 14 * 6


def test_a_label_with_room_stands_level_with_its_point():
    y = np.array([20.0, 90.0, 200.0])
    places = place_labels(np.array([10.0, 11.0, 12.0]), y, np.full(3, 50.0), 240)
    np.testing.assert_array_equal(places.y, y)
    assert len(place_labels(*(np.empty(0),) * 3, 240).y) == 0


@pytest.mark.parametrize("width", [240, 420])
def test_the_methods_that_are_shipped_are_all_legible(width):
    for target in ("stars", "dark_matter", "hi"):
        plot = CostPlot()
        plot.resize(width, 250)
        plot.put(standings_of(library.load_evaluations(), ("gas", target)), "ddpm", theme.DARK)
        shown, ends = plot.sources["methods"].data, plot.figure.x_range
        scale = width / np.log10(ends.end / ends.start)
        height = 250 / np.log10(plot.figure.y_range.end / plot.figure.y_range.start)
        x, y = np.log10(shown["label_x"] / ends.start) * scale, np.log10(shown["label_y"]) * height
        places = Labels(x, y, np.array(shown["align"]) == "right")
        widths = np.array([6.4 * len(title) for title in shown["title"]])
        assert len(widths) > 8
        assert are_apart(places, widths)
        left, right, _, _ = boxes(places, widths)
        assert left.min() >= 0
        assert right.max() <= width


def test_another_translator_changes_the_figures(view, judged):
    before = np.array(data(view, "matrix", "cells")["ratio"])
    view._choose_translator("poor")
    assert judged.store.translator == "poor"
    assert (data(view, "matrix", "cells")["ratio"] > 1.3 * before).all()
    view._choose_translator("pixelwise")  # none of the page's translators
    assert judged.store.translator == "poor"


def test_nothing_is_beaten_where_the_baseline_is_exact():
    matrix = DirectionMatrix(lambda source, target: None)
    ratios = {("gas", "stars"): (0.1, 0.2), ("hi", "brightness_temperature"): (0.08, 1e-4)}
    matrix.put(ratios, ("gas", "stars"), theme.DARK)
    cells = matrix.sources["cells"].data
    assert list(cells["text"]) == ["0.50", "exact"]
    shades = palette(theme.DARK.diverging)
    assert cells["fill"][1] in shades[len(shades) // 2 - 1 : len(shades) // 2 + 1]
