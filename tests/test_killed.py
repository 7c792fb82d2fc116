"""Commands that are killed again and again end in what they would have made undisturbed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
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
from killing import kill_at

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

result = {}
whole, often = map(Path, sys.argv[3:5])
for work in (fit, evaluate, export):
    def run(folder):
        assert work(folder) == 0
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


def environment():
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


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


@pytest.fixture(scope="module")
def killed(maps, tmp_path_factory):
    """Folders of what came undisturbed and of what was killed often, and how often it was."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "recipe.yaml").write_text(RECIPE)
    places = folder / "whole", folder / "often"
    for place in places:
        place.mkdir()
    words = [sys.executable, "-c", SCRIPT, maps, folder / "recipe.yaml", *places]
    done = subprocess.run(words, cwd=ROOT, env=environment(), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return *places, json.loads(done.stdout.splitlines()[-1])


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
@pytest.mark.timeout(1800)
def test_twenty_kills_at_random_moments_change_nothing(maps, tmp_path):
    """As `kill -9` from outside, of the command as anybody starts it."""
    recipe, rng, kills = tmp_path / "recipe.yaml", random.Random(0), 0
    recipe.write_text(RECIPE)
    words = [sys.executable, "-m", "train", "fit", "--config", recipe, "--data", maps, "--output"]

    def start(folder):
        resume = ["--resume"] * (folder / "state.pt").exists()
        return subprocess.Popen([*words, folder, *resume], cwd=ROOT, env=environment())

    begun = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    took = time.monotonic() - begun
    while True:
        process = start(tmp_path / "run")
        try:
            # Late moments are the likelier ones, for most of the time Python imports.
            process.wait(took * rng.random() ** 0.3 if kills < 20 else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        assert process.returncode == 0
        assert_same_run(tmp_path / "whole", tmp_path / "run")
        assert leftovers(tmp_path) == []
        if kills == 20:
            break
        shutil.rmtree(tmp_path / "run")  # at its end too early: once more


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
