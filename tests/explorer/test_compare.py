"""The page Compare draws what evaluation files say, and its clicks change the session."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from engine.evaluation import Evaluation, MapSet, Method
from engine.evaluation.schema import CASE, DIRECTION, GALAXY
from explorer import library, worker
from explorer.comparison import COLUMNS, abundance_of, compare, standings_of
from explorer.session import Session
from explorer.store import Store
from explorer.views.compare import Compare

DOMAINS = ("gas", "dark_matter", "stars", "temperature")
PAIRS = tuple(permutations(DOMAINS, 2))
COUNT, SAMPLES, RADII = 6, 4, 5
OPEN = next(iter(library.ENTRIES))
CARDS = {
    name: {"title": name.capitalize(), "domains": list(DOMAINS), "default_steps": 3}
    for name in ("good", "poor", "new")
}


def evaluation(name, factor, samples=SAMPLES, **method):
    """Return an evaluation whose samples are about `factor` times the truth; CRPS = |log10| of it.

    Truths are the same for all; the last galaxy has no stars.
    """
    galaxies = np.zeros(COUNT, GALAXY)
    galaxies["name"] = [OPEN, *(f"hold-out-{n}" for n in range(1, COUNT))]
    galaxies["kind"], galaxies["extent_kpc"] = "massive_halo", 50.0
    directions = np.array([(*pair, samples, False) for pair in PAIRS], DIRECTION)
    lengths = {"radius": RADII, "scale": 8, "side": 2, "error_side": 2}
    made = Evaluation.blank(
        Method(name, name.capitalize(), method.pop("family", "toy"), samples, samples, 3, **method),
        MapSet("maps", "test", 16, DOMAINS), (galaxies, directions, np.zeros(0, CASE)), lengths,
    )  # fmt: skip
    arrays, rng = made.arrays, np.random.default_rng(0)
    arrays["truth/total"][:] = 10.0 ** rng.uniform(8.0, 11.0, (len(DOMAINS), COUNT))
    arrays["truth/profile"][:] = 10.0 ** rng.uniform(6.0, 8.0, (len(DOMAINS), COUNT, RADII))
    arrays["power/mode"][:] = np.arange(1, 9)
    arrays["truth/power"][:] = arrays["power/samples"][:] = arrays["power/mean"][:] = 1.0
    arrays["ensemble/variance_dex2"][:] = arrays["ensemble/error_dex2"][:] = 1.0
    error = abs(float(np.log10(factor)))
    for index, (source, target) in enumerate(PAIRS):
        truth = DOMAINS.index(target)
        scatter = factor * 10.0 ** rng.normal(0.0, 0.05, (COUNT, samples))
        for array in ("total", "profile"):
            true = arrays[f"truth/{array}"][truth][:, None]
            wide = scatter[..., None] if array == "profile" else scatter
            arrays[f"samples/{array}"][index] = true * wide
        for array in ("ensemble/crps_dex", "mean/mae_dex", "samples/mae_dex"):
            arrays[array][index] = error * (index + 1)
            if "stars" in (source, target):
                arrays[array][index, -1] = np.nan
    return made


@pytest.fixture(scope="module")
def evaluations():
    return {
        "good": evaluation("good", 1.1, seconds_per_map=0.2, parameters=2_000_000),
        "poor": evaluation("poor", 2.0, seconds_per_map=0.1, training_minutes=12.0),
        "pixelwise": evaluation("pixelwise", 4.0, 1, family="baseline", seconds_per_map=1e-4),
    }


@pytest.fixture
def session(monkeypatch, evaluations):
    """A session without a document, which reads at once."""
    monkeypatch.setattr(Session, "_load", lambda self: None)
    monkeypatch.setattr(library, "load_evaluations", lambda: evaluations)

    def submit(work, owner=None):
        job = worker.Job(work)
        job.run()
        return job

    monkeypatch.setattr(worker, "FILES", SimpleNamespace(submit=submit))
    return Session(Store(cards=CARDS, target="stars"))


@pytest.fixture
def view(session):
    session.store.translator = "good"
    made = Compare(session)
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


def test_totals_are_those_of_the_evaluation(view, evaluations):
    direction = evaluations["good"].direction("gas", "stars")
    shown = data(view, "totals", "galaxies")
    assert len(shown["truth"]) == COUNT - 1
    np.testing.assert_array_equal(shown["truth"], direction.truth("total"))
    np.testing.assert_allclose(shown["model"], np.median(direction.samples("total"), axis=1))
    assert (shown["low"] < shown["model"]).all()
    assert (shown["model"] < shown["high"]).all()
    assert list(shown["name"]) == list(direction.galaxies("name"))
    assert "stars in the map (M☉)" in view.totals.figure.xaxis.axis_label
    even = data(view, "totals", "even")
    assert even["x"] == even["y"]


def test_a_mean_quantity_has_the_domains_own_unit(view, session):
    session.store.target = "temperature"
    assert "mean temperature of the map (K)" in view.totals.figure.xaxis.axis_label
    assert not view._panes["abundance"].visible
    assert data(view, "abundance", "model")["x"] == []


def test_abundance_takes_each_mass_from_its_own_translation(view, session, evaluations):
    own = evaluations["good"]
    for name, axis in (("dark_matter", "x"), ("stars", "y")):
        direction = own.direction("gas", name)
        model, truth = direction.samples("total")[: COUNT - 1, 0], direction.truth("total")
        np.testing.assert_array_equal(data(view, "abundance", "model")[axis], model)
        np.testing.assert_array_equal(data(view, "abundance", "truth")[axis], truth[: COUNT - 1])
    session.store.source = "dark_matter"  # is given, not translated
    found = abundance_of(own, "dark_matter", "stars")
    np.testing.assert_array_equal(found.dark_matter, found.true_dark_matter)
    np.testing.assert_array_equal(data(view, "abundance", "model")["y"], found.stars)


def test_residuals_of_a_constant_factor_are_its_logarithm(session, evaluations):
    evaluations["poor"].arrays["samples/profile"][:] = 0.0
    poor, index = evaluations["poor"], PAIRS.index(("gas", "dark_matter"))
    truth = poor["truth/profile"][DOMAINS.index("dark_matter")]
    poor.arrays["samples/profile"][index] = 2.0 * truth[:, None]
    session.store.param.update(translator="poor", target="dark_matter")
    view = Compare(session)
    lines, band = data(view, "residuals", "lines"), data(view, "residuals", "band")
    assert len(lines["y"]) == COUNT
    np.testing.assert_allclose(lines["y"], np.log10(2.0), atol=2e-3)  # less the floor's share
    for name in ("low", "median", "high"):
        np.testing.assert_allclose(band[name], np.log10(2.0), atol=2e-3)
    np.testing.assert_allclose(lines["x"][0], poor.direction("gas", "stars").radii)


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


def test_a_click_on_a_cell_chooses_its_direction(view, session):
    cell = view.matrix.sources["cells"]
    pairs = list(zip(cell.data["source"], cell.data["target"], strict=True))
    cell.selected.indices = [pairs.index(("stars", "temperature"))]
    assert (session.store.source, session.store.target) == ("stars", "temperature")
    assert cell.selected.indices == []
    assert "temperature" in view.totals.figure.xaxis.axis_label


def test_a_click_on_a_point_opens_its_galaxy_where_it_is_known(view, session):
    points = view.totals.sources["galaxies"]
    session.store.galaxy = other = list(library.ENTRIES)[1]
    points.selected.indices = [1]
    assert session.store.galaxy == other
    points.selected.indices = [0]
    assert session.store.galaxy == OPEN
    assert points.data["click"][:2] == ["click to open it", "not in this page’s list of galaxies"]


def test_another_translator_changes_the_figures(view, session):
    before = np.array(data(view, "totals", "galaxies")["model"])
    view._choose_translator("poor")
    assert session.store.translator == "poor"
    assert (data(view, "totals", "galaxies")["model"] > 1.3 * before).all()
    view._choose_translator("pixelwise")  # none of the page's translators
    assert session.store.translator == "poor"


def test_what_was_not_evaluated_is_said_in_one_sentence(view, session, evaluations):
    session.store.translator = "new"
    assert view.comparison.problem == "There is no evaluation of new."
    assert "There is no evaluation of new." in view._heads[1].object
    assert len(view.ranking.rows) == 3
    assert len(data(view, "totals", "galaxies")["truth"]) == 0
    found = compare(evaluations, "good", "gas", "hi")
    assert found.problem == "Good was not evaluated from gas to neutral hydrogen."
    assert compare({}, None, "gas", "gas").problem.startswith("Source and target are both gas")


def test_colors_follow_the_page(view, session):
    inks = set()
    for dark in (True, False):
        session.dark = dark
        inks.add(view.cost.figure.title.text_color)
    assert len(inks) == 2


def test_labels_do_not_lie_over_one_another(view):
    plot = view.cost
    plot.resize(300, 300)
    places = plot._places([0.1, 0.1, 0.1], [0.05, 0.05, 0.0501], ["One", "Two", "Three"])
    assert np.diff(np.sort(places["dy"])).min() > 10
