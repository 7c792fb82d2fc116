"""Commands that are killed again and again end in what they would have made undisturbed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data.domains import DOMAINS
from data.store import Layout, MapStore, Record
from engine.checkpoint import read_card
from engine.evaluation import Evaluation
from train.logs import read_log

ROOT = Path(__file__).parents[1]
STEPS = 8
RECIPE = f"""\
name: small
title: Small
family: ddpm
steps: {STEPS}
batch_size: 8
network: {{widths: [8, 16], blocks: [1, 1], patch: 2, dropout: 0.2}}
default_steps: 2
log_every: 1
validate_every: 4
save_every_s: 0.0
threads: 1
"""
# Runs the commands in forks of a process that has everything imported, and computed nothing.
SCRIPT = """
import json, sys
from itertools import count
from pathlib import Path
import matplotlib.backends.backend_agg, torch._dynamo, torch.utils.tensorboard, torchmetrics
import explorer.export.images, explorer.figures, explorer.library, explorer.translation
import data.sources, engine.metrics.mass, train.evaluate, train.loop
import explorer.__main__, train.__main__
from killing import kill_after, kill_at

train.evaluate._SAVE_SECONDS = 0.0
maps, recipe = sys.argv[1:3]

def fit(folder):
    words = ["fit", "--config", recipe, "--data", maps, "--output", str(folder / "run")]
    resume = ["--resume"] * (folder / "run" / "state.pt").exists()
    return train.__main__.main([*words, *resume])

def evaluate(folder):
    return train.__main__.main([
        "evaluate", "--checkpoint", str(folder / "run" / "checkpoint"), "--data", maps,
        "--galaxies", "3", "--samples", "2", "--focus-samples", "2", "--focus-only",
        "--threads", "1", "--output", str(folder / "small.h5"),
    ])

def export(folder):
    return explorer.__main__.main([
        "export", "--store", maps, "--galaxy", "toy-3", "--translator",
        str(whole / "run" / "checkpoint"), "--output", str(folder / "figure.png"),
    ])

def run(folder):
    assert work(folder) == 0

whole, often = map(Path, sys.argv[3:5])
"""
AT_TOUCHES = """
result = {}
for work in (fit, evaluate, export):
    assert not kill_at(lambda: run(whole), whole, 10**9)
    kills = 0
    # Every time a little later, so that what a run needs to begin does not keep it from its end.
    for touch in count(2, 7):
        if not kill_at(lambda: run(often), often, touch):
            break
        kills += 1
    result[work.__name__] = kills
print(json.dumps(result))
"""
# At moments that are spread over a run, until there were twenty of them.
AT_MOMENTS = """
import random, shutil, time
work, rng, kills = fit, random.Random(0), 0
begun = time.monotonic()
assert not kill_at(lambda: run(whole), whole, 10**9)
took = time.monotonic() - begun
while True:
    if kill_after(lambda: run(often), took * rng.random() if kills < 20 else 1e9):
        kills += 1
    elif kills == 20:
        break
    else:
        shutil.rmtree(often / "run")  # at its end too early: once more
print(kills)
"""


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Forty galaxies of 16 x 16 pixels."""
    path, rng = tmp_path_factory.mktemp("store") / "maps", np.random.default_rng(0)
    with MapStore.create(path, Layout(tuple(DOMAINS), 16)) as store:
        store.add([
            Record(f"toy-{number}", "spiral", 0.0, 50.0, 0, np.eye(3), {
                name: 10 ** (d.center_dex + d.scale_dex * rng.normal(size=(16, 16)))
                for name, d in DOMAINS.items()
            })
            for number in range(40)
        ])  # fmt: skip
    return path


def run(script, maps, folder):
    """Run a script; return the folders of what came undisturbed and of the rest, and its words."""
    (folder / "recipe.yaml").write_text(RECIPE)
    places = folder / "whole", folder / "often"
    for place in places:
        place.mkdir()
    words = [sys.executable, "-c", SCRIPT + script, maps, folder / "recipe.yaml", *places]
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return *places, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def killed(maps, tmp_path_factory):
    """Both folders, and how often each command was killed."""
    return run(AT_TOUCHES, maps, tmp_path_factory.mktemp("killed"))


def flat(tree):
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree, key=str) for leaf in flat(tree[key])]
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in flat(item)]
    return [tree.numpy().tobytes() if isinstance(tree, torch.Tensor) else tree]


def assert_same_run(one, two):
    """Compare all that two runs left, but for the time that they took and where they lie."""
    states = [torch.load(run / "state.pt", weights_only=True) for run in (one, two)]
    for state in states:
        del state["seconds"], state["config"]["output"]
    assert flat(states[0]) == flat(states[1])
    weights = [(run / "checkpoint" / "model.safetensors").read_bytes() for run in (one, two)]
    assert weights[0] == weights[1]
    cards = [read_card(run / "checkpoint") for run in (one, two)]
    for card in cards:
        del card["training"]["seconds"]
    assert cards[0] == cards[1]
    rows = [[(row[0], *row[2:]) for row in read_log(run / "log.csv")] for run in (one, two)]
    assert rows[0] == rows[1]
    assert [row[0] for row in rows[0] if row[1] == "loss"] == [f"{n + 1}" for n in range(STEPS)]


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(maps, tmp_path):
    whole, often, kills = run(AT_MOMENTS, maps, tmp_path)
    assert kills == 20
    assert_same_run(whole / "run", often / "run")
    assert leftovers(often) == []


def leftovers(folder):
    return [path for path in folder.rglob("*") if "partial" in path.name]


def test_a_killed_training_ends_as_if_undisturbed(killed):
    whole, often, kills = killed
    assert kills["fit"] >= 3
    assert_same_run(whole / "run", often / "run")
    assert leftovers(often / "run") == []


def test_a_killed_evaluation_ends_as_if_undisturbed(killed):
    whole, often, kills = killed
    assert kills["evaluate"] >= 3
    one, two = (Evaluation.read(folder / "small.h5") for folder in (whole, often))
    for name, values in one.arrays.items():
        assert values.tobytes() == two.arrays[name].tobytes(), name
    assert one.maps == two.maps
    assert leftovers(often) == []


def test_a_killed_export_is_whole_or_not_there(killed):
    whole, often, kills = killed
    assert kills["export"] >= 1
    assert (whole / "figure.png").read_bytes() == (often / "figure.png").read_bytes()
    assert leftovers(often) == []
