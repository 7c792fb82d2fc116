"""Runs on clouds: they learn, resume exactly, and ship what a translator of points loads."""

import h5py
import numpy as np
import pytest
import torch
import yaml

from data.clouds import CloudStore
from data.splits import split_of
from engine.points.checkpoint import load_points
from train.config import ConfigError, FitConfig
from train.loop import fit, trainer_of
from train.plan import describe
from train.points import PointTrainer

SMALL = {
    "name": "small", "title": "Small", "family": "flow", "steps": 12, "batch_size": 2,
    "points": {"num_points": 64}, "process": {"mean": 0.0},
    "network": {"width": 16, "depth": 2, "curves": 1, "state": 4, "head_width": 8, "chunk": 16},
    "log_every": 3, "validate_every": 12, "warmup_steps": 2, "threads": 1, "default_steps": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    """Thirty galaxies whose dark matter is a shell of twice the radius of their gas."""
    path = tmp_path_factory.mktemp("clouds") / "clouds.h5"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["num_points"] = 128
        for number in range(30):
            radius = rng.uniform(5.0, 20.0)
            group = file.create_group(f"toy-{number}")
            ball = rng.normal(size=(2, 128, 3))
            shells = ball / np.linalg.norm(ball, axis=2, keepdims=True)
            group["gas"] = (radius * shells[0]).astype(np.float32)
            group["features"] = rng.normal(size=(128, 3)).astype(np.float32)
            group["dark_matter"] = (2.0 * radius * shells[1]).astype(np.float32)
            group.attrs.update({
                "redshift": 0.0, "gas_mass": 1e10, "lineage": "", "whole": True,
                "mass/dark_matter": 1e10 * radius,
            })  # fmt: skip
    return path


@pytest.fixture
def config(clouds, tmp_path):
    def make(**changes):
        fields = {"data": str(clouds), "output": str(tmp_path / "run"), **SMALL, **changes}
        return FitConfig(**fields)

    threads = torch.get_num_threads()
    yield make
    torch.set_num_threads(threads)


def test_a_resumed_run_is_the_uninterrupted_one(config, tmp_path):
    whole = tmp_path / "whole"
    fit(config(output=str(whole)), device="cpu")
    parts = config(output=str(tmp_path / "parts"))
    first = PointTrainer(parts, device="cpu")
    for _ in range(7):
        first.train_step()
    first.save()
    fit(parts, resume=True, device="cpu")
    states = [
        torch.load(folder / "state.pt", weights_only=True)["average"]
        for folder in (whole, tmp_path / "parts")
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_short_run_learns_more_than_a_normal_cloud(config):
    """The shell's radius is known from the gas: no velocity linear in x_t, as all are that lead to
    a normal cloud of the same spread, has so small an error.
    """
    trainer = PointTrainer(
        config(steps=120, learning_rate=5e-3, batch_size=4, points={"num_points": 32}), device="cpu"
    )
    assert trainer.validate() == pytest.approx(2.0, abs=0.05)  # E (n - x)^2 of unit variances
    for _ in range(120):
        trainer.train_step()
    t = trainer.objective.process.training_times((torch.arange(1000) + 0.5) / 1000)
    linear = (2.0 - (2.0 * t - 1.0).square() / (t.square() + (1.0 - t).square())).mean()
    assert trainer.validate() < linear - 0.02


def test_the_fit_of_the_masses_finds_a_mass_that_goes_with_the_radius(config, clouds):
    trainer = PointTrainer(config(), device="cpu")
    store = CloudStore(clouds)
    for row in trainer.rows["validation"]:
        cloud = store[row]
        found = trainer.normalization.mass(cloud, "dark_matter")
        assert np.log10(found) == pytest.approx(np.log10(cloud.masses["dark_matter"]), abs=0.01)


def test_sets_are_turned_at_random_with_their_gas(config):
    sampler = PointTrainer(config(), device="cpu").samplers["train"]
    sampler.rows = sampler.rows[:1]
    batch = sampler.draw(8)
    radii = [v.norm(dim=-1) for v in (batch.x, batch.condition.gas)]
    for one in radii:
        torch.testing.assert_close(one, one.mean().expand_as(one), rtol=1e-4, atol=1e-4)
    assert batch.x.flatten(1).unique(dim=0).shape[0] == 8


def test_the_card_says_what_was_learned_from(config, clouds):
    folder = fit(config(), device="cpu")
    network, _, _, card = load_points(folder)
    assert card["targets"] == ["dark_matter"]
    names = CloudStore(clouds).names
    assert card["training"]["clouds"] == sum(split_of(name) == "train" for name in names)
    assert card["parameters"] == sum(p.numel() for p in network.parameters())


def test_a_plan_is_a_recipe_of_the_same_run(config):
    trainer = PointTrainer(config(), device="cpu")
    said = describe(trainer)
    again = PointTrainer(FitConfig(**yaml.safe_load(said)), device="cpu")
    assert again.card == trainer.card
    size = sum(p.numel() for p in trainer.network.parameters())
    assert f"# parameters: {size:,}" in said
    assert f"# clouds: {len(trainer.rows['train'])} for training" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": {"num_points": 999}}, "num_points must be at most the 128 of"),
        ({"points": {"targets": ["gas"]}}, "targets must be some of dark_matter, stars"),
        ({"points": {"radius": 1}}, "points may hold num_points, targets, softening, got radius"),
        ({"points": {"targets": ["stars"], "num_points": 64}}, "has no stars to learn from"),
        ({"network": {"width": 0}}, "network: width must be a whole number above zero"),
        ({"init": "flow"}, "init must be empty for a network of points"),
        ({"data": "nowhere.h5"}, "no file of clouds at nowhere.h5"),
        ({"drop_source": 0.1}, "drop_source must be 0 for a network of points"),
    ],
)
def test_wrong_recipes_are_one_sentence(config, changes, words):
    with pytest.raises(ValueError, match=words) as caught:
        trainer_of(FitConfig(name="a", title="A", family="flow", points={"num_points": 2}))(
            config(**changes), device="cpu"
        )
    assert isinstance(caught.value, ConfigError) or "no file" in words
