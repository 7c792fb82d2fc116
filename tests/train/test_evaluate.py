"""Scores: perfect maps get none, missing maps are passed over, the table has every direction."""

from types import SimpleNamespace

import numpy as np
import pytest

from data.dataset import MapDataset
from data.domains import DOMAINS
from data.normalize import DEFAULT, Normalization, Scale
from train.__main__ import main
from train.evaluate import directions_of, evaluate, table


class Toy:
    """Knows every target, or answers with the target and a fixed offset of alternating sign."""

    name, default_steps, default_sampler = "toy", 4, "ddim"
    process = SimpleNamespace(is_iterative=True)

    def __init__(self, path, offset, normalization=DEFAULT):
        self.normalization, self.offset = normalization, offset
        self.test = MapDataset(path, "test", normalization=normalization)
        self.domains, self.asked = self.test.domains, {}

    def sample_normalized(self, maps, source, target, *, num_steps, num_samples, sampler):
        assert num_steps == 4
        s, t = self.domains.index(source), self.domains.index(target)
        known = {m[s].numpy().tobytes(): m[t].numpy() for m in self.test.maps}
        answers = np.stack([known[m.tobytes()] for m in maps])
        self.asked[source, target] = len(maps)
        signs = (-1.0) ** np.arange(num_samples)
        return answers[:, None] + self.offset * signs[None, :, None, None]


def test_perfect_maps_cost_nothing_and_the_baseline_does(store):
    scores = evaluate(Toy(store, 0.0), str(store), galaxies=9, samples=2)
    assert set(scores["directions"]) == {f"{s} -> {t}" for s, t in directions_of(tuple(DOMAINS))}
    for row in scores["directions"].values():
        assert row["single"]["mae_dex"] == row["ensemble"]["crps_dex"] == 0.0
        assert row["baseline"]["mae_dex"] > 0.01
        assert row["single"]["small_scale_power"] == 1.0


def test_errors_are_in_dex_of_the_target(store):
    scores = evaluate(Toy(store, 0.5), str(store), galaxies=9, samples=2)
    for name, row in scores["directions"].items():
        scale = DOMAINS[name.split(" -> ")[1]].scale_dex
        assert row["single"]["mae_dex"] == pytest.approx(0.5 * scale, rel=1e-5)
        assert row["mean"]["mae_dex"] == pytest.approx(0.0, abs=1e-6)
        # |x - y| is 0.5, two samples are 1 apart: 0.5 - 1 / 2.
        assert row["ensemble"]["crps_dex"] == pytest.approx(0.0, abs=1e-6)


def test_scores_do_not_depend_on_the_normalization(store):
    """An error of so many dex scores the same, whatever the unit that the network sees it in."""
    twice = Normalization({
        name: Scale(s.floor, s.center_dex + 0.2, 2 * s.scale_dex)
        for name, s in DEFAULT.scales.items()
    })  # fmt: skip
    toys = Toy(store, 0.5), Toy(store, 0.25, twice)
    a, b = (evaluate(toy, str(store), galaxies=4, samples=2)["all"] for toy in toys)
    for kind, scores in a.items():
        # The baseline's bins are not quite the same.
        assert b[kind] == pytest.approx(scores, rel=0.02 if kind == "baseline" else 1e-4, abs=1e-6)


def test_galaxies_without_a_domain_are_passed_over(store):
    toy = Toy(store, 0.0)
    scores = evaluate(toy, str(store), galaxies=99, samples=1)
    have = toy.test.available.numpy()[:, list(DOMAINS).index("magnetic_field")]
    assert toy.asked["gas", "magnetic_field"] == have.sum() < len(have) == scores["galaxies"]
    assert toy.asked["gas", "stars"] == len(have)


def test_table_has_a_row_a_direction_and_two_means(store):
    lines = table(evaluate(Toy(store, 0.1), str(store), galaxies=3, samples=2)).splitlines()
    assert len(lines) == 2 + 2 + 42
    assert len({line.count("|") for line in lines}) == 1


def test_other_domains_are_refused(store):
    toy = Toy(store, 0.0)
    toy.domains = ("gas", "stars")
    with pytest.raises(ValueError, match="must hold the domains of toy"):
        evaluate(toy, str(store), galaxies=3, samples=2)


@pytest.mark.parametrize("option", ["--galaxies", "--samples", "--steps"])
def test_the_command_wants_numbers_from_one(option, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--checkpoint", "x", "--data", "y", option, "0"])
    assert "a whole number from 1 is needed, got '0'" in capsys.readouterr().err
