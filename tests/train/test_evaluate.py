"""Evaluation of methods whose worth is known: one that knows the truth, one that draws as it."""

import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest

from data.domains import DOMAINS
from data.normalize import denormalize, normalize
from data.store import Layout, MapStore, Record
from engine.evaluation import Evaluation
from train.__main__ import main
from train.candidates import BaselineCandidate, training_minutes
from train.config import FOCUS
from train.cost import _REPEATS, seconds_per_map
from train.evaluate import Effort, evaluate
from train.holdout import Holdout
from train.measures import modes_of
from train.tables import comparison, table

EFFORT = Effort(samples=2, focus_samples=3)


# Of the maps in units of the normalizer: little enough to stay above the floors of all domains.
SPREAD = 0.2


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Forty galaxies; each map is one field of a galaxy, unit variance, plus noise of 0.1."""
    path = tmp_path_factory.mktemp("store") / "maps"
    rng = np.random.default_rng(0)
    records = []
    for number in range(40):
        field = rng.normal(size=(16, 16))
        made = {
            name: denormalize(SPREAD * (field + 0.1 * rng.normal(size=(16, 16))), name)
            for name in DOMAINS
        }
        if number % 5 == 0:
            del made["magnetic_field"]
        records.append(Record(f"toy-{number}", "spiral", 0.0, 50.0, 0, np.eye(3), made))
    with MapStore.create(path, Layout(tuple(DOMAINS), 16)) as maps:
        maps.add(records)
    return path


class Toy:
    """Answers with the true map, moved by so much in units of the normalizer, back and forth."""

    is_random = True

    def __init__(self, holdout, offset=0.0, domains=tuple(DOMAINS)):
        self.holdout, self.offset = holdout, offset
        self.domains = self.sources = domains

    def describe(self):
        return {"name": "toy", "title": "Toy", "family": "toy", "steps": 4, "sampler": "ddim"}

    def sample(self, maps, source, target, num_samples):
        rows = self.holdout.with_domains(source, target)
        x = normalize(self.holdout.maps_of(target, rows), target)
        signs = (-1.0) ** np.arange(num_samples)
        return denormalize(x[:, None] + self.offset * signs[:, None, None], target)

    def log_density(self, target_map, target, source_map, source):
        return 2.5 * target_map.size


# E[x | y] = y / 1.01 with a variance of 1.01 - 1 / 1.01, times SPREAD.
SIGMA = SPREAD * np.sqrt(1.01 - 1 / 1.01)


class Calibrated(Toy):
    """Draws from p(target | source) of the store: normal, pixel by pixel."""

    def sample(self, maps, source, target, num_samples):
        rng = np.random.default_rng(len(source) + 100 * len(target))
        y = normalize(maps, source)[:, None]
        noise = rng.normal(size=(len(maps), num_samples, *maps.shape[1:]))
        return denormalize(y / 1.01 + SIGMA * noise, target)


@pytest.fixture(scope="module")
def holdout(store):
    return Holdout(store, 9)


@pytest.fixture(scope="module")
def perfect(holdout):
    return evaluate(Toy(holdout), holdout, EFFORT)


@pytest.fixture(scope="module")
def calibrated(holdout):
    candidate = Calibrated(holdout, domains=("gas", "dark_matter", "hi", "temperature"))
    return evaluate(candidate, holdout, Effort(samples=3, focus_samples=40))


def test_hold_out_galaxies_are_one_rotation_each_of_what_training_never_saw(tmp_path):
    """Galaxies at three redshifts, with two rotations, and one lineage each."""
    maps = {name: np.ones((8, 8)) for name in DOMAINS}
    records = [
        Record(f"s{z}-{i}", "", float(z), 9.0, turn, np.eye(3), maps, lineage=f"end-{i}")
        for i in range(30) for z in range(3) for turn in range(2)
    ]  # fmt: skip
    with MapStore.create(tmp_path / "maps", Layout(tuple(DOMAINS), 8)) as made:
        made.add(records)
        seen = set(made.column("lineage")[made.select(split="train")])
    galaxies = Holdout(tmp_path / "maps", 99).galaxies
    assert len(galaxies) == len(set(galaxies["name"])) > 3
    assert seen.isdisjoint(name.decode() for name in galaxies["lineage"])
    few = Holdout(tmp_path / "maps", 3)
    assert set(few.galaxies["redshift"]) == {0.0, 1.0, 2.0}  # Spread over the names.
    assert (few.galaxies["rotation_index"] == 0).all()


def test_all_of_a_store_and_the_focus_alone(store, holdout):
    whole = Holdout(store, 99, "all")
    assert len(whole) == 40
    assert whole.about.split == "all"
    made = evaluate(Toy(holdout), holdout, Effort(2, 2, focus_only=True))
    assert made.pairs == made.focus
    assert set(made.pairs) == set(FOCUS)


def test_a_direction_can_be_judged_alone(holdout):
    made = evaluate(Toy(holdout), holdout, Effort(5, 2, directions=(("hi", "dark_matter"),)))
    assert made.pairs == (("hi", "dark_matter"),)
    assert made.direction("hi", "dark_matter").num_samples == 5
    nothing = Effort(2, 2, focus_only=True, directions=(("hi", "dark_matter"),))
    with pytest.raises(ValueError, match="none of the directions that were asked for"):
        evaluate(Toy(holdout), holdout, nothing)


@pytest.mark.parametrize("direction", ["hi", "hi:hi", "hi:dust", "hi:gas:stars"])
def test_a_direction_that_is_none_is_one_sentence(direction, capsys):
    options = ["evaluate", "--baselines", "--data", "maps", "--direction", direction]
    assert main(options) == 2
    assert "direction must be two of" in capsys.readouterr().err


def test_the_truth_has_no_error(perfect):
    assert set(perfect.focus) == set(FOCUS)
    assert len(perfect.pairs) == 42
    for pair in perfect.pairs:
        d = perfect.direction(*pair)
        scores = d.scores()
        for name in ("mae_dex", "mean_mae_dex", "crps_dex", "profile_dex", "total_dex"):
            assert scores[name] == pytest.approx(0.0, abs=1e-6), (pair, name)
        assert scores["ssim"] == pytest.approx(1.0, abs=1e-5)
        assert scores["psnr_db"] > 100
        np.testing.assert_allclose(d.transfer(), 1.0, rtol=1e-4)
        np.testing.assert_allclose(d.correlation(), 1.0, rtol=1e-4)
        for name in ("asymmetry", "concentration", "gini", "m20"):
            truth = np.broadcast_to(d.truth(name)[:, None], d.samples(name).shape)
            assert np.isfinite(truth).any()
            np.testing.assert_allclose(d.samples(name), truth, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(d.center_offset_kpc(), 0.0, atol=1e-4)
        matches = d.satellites()
        assert matches.made_up == matches.missed == 0
        assert (matches.found > 0) == DOMAINS[pair[1]].is_surface_density
    for pair in FOCUS:
        for name in ("absolute_dex", "signed_dex", "asymmetry", "clumpiness"):
            np.testing.assert_allclose(perfect.direction(*pair).error_map(name), 0.0, atol=1e-4)
        (case,) = perfect.direction(*pair).cases()
        assert case.kind == "spiral"
        np.testing.assert_allclose(case.sample, case.truth, rtol=1e-3)
        assert not np.array_equal(case.source, case.truth)


def test_errors_are_in_dex_of_the_target(holdout):
    found = evaluate(Toy(holdout, 0.1), holdout, Effort(samples=2, focus_samples=2))
    for source, target in found.pairs:
        scores, scale = found.direction(source, target).scores(), DOMAINS[target].scale_dex
        # Few of the values would be below the floor, and are nothing instead.
        assert scores["mae_dex"] == pytest.approx(0.1 * scale, rel=0.02)
        assert scores["mean_mae_dex"] == pytest.approx(0.0, abs=0.002)
        # |x - y| is 0.1, two samples are 0.2 apart: 0.1 - 0.2 / 2.
        assert scores["crps_dex"] == pytest.approx(0.0, abs=0.002)


def test_what_is_measured_is_in_physical_units(perfect, store):
    """By hand from the store's maps: masses, means, and profiles in each galaxy's own extent."""
    with MapStore.open(store) as maps:
        for source, target in (("gas", "stars"), ("gas", "temperature")):
            d = perfect.direction(source, target)
            for row, name in enumerate(d.galaxies("name")):
                image = maps.read(maps.select(name=name), [target])[0, 0].astype(float)
                expected = image.sum() * (50 / 16) ** 2 if target == "stars" else image.mean()
                assert d.truth("total")[row] == pytest.approx(expected, rel=1e-5)
                inner = image[7:9, 7:9].mean()
                assert d.truth("profile")[row, 0] == pytest.approx(inner, rel=1e-5)
            np.testing.assert_allclose(d.radii_kpc[:, -1], 25.0 * 15 / 16)
            assert (d.truth("half_mass_radius_kpc") < 25.0).all()
            np.testing.assert_allclose(d.wavenumbers[:, 1], 2 * np.pi / 50 * modes_of(16)[1])


def test_samples_of_the_right_distribution_are_calibrated(calibrated):
    assert len(calibrated.focus) == 3
    for source, target in calibrated.focus:
        d = calibrated.direction(source, target)
        scale = DOMAINS[target].scale_dex
        scores = d.scores()
        # The CRPS of a normal distribution that is right is sigma / sqrt(pi) in the mean.
        assert scores["crps_dex"] == pytest.approx(SIGMA * scale / np.sqrt(np.pi), rel=0.1)
        assert scores["mae_dex"] == pytest.approx(2 * SIGMA * scale / np.sqrt(np.pi), rel=0.1)
        assert scores["spread_over_error"] == pytest.approx(1.0, abs=0.1)
        np.testing.assert_allclose(d.coverage(), [0.5, 0.68, 0.95], atol=0.05)
        np.testing.assert_allclose(d.spread_skill_by_scale()[2:], 1.0, atol=0.35)
        assert scores["small_scale_power"] == pytest.approx(1.0, abs=0.1)
        assert scores["mean_small_scale_power"] < scores["small_scale_power"]


def test_samples_are_as_many_as_asked_for(calibrated, perfect):
    counts = {p: calibrated.direction(*p).num_samples for p in calibrated.pairs}
    assert all(count == (40 if pair in FOCUS else 3) for pair, count in counts.items())
    assert perfect.direction("stars", "gas").samples("total").shape[1] == 2
    assert np.isnan(perfect["samples/total"][perfect.pairs.index(("stars", "gas")), :, 2]).all()
    assert perfect.direction("gas", "stars").ranks().sum() == len(perfect.galaxies) * 256


def test_galaxies_without_a_domain_are_passed_over(perfect, holdout):
    have = holdout.available[:, list(DOMAINS).index("magnetic_field")]
    assert 0 < have.sum() < len(have)
    for pair in (("gas", "magnetic_field"), ("magnetic_field", "gas")):
        assert perfect.direction(*pair).rows.tolist() == np.flatnonzero(have).tolist()
    assert len(perfect.direction("gas", "stars").rows) == len(have)


def test_log_densities_are_nats_a_pixel(holdout):
    found = evaluate(Toy(holdout), holdout, Effort(2, 2, log_densities=2))
    density = found.direction("gas", "stars").ensemble("log_density")
    np.testing.assert_allclose(density, [2.5, 2.5] + [np.nan] * (len(density) - 2))
    assert found.direction("gas", "stars").scores()["log_density"] == 2.5


def test_domains_that_the_maps_lack_are_refused(holdout):
    toy = Toy(holdout, domains=("gas", "stars", "phlogiston"))
    with pytest.raises(ValueError, match="must hold the domains of toy, it lacks phlogiston"):
        evaluate(toy, holdout, EFFORT)


def test_a_translator_of_few_sources_is_judged_on_those(holdout):
    toy = Toy(holdout, domains=("stars", "gas", "hi"))
    toy.sources = ("hi",)
    assert evaluate(toy, holdout, EFFORT).pairs == (("hi", "stars"), ("hi", "gas"))
    asked = []
    toy.sample = lambda maps, source, target, count: asked.append(source)
    seconds_per_map(toy, holdout)
    assert set(asked) == {"hi"}


def test_a_translator_of_few_domains_is_judged_on_those(holdout):
    found = evaluate(Toy(holdout, domains=("stars", "gas")), holdout, EFFORT)
    assert found.pairs == (("stars", "gas"), ("gas", "stars"))
    assert found.focus == (("gas", "stars"),)
    assert len(found.direction("gas", "stars").cases()) == 1


def test_baselines_are_what_single_pixels_say(store, holdout):
    """All domains are one field here, so that both get as near as the noise of 0.1 lets them."""
    effort = Effort(samples=4)
    found = [
        evaluate(BaselineCandidate(n, store), holdout, effort) for n in ("identity", "pixelwise")
    ]
    for each in found:
        assert each.method.samples == 1
        error = each.direction("gas", "temperature").scores()["mae_dex"]
        sigma = SIGMA * DOMAINS["temperature"].scale_dex
        assert error == pytest.approx(sigma * np.sqrt(2 / np.pi), rel=0.1)
        assert np.isnan(each.scores()["spread_over_error"])
    line = [evaluation.scores()["mae_dex"] for evaluation in found]
    assert line[1] == pytest.approx(line[0], rel=0.05)


def test_tables_have_a_row_a_direction_and_two_means(perfect, calibrated):
    lines = table(perfect).splitlines()
    assert len(lines) == 1 + 2 + 2 + 42
    assert len({(len(line), line.count("|")) for line in lines[1:]}) == 1
    assert set(lines[2]) == {"|", "-", ":"}
    lines = comparison([perfect, calibrated]).splitlines()
    assert len(lines) == 2 + 2
    assert len({len(line) for line in lines}) == 1


class Stopped(Toy):
    """Is stopped when it is asked for its third direction."""

    asked = 0

    def sample(self, maps, source, target, num_samples):
        self.asked += 1
        if self.asked == 3:
            raise KeyboardInterrupt
        return super().sample(maps, source, target, num_samples)


def test_what_was_measured_before_a_stop_is_not_measured_again(
    holdout, perfect, tmp_path, monkeypatch
):
    monkeypatch.setattr("train.evaluate._SAVE_SECONDS", 0.0)
    partial, later = tmp_path / ".toy.partial.h5", Stopped(holdout)
    with pytest.raises(KeyboardInterrupt):
        evaluate(later, holdout, EFFORT, partial)
    later.asked = 10
    whole = evaluate(later, holdout, EFFORT, partial)
    of_cost = 1 + _REPEATS
    assert later.asked == 10 + len(whole.pairs) - 2 + of_cost
    whole.write(tmp_path / "resumed.h5")
    perfect.write(tmp_path / "at_once.h5")
    resumed, at_once = (Evaluation.read(tmp_path / f"{n}.h5") for n in ("resumed", "at_once"))
    for name, values in at_once.arrays.items():
        np.testing.assert_array_equal(resumed[name], values, err_msg=name)


def test_a_part_of_another_evaluation_is_not_taken_over(holdout, tmp_path, monkeypatch):
    monkeypatch.setattr("train.evaluate._SAVE_SECONDS", 0.0)
    partial, later = tmp_path / ".toy.partial.h5", Stopped(holdout)
    with pytest.raises(KeyboardInterrupt):
        evaluate(later, holdout, EFFORT, partial)
    for effort in (EFFORT, Effort(samples=1, focus_samples=3)):
        candidate = Stopped(holdout, domains=("gas", "hi") if effort is EFFORT else tuple(DOMAINS))
        candidate.asked = 10
        assert evaluate(candidate, holdout, effort, partial).pairs
        assert candidate.asked >= 10 + (2 if effort is EFFORT else 42)


def test_a_sample_costs_what_its_batch_takes(holdout):
    class Slow(Toy):
        def sample(self, maps, source, target, num_samples):
            time.sleep(0.002 * len(maps))
            return maps[:, None]

    assert seconds_per_map(Slow(holdout), holdout) == pytest.approx(0.002, rel=0.5)


def test_the_cost_alone_is_renewed(store, tmp_path, capsys):
    file = tmp_path / "identity.h5"
    options = ["evaluate", "--data", str(store), "--galaxies", "2", "--output", str(tmp_path)]
    assert main([*options, "--baselines"]) == 0
    before = Evaluation.read(file)
    replace(before, method=replace(before.method, seconds_per_map=9.0)).write(file)
    assert main([*options, "--baselines", "--cost-only"]) == 0
    after = Evaluation.read(file)
    assert after.method.seconds_per_map < 1.0
    for name, values in before.arrays.items():
        np.testing.assert_array_equal(after[name], values, err_msg=name)
    replace(before, method=replace(before.method, steps=7)).write(file)
    assert main([*options, "--baselines", "--cost-only"]) == 2
    assert "is of other weights or steps" in capsys.readouterr().err


def test_the_command_writes_a_file_for_each_method(store, tmp_path, capsys):
    options = ["evaluate", "--data", str(store), "--galaxies", "2", "--output"]
    assert main([*options, str(tmp_path / "new"), "--baselines"]) == 0
    found = {p.name: Evaluation.read(p) for p in (tmp_path / "new").iterdir()}
    assert set(found) == {"identity.h5", "pixelwise.h5"}
    for name, evaluation in found.items():
        assert f"{evaluation.method.name}.h5" == name
        assert (len(evaluation.galaxies), len(evaluation.pairs)) == (2, 42)
        assert evaluation.maps.store == store.name
    assert "Affine identity" in capsys.readouterr().out


def test_the_command_refuses_what_makes_no_sense(store, tmp_path, capsys):
    options = ["evaluate", "--data", str(store)]
    assert main(options) == 2
    assert "needs --checkpoint or --baselines" in capsys.readouterr().err
    assert main([*options, "--baselines", "--output", str(tmp_path / "one.h5")]) == 2
    assert "must be a folder for more than one method" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--galaxies", "--samples", "--focus-samples", "--steps"])
def test_the_command_wants_numbers_from_one(option, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--checkpoint", "x", "--data", "y", option, "0"])
    assert "a whole number from 1 is needed, got '0'" in capsys.readouterr().err


def test_minutes_of_training_count_what_a_run_went_on_from(tmp_path, monkeypatch):
    monkeypatch.setenv("GALACTIC_ALCHEMY_CHECKPOINTS", str(tmp_path))
    card = {"name": "first", "family": "flow", "network": {}, "process": {}, "domains": [],
            "grid_size": 16, "normalization": {}, "training": {"seconds": 600}}  # fmt: skip
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "card.json").write_text(json.dumps(card))
    second = {**card, "name": "second", "training": {"seconds": 60, "init": {"name": "first"}}}
    assert training_minutes(card) == 10.0
    assert training_minutes(second) == 11.0
    shutil.rmtree(tmp_path / "first")
    assert training_minutes(second) == 1.0
    assert training_minutes({"name": "bare"}) is None
