"""Evaluations: what follows from measures that are known, files that come back, and bad ones."""

import shutil

import h5py
import numpy as np
import pytest

from data.domains import DOMAINS
from engine.evaluation import Evaluation, EvaluationError, MapSet, Method
from engine.evaluation.direction import EINSTEIN_DENSITY
from engine.evaluation.schema import ARRAYS, CASE, DIRECTION, GALAXY
from engine.lensing import critical_surface_density
from engine.shelf import evaluations

COUNT, SAMPLES = 400, 40
METHOD = Method(
    "toy", "Toy", "flow", 3, SAMPLES, 4, sampler="ddim", seconds_per_map=0.5, notes=("one", "two")
)
MAPS = MapSet("toys", "test", 32, ("gas", "stars", "temperature"))


def blank(count=COUNT):
    galaxies = np.zeros(count, GALAXY)
    galaxies["name"] = [f"toy-{i}" for i in range(count)]
    galaxies["kind"] = "spiral"
    galaxies["extent_kpc"] = np.linspace(20.0, 80.0, count)
    directions = np.array(
        [("gas", "stars", SAMPLES, True), ("gas", "temperature", 3, False)], DIRECTION
    )
    cases = np.array([("spiral", 0), ("merger", 1)], CASE)
    lengths = {"radius": 4, "scale": 16, "side": 8, "error_side": 8}
    return Evaluation.blank(METHOD, MAPS, (galaxies, directions, cases), lengths)


@pytest.fixture(scope="module")
def evaluation():
    """Truths and samples of one distribution; the last galaxy has no temperature."""
    made, rng = blank(), np.random.default_rng(0)
    a = made.arrays
    a["ensemble/crps_dex"][:] = rng.uniform(0.1, 0.2, (2, COUNT))
    a["ensemble/crps_dex"][1, -1] = np.nan
    a["ensemble/variance_dex2"][:], a["ensemble/error_dex2"][:] = 3.0, 4.0
    a["ensemble/pixel_ranks"][0] = 1 + np.arange(SAMPLES + 1)
    a["ensemble/pixel_ranks"][1, :4] = (1, 2, 3, 4)
    truth = rng.normal(size=(COUNT, 1))
    known = truth + rng.normal(size=(COUNT, 1))  # what the samples know of their galaxy
    half = np.sqrt(0.5) * rng.normal(size=(COUNT, SAMPLES))
    a["truth/total"][1] = 10 ** (8 + truth[:, 0])
    a["samples/total"][0] = 10 ** (8 + 0.5 * known + half)
    for name in ("half_mass_radius_kpc", "concentration"):
        a[f"truth/{name}"][1] = truth[:, 0]
        a[f"samples/{name}"][0] = 0.5 * known + half
    for name in ("truth/profile", "samples/profile", "truth/power"):
        a[name][:] = rng.uniform(1.0, 2.0, a[name].shape)
    a["power/mode"][:] = np.arange(1, 17)
    truth_power = a["truth/power"][[1, 2]]
    a["power/samples"][:], a["power/mean"][:] = 4.0 * truth_power, truth_power
    a["power/cross"][:] = truth_power
    a["power/spread"][:], a["power/error"][:] = 0.25 * truth_power, truth_power
    a["cases/truth"][:, :2], a["cases/sample"][:], a["cases/mean"][:] = 0.0, 1.0, 0.0
    a["errors/signed_dex"][:] = 0.125
    return made


@pytest.fixture
def path(tmp_path, evaluation):
    evaluation.write(tmp_path / "toy.h5")
    return tmp_path / "toy.h5"


def test_a_file_comes_back_as_it_was(path, evaluation):
    found = Evaluation.read(path)
    assert (found.method, found.maps) == (evaluation.method, evaluation.maps)
    assert found.pairs == (("gas", "stars"), ("gas", "temperature"))
    assert found.focus == (("gas", "stars"),)
    assert found.column("name")[3] == "toy-3"
    np.testing.assert_array_equal(found.galaxies, evaluation.galaxies)
    for name, spec in ARRAYS.items():
        assert found[name].dtype == spec.dtype
        np.testing.assert_allclose(found[name], evaluation[name], rtol=2.0**-13)


def test_arrays_say_what_they_are(path):
    with h5py.File(path) as file:
        attributes = dict(file["samples/half_mass_radius_kpc"].attrs)
    assert attributes["axes"] == "direction galaxy sample"
    assert attributes["unit"] == "kpc"


def test_a_direction_has_the_galaxies_and_samples_that_it_has(evaluation):
    d = evaluation.direction("gas", "temperature")
    assert (len(d.rows), d.num_samples, d.is_focus) == (COUNT - 1, 3, False)
    assert d.samples("profile").shape == (COUNT - 1, 3, 4)
    assert d.ranks().tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(d.radii_kpc[0], 10.0 * np.array([0.125, 0.375, 0.625, 0.875]))
    with pytest.raises(EvaluationError, match="toy was not evaluated from stars to gas"):
        evaluation.direction("stars", "gas")


def test_growth_curves_of_a_flat_map_are_areas_of_circles():
    made = blank(2)
    made.arrays["ensemble/crps_dex"][0] = 0.1
    made.arrays["truth/profile"][1], made.arrays["samples/profile"][0] = 3.0, 6.0
    d = made.direction("gas", "stars")
    circles = 3.0 * np.pi * (d.extent_kpc[:, None] / 2 * np.array([0.25, 0.5, 0.75, 1.0])) ** 2
    np.testing.assert_allclose(d.enclosed("truth"), circles)
    np.testing.assert_allclose(d.enclosed()[:, 7], 2 * circles)


def test_einstein_radii_follow_from_profiles_and_their_errors_from_those():
    galaxies = np.zeros(3, GALAXY)
    galaxies["extent_kpc"] = 40.0
    directions = np.array([("hi", "dark_matter", 19, False), ("hi", "gas", 19, False)], DIRECTION)
    maps = MapSet("toys", "test", 64, ("hi", "dark_matter", "gas"))
    lengths = {"radius": 64, "scale": 4, "side": 4, "error_side": 4}
    made = Evaluation.blank(METHOD, maps, (galaxies, directions, np.zeros(0, CASE)), lengths)
    made.arrays["ensemble/crps_dex"][:] = 0.1
    edges = np.linspace(0.0, 20.0, 65)

    def isothermal(einstein):
        """Mean densities of annuli of a sphere, of which a circle holds pi Sigma_cr theta_E r."""
        rings = np.diff(edges) / np.diff(edges**2)
        return EINSTEIN_DENSITY * np.asarray(einstein)[..., None] * rings

    factors = np.linspace(0.5, 1.4, 19)  # the median of |factor - 1| is 0.25
    made.arrays["truth/profile"][1] = isothermal([3.0, 4.0, 30.0])
    made.arrays["samples/profile"][0] = isothermal(np.outer([3.0, 4.0, 30.0], factors))
    made.arrays["samples/profile"][1] = made.arrays["samples/profile"][0]
    direction = made.direction("hi", "dark_matter")
    np.testing.assert_allclose(direction.truth("einstein_radius_kpc"), [3.0, 4.0, np.nan], 1e-2)
    found = direction.samples("einstein_radius_kpc")
    np.testing.assert_allclose(found[1], 4.0 * factors, rtol=1e-2)
    assert found[2].max() == pytest.approx(20.0)  # where the map ends
    expected = np.median(np.abs(factors - 1.0))
    scores = direction.scores()
    assert scores["einstein_radius_error"] == pytest.approx(expected, abs=0.01)
    # The truth is above 10 or 11 of 19 samples, of the two galaxies where it lies on the map.
    assert direction.ranks("einstein_radius_kpc").sum() == 2
    assert direction.coverage("einstein_radius_kpc", (0.5,))[0] == 1.0
    made.arrays["ensemble/crps_dex"][0] = np.nan  # as if no galaxy had been measured
    assert made.direction("hi", "dark_matter").samples("einstein_radius_kpc").shape == (0, 19)
    other = made.direction("hi", "gas")
    assert np.isnan(other.samples("einstein_radius_kpc")).all()
    assert np.isnan(other.scores()["einstein_radius_error"])


def test_the_density_of_einstein_radii_is_a_twentieth_of_a_usual_critical_one():
    usual = critical_surface_density(0.5, 2.0)
    assert usual / EINSTEIN_DENSITY == pytest.approx(20.0, rel=0.02)


def test_samples_of_the_truths_distribution_are_calibrated(evaluation):
    """The truth is one draw more of p(truth | known) = N(known / 2, 1 / 2)."""
    d = evaluation.direction("gas", "stars")
    # 400 galaxies: a standard deviation of 0.025, 0.023 and 0.011.
    np.testing.assert_allclose(d.coverage("total"), [0.5, 0.68, 0.95], atol=0.06)
    assert d.ranks("total").sum() == COUNT
    credibility, coverage = d.tarp(["log_total", "concentration"])
    np.testing.assert_allclose(coverage, credibility, atol=0.1)


def test_samples_that_are_too_sure_cover_less(evaluation):
    narrow = blank()
    narrow.arrays.update({k: v.copy() for k, v in evaluation.arrays.items()})
    total = np.log10(narrow.arrays["samples/total"])
    center = total.mean(axis=-1, keepdims=True)
    narrow.arrays["samples/total"][:] = 10 ** (center + 0.2 * (total - center))
    assert (narrow.direction("gas", "stars").coverage("total") < [0.2, 0.3, 0.45]).all()


def test_too_few_samples_say_nothing_of_wide_intervals(evaluation):
    coverage = evaluation.direction("gas", "temperature").coverage("pixels")
    np.testing.assert_allclose(coverage, [0.5, np.nan, np.nan])


def test_spectra_give_transfer_correlation_and_spread(evaluation):
    d = evaluation.direction("gas", "stars")
    np.testing.assert_allclose(d.transfer(), 2.0, rtol=1e-6)
    np.testing.assert_allclose(d.correlation(), 0.5, rtol=1e-6)
    np.testing.assert_allclose(d.correlation("mean"), 1.0, rtol=1e-6)
    np.testing.assert_allclose(d.spread_skill_by_scale(), np.sqrt(41 / 40 / 4), rtol=1e-6)
    assert d.spread_over_error() == pytest.approx(np.sqrt(41 / 40 * 3 / 4))
    assert d.small_scale_power() == pytest.approx(4.0)
    assert d.small_scale_power("mean") == pytest.approx(1.0)
    np.testing.assert_allclose(d.wavenumbers[0, :2], 2 * np.pi / 20.0 * np.array([1, 2]))


def test_small_scales_are_those_of_3_to_8_pixels(evaluation):
    """A map of 32 pixels has 4 to 10.67 waves a side there."""
    changed = blank()
    changed.arrays.update({k: v.copy() for k, v in evaluation.arrays.items()})
    changed.arrays["power/samples"][..., 3:10] = changed.arrays["truth/power"][[1, 2], :, 3:10] / 2
    assert changed.direction("gas", "stars").small_scale_power() == pytest.approx(0.5)


def test_satellites_and_centers_add_up():
    made = blank(3)
    a = made.arrays
    a["ensemble/crps_dex"][0] = 0.1
    a["truth/satellites"][1] = (2, 0, 1)
    a["samples/satellites_found"][0] = np.array([1, 0, 1])[:, None]
    a["samples/satellites_made_up"][0] = np.array([0, 2, 1])[:, None]
    a["truth/center_kpc"][1] = (1.0, -2.0)
    a["samples/center_kpc"][0] = (4.0, 2.0)
    d = made.direction("gas", "stars")
    matches = d.satellites()
    assert (matches.found, matches.missed, matches.made_up) == (80, 40, 120)
    np.testing.assert_allclose(d.center_offset_kpc(), np.broadcast_to((3.0, 4.0), (3, SAMPLES, 2)))


def test_scores_are_means_of_what_was_measured(evaluation):
    scores = evaluation.scores()
    parts = [evaluation.direction(*pair).scores() for pair in evaluation.pairs]
    assert scores["crps_dex"] == pytest.approx(np.mean([p["crps_dex"] for p in parts]))
    assert np.isnan(parts[1]["total_dex"])
    assert scores["total_dex"] == parts[0]["total_dex"] > 0.5
    assert np.isnan(scores["log_density"])
    assert evaluation.scores([]) == {}


def test_cases_are_maps_in_their_units(path):
    found = Evaluation.read(path)
    first, second = found.direction("gas", "stars").cases()
    assert (first.kind, second.kind, second.name) == ("spiral", "merger", "toy-1")
    stars = DOMAINS["stars"]
    truth, sample = (10 ** (stars.center_dex + s * stars.scale_dex) for s in (0, 1))
    np.testing.assert_allclose(first.truth, truth - stars.floor, rtol=1e-5)
    np.testing.assert_allclose(first.sample, sample - stars.floor, rtol=1e-5)
    np.testing.assert_allclose(first.source, 10 ** DOMAINS["gas"].center_dex - 1e3, rtol=1e-5)
    d = found.direction("gas", "temperature")
    assert d.cases() == []
    with pytest.raises(ValueError, match="gas -> temperature is not among the directions of focus"):
        d.error_map("signed_dex")
    assert (found.direction("gas", "stars").error_map("signed_dex") == 0.125).all()


def test_files_that_are_no_evaluation_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match="no such evaluation"):
        Evaluation.read(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(EvaluationError, match="not a readable HDF5 file"):
        Evaluation.read(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["format"] = "galactic-alchemy-evaluation/0"
    with pytest.raises(EvaluationError, match="not an evaluation of format"):
        Evaluation.read(tmp_path / "other.h5")


def lose_an_array(file):
    del file["samples/profile"]


def lose_galaxies(file):
    rows = file["tables/galaxies"][:3]
    del file["tables/galaxies"]
    file["tables/galaxies"] = rows


def lose_a_column(file):
    rows = file["tables/galaxies"][:][["name", "kind"]].copy()
    del file["tables/galaxies"]
    file["tables/galaxies"] = rows


def lose_the_name(file):
    del file["method"].attrs["name"]


def ask_for_too_many_samples(file):
    rows = file["tables/directions"][:]
    rows["samples"] = 99
    file["tables/directions"][:] = rows


def show_a_galaxy_that_is_not_there(file):
    rows = file["tables/cases"][:]
    rows["galaxy"] = COUNT
    file["tables/cases"][:] = rows


def speak_of_an_unknown_domain(file):
    file["maps"].attrs["domains"] = ["gas", "stars", "phlogiston"]


@pytest.mark.parametrize(
    "harm",
    [lose_an_array, lose_galaxies, lose_a_column, lose_the_name, ask_for_too_many_samples,
     show_a_galaxy_that_is_not_there, speak_of_an_unknown_domain],
)  # fmt: skip
def test_damaged_files_are_refused_in_one_sentence(path, harm):
    with h5py.File(path, "r+") as file:
        harm(file)
    with pytest.raises(EvaluationError, match=r"is damaged|unknown domain 'phlogiston'") as caught:
        Evaluation.read(path)
    assert "\n" not in str(caught.value)


def test_changed_and_lost_bytes_are_noticed(path, tmp_path):
    with h5py.File(path) as file:
        place = file["samples/profile"].id.get_chunk_info(0).byte_offset
    raw = bytearray(path.read_bytes())
    raw[place + 9] ^= 255
    (tmp_path / "flipped.h5").write_bytes(raw)
    (tmp_path / "short.h5").write_bytes(path.read_bytes()[:-2000])
    for name in ("flipped.h5", "short.h5"):
        with pytest.raises(EvaluationError, match=name):
            Evaluation.read(tmp_path / name)


def test_a_write_that_fails_leaves_the_file_as_it_was(path, evaluation):
    before = path.read_bytes()
    broken = Evaluation(
        METHOD, MAPS, evaluation.galaxies, evaluation.directions, evaluation.cases, {}
    )
    with pytest.raises(KeyError):
        broken.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_evaluations_are_found_beside_checkpoints(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GALACTIC_ALCHEMY_CHECKPOINTS", str(tmp_path))
    (tmp_path / "mine").mkdir()
    shutil.copy(path, tmp_path / "mine" / "evaluation.h5")
    assert evaluations()["mine"] == tmp_path / "mine" / "evaluation.h5"
