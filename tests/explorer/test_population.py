"""The page Population draws what evaluation files say, and shares what is selected."""

from itertools import permutations

import numpy as np
import pytest

from explorer import library
from explorer.population import abundance_of, relation, residuals_of, survey
from explorer.shading import Cloud, shade
from explorer.views import galaxies
from explorer.views.particles import clouds_of
from explorer.views.population import PopulationPage

DOMAINS = ("gas", "dark_matter", "stars", "temperature")
PAIRS = tuple(permutations(DOMAINS, 2))
COUNT = 6
OPEN = next(iter(library.GALAXIES.shared))


@pytest.fixture
def view(judged):
    judged.store.translator = "good"
    made = PopulationPage(judged)
    made.fit(1100)
    return made


def data(view, chart, source):
    return getattr(view, chart).sources[source].data


def test_totals_are_those_of_the_evaluation(view, evaluations):
    direction = evaluations["good"].direction("gas", "stars")
    shown = data(view, "totals", "galaxies")
    assert len(shown["x"]) == COUNT - 1
    np.testing.assert_array_equal(shown["x"], direction.truth("total"))
    np.testing.assert_allclose(shown["y"], np.median(direction.samples("total"), axis=1))
    assert (shown["low"] < shown["y"]).all()
    assert (shown["y"] < shown["high"]).all()
    assert list(shown["name"]) == list(direction.galaxies("name"))
    assert "stars in the map (M☉)" in view.totals.figure.xaxis.axis_label
    even = data(view, "totals", "even")
    assert even["x"] == even["y"]


def test_a_mean_quantity_has_its_own_unit_and_no_abundance_keeps_its_place(view, judged):
    panes = len(view._grid)
    judged.store.target = "temperature"
    assert "mean temperature of the map (K)" in view.totals.figure.xaxis.axis_label
    assert "none of this target" in view.abundance.figure.title.text
    assert data(view, "abundance", "model")["x"] == []
    assert len(view._grid) == panes
    assert all(pane.visible for pane in view._grid)


def test_abundance_takes_each_mass_from_its_own_translation(view, judged, evaluations):
    own = evaluations["good"]
    for name, axis in (("dark_matter", "x"), ("stars", "y")):
        direction = own.direction("gas", name)
        model, truth = direction.samples("total")[: COUNT - 1, 0], direction.truth("total")
        np.testing.assert_array_equal(data(view, "abundance", "model")[axis], model)
        np.testing.assert_array_equal(data(view, "abundance", "truth")[axis], truth[: COUNT - 1])
    judged.store.source = "dark_matter"  # is given, not translated
    found = abundance_of(own, "dark_matter", "stars")
    np.testing.assert_array_equal(found.dark_matter, found.true_dark_matter)
    np.testing.assert_array_equal(data(view, "abundance", "model")["y"], found.stars)


def test_residuals_of_a_constant_factor_are_its_logarithm(view, judged, evaluations):
    poor, index = evaluations["poor"], PAIRS.index(("gas", "dark_matter"))
    truth = poor["truth/profile"][DOMAINS.index("dark_matter")]
    poor.arrays["samples/profile"][index] = 2.0 * truth[:, None]
    judged.store.param.update(translator="poor", target="dark_matter")
    lines, band = data(view, "residuals", "lines"), data(view, "residuals", "band")
    assert len(lines["y"]) == COUNT
    np.testing.assert_allclose(lines["y"], np.log10(2.0), atol=2e-3)  # less the floor's share
    for name in ("low", "median", "high"):
        np.testing.assert_allclose(band[name], np.log10(2.0), atol=2e-3)


def test_translators_beside_add_their_medians_in_colors_of_their_own(view, judged, evaluations):
    assert data(view, "residuals", "others")["name"] == []
    judged.store.beside = "poor,new"  # of which the second has no evaluation
    others = data(view, "residuals", "others")
    assert others["name"] == ["Poor"]
    expected = residuals_of(evaluations["poor"].direction("gas", "stars"))
    np.testing.assert_array_equal(others["y"][0], expected.median)
    np.testing.assert_array_equal(others["x"][0], expected.radii)
    judged.store.param.update(translator="poor", beside="good")
    shown = data(view, "residuals", "others")
    assert shown["name"] == ["Good"]
    assert shown["color"] == others["color"]
    np.testing.assert_array_equal(data(view, "residuals", "band")["median"], expected.median)


def test_the_relation_is_the_median_in_bins_of_equal_numbers():
    x = np.geomspace(1e10, 1e12, 40)
    scatter = np.tile([0.5, 1.0, 2.0, 1.0], 10)
    found_x, found_y = relation(x[::-1], (x * scatter)[::-1])
    assert len(found_x) == 6
    np.testing.assert_allclose(found_y, found_x, rtol=0.35)
    assert (np.diff(found_x) > 0).all()
    assert len(relation(x[:3], x[:3])[0]) == 0


def test_a_click_a_box_and_a_lasso_pick_the_same_galaxy(view):
    x, y = (data(view, "totals", "galaxies")[name] for name in ("x", "y"))
    view.totals.tap(1.001 * x[2], y[2])
    assert view.picked.tolist() == [2]
    view.totals.tap(1e3, 1e3)
    assert view.picked.tolist() == []
    view.totals.pick_within({"type": "rect", "x0": x[2] / 1.01, "x1": x[2] * 1.01,
                             "y0": y[2] * 1.01, "y1": y[2] / 1.01})  # fmt: skip
    assert view.picked.tolist() == [2]
    view.pick(np.array([], int))
    corners = np.array([[0.99, 1.01, 1.01, 0.99], [0.99, 0.99, 1.01, 1.01]])
    view.totals.pick_within({"type": "poly", "x": x[2] * corners[0], "y": y[2] * corners[1]})
    assert view.picked.tolist() == [2]


def test_what_is_picked_is_marked_everywhere_and_listed(view, evaluations):
    view.pick(np.array([0, 3]))
    direction = evaluations["good"].direction("gas", "stars")
    assert data(view, "totals", "chosen")["x"].tolist() == direction.truth("total")[[0, 3]].tolist()
    assert len(data(view, "abundance", "chosen")["x"]) == 2
    assert data(view, "residuals", "chosen")["name"] == [OPEN, "hold-out-3"]
    assert [(row["name"], row["open"]) for row in view.table.rows] == [
        (OPEN, True), ("hold-out-3", False),
    ]  # fmt: skip
    error = direction.samples("mae_dex")[0].mean()
    assert view.table.rows[0]["cells"][2][0] == pytest.approx(error)


def test_a_name_of_the_list_opens_its_galaxy_where_it_is_known(view, judged):
    judged.store.galaxy = other = list(library.GALAXIES.shared)[1]
    view.pick(np.array([0, 1]))
    view.open_galaxy("hold-out-1")
    assert judged.store.galaxy == other
    view.open_galaxy(OPEN)
    assert judged.store.galaxy == OPEN
    assert view.table.rows[0]["chosen"]


def test_a_selection_stays_for_another_method_of_the_same_galaxies(view, judged):
    view.pick(np.array([1]))
    before = np.array(data(view, "totals", "chosen")["y"])
    judged.store.translator = "poor"
    assert view.picked.tolist() == [1]
    assert data(view, "totals", "chosen")["y"] > 1.3 * before


def test_many_galaxies_are_shaded_and_can_still_be_picked(view, monkeypatch, judged):
    monkeypatch.setattr(galaxies, "MOST_POINTS", 3)
    monkeypatch.setattr(galaxies, "MOST_LINES", 3)
    points = data(view, "totals", "galaxies")
    x, y = np.array(points["x"]), np.array(points["y"])
    view._show()
    assert len(data(view, "totals", "galaxies")["x"]) == 0
    image = view.totals.shade.source.data["image"][0]
    assert np.nansum(image) == COUNT - 1
    assert len(data(view, "residuals", "lines")["x"]) == 0
    view.totals.tap(x[1], y[1])
    assert view.picked.tolist() == [1]
    judged.store.translator = "new"
    assert len(view.totals.shade.source.data["image"]) == 0


def test_what_was_not_evaluated_is_said_in_one_sentence(view, judged, evaluations):
    judged.store.translator = "new"
    assert "There is no evaluation of new." in view._heads[0].object
    assert len(data(view, "totals", "galaxies")["x"]) == 0
    found = survey(evaluations, "good", "gas", "hi")
    assert found.problem == "Good was not evaluated from gas to neutral hydrogen."
    assert survey({}, None, "gas", "gas").problem.startswith("Source and target are both gas")


@pytest.mark.parametrize("is_log", [False, True])
def test_an_image_of_points_is_their_histogram(rng, is_log):
    x, y = rng.uniform(1.0, 100.0, (2, 1000))
    weights = rng.uniform(1.0, 2.0, 1000)
    edges = np.geomspace(1.0, 100.0, 9) if is_log else np.linspace(1.0, 100.0, 9)
    expected = np.histogram2d(y, x, bins=(edges, edges))[0]
    made = shade(Cloud(x, y, is_log=is_log), (1.0, 100.0), (1.0, 100.0), (8, 8))
    np.testing.assert_array_equal(np.nan_to_num(made), expected)
    made = shade(Cloud(x, y, weights, is_log), (1.0, 100.0), (1.0, 100.0), (8, 8))
    area = (2.0 / 8) ** 2 if is_log else (99.0 / 8) ** 2
    assert np.nansum(made) * area == pytest.approx(weights.sum(), rel=1e-5)


def test_ranges_that_do_not_rise_are_refused():
    cloud = Cloud(np.ones(3), np.ones(3), is_log=True)
    for x_range in ((2.0, 1.0), (0.0, 1.0)):
        with pytest.raises(ValueError, match="must span pixels"):
            shade(cloud, x_range, (1.0, 2.0), (4, 4))


@pytest.mark.parametrize(
    ("rotation", "angles"), [(2, None), (library.FREE, (40.0, 20.0, 10.0))], ids=["drawn", "chosen"]
)
def test_particles_lie_on_the_sky_as_their_map_does(rotation, angles):
    scene = library.load_scene(OPEN, rotation, 32, angles)
    half = 0.5 * scene.extent_kpc
    image = shade(clouds_of(scene)["gas"], (-half, half), (-half, half), (32, 32))
    filled = np.isfinite(image)

    def likeness(smooth):
        return np.corrcoef(np.log10(image[filled]), np.log10(smooth[filled] + 1e3))[0, 1]

    smooth = scene.maps["gas"]
    assert likeness(smooth) > 0.7
    for turned in (smooth[::-1], smooth[:, ::-1], smooth.T):
        assert likeness(turned) < likeness(smooth)
