"""The one command from nothing to a scored checkpoint, and where it goes on."""

import argparse
import json

import numpy as np
import pytest

from data.build import MapOptions
from data.dataset import MapDataset
from data.domains import DOMAINS
from data.store import MapStore, Record
from engine.checkpoint import read_card
from engine.evaluation import Evaluation
from train.__main__ import main
from train.ship import stages

RECIPE = """{name: tiny, title: Tiny, family: flow, default_steps: 2, batch_size: 8, threads: 1,
network: {widths: [8, 16], blocks: [1, 1], patch: 2}, steps: 2}"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return path


def options(tmp_path, recipe):
    return argparse.Namespace(
        config=str(recipe), data=str(tmp_path / "new" / "maps"), output=str(tmp_path / "run"),
        init=None, normalization=None, steps=3, max_seconds=None, threads=None, device="cpu",
        compile=None, galaxies=9, rotations=2, grid_size=16, workers=1, hold_out=4, samples=2,
        dry_run=False,
    )  # fmt: skip


def test_a_dry_run_names_all_stages_and_makes_nothing(tmp_path, recipe, capsys):
    words = ["--config", str(recipe), "--data", str(tmp_path / "new" / "maps"), "--output"]
    assert main(["ship", *words, str(tmp_path / "run"), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    commands = [" ".join(line.split()[2:4]) for line in lines]
    assert commands == ["data build", "train fit", "train evaluate"]
    assert [path.name for path in tmp_path.iterdir()] == [recipe.name]


def test_each_stage_is_chosen_by_what_is_there(tmp_path, recipe):
    asked = options(tmp_path, recipe)
    run, checkpoint = tmp_path / "run", tmp_path / "run" / "checkpoint"
    commands = stages(asked)
    package, words = next(commands)
    assert (package, words[:4]) == ("data", ["build", asked.data, "--synthetic", "0:9"])
    assert (tmp_path / "new").is_dir()
    package, words = next(commands)
    assert (package, words[0]) == ("train", "fit")
    assert words[-4:] == ["--steps", "3", "--device", "cpu"]
    assert list(commands) == []  # Training was stopped: there is nothing to score.

    run.mkdir()
    (run / "state.pt").touch()
    assert [words[-1] for _, words in stages(asked)][1] == "--resume"

    checkpoint.mkdir()
    card = {"name": "tiny", "family": "flow", "network": {}, "process": {}, "domains": [],
            "grid_size": 16, "normalization": {}}  # fmt: skip
    (checkpoint / "card.json").write_text(json.dumps(card))
    commands = [words for _, words in stages(asked)]
    assert [words[0] for words in commands] == ["build", "evaluate"]
    assert commands[1][-2:] == ["--device", "cpu"]
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    (checkpoint / "evaluation.h5").write_bytes(b"not an evaluation")
    assert [words[0] for _, words in stages(asked)] == ["build", "evaluate"]


def test_ship_trains_scores_and_is_done(tmp_path, recipe, capsys):
    with MapStore.create(tmp_path / "maps", MapOptions(16, 2).layout()) as store:
        rng = np.random.default_rng(0)
        store.add([
            Record(
                f"synthetic-{seed:06d}", "spiral", 0.0, 50.0, index, np.eye(3),
                {name: rng.uniform(1e6, 1e7, (16, 16)) for name in DOMAINS},
            )
            for seed in range(10) for index in range(2)
        ])  # fmt: skip
    arguments = ["ship", "--config", str(recipe), "--data", str(tmp_path / "maps"),
                 "--output", str(tmp_path / "run"), "--device", "cpu", "--galaxies", "10",
                 "--rotations", "2", "--grid-size", "16", "--workers", "1", "--hold-out", "1",
                 "--samples", "2"]  # fmt: skip
    assert main(arguments) == 0
    card = read_card(tmp_path / "run" / "checkpoint")
    assert card["training"]["map_stacks"] == len(MapDataset(tmp_path / "maps", "train"))
    evaluation = Evaluation.read(tmp_path / "run" / "checkpoint" / "evaluation.h5")
    assert (len(evaluation.galaxies), len(evaluation.pairs)) == (1, 42)
    # The maps were there, and now all is: nothing is left to do.
    assert "0 map stacks added, 20 in all" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "python -m train" not in capsys.readouterr().err
    # Other weights want an evaluation of their own.
    with (tmp_path / "run" / "checkpoint" / "model.safetensors").open("ab") as file:
        file.write(b" ")
    given = argparse.Namespace(**{
        **vars(options(tmp_path, recipe)), "data": str(tmp_path / "maps"), "galaxies": 10,
    })  # fmt: skip
    assert [words[0] for _, words in stages(given)] == ["build", "evaluate"]
