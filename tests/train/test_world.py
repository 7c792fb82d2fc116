"""Several processes: together they do what one does with the whole batch."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from engine.checkpoint import read_card
from train.batches import PairSampler
from train.config import FOCUS, ConfigError
from train.logs import read_log
from train.trainer import Trainer
from train.world import World, place_of

HERE = Path(__file__).parent


def torchrun(*arguments):
    """Start two processes that talk through gloo."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    result = subprocess.run(
        [*command, *map(str, arguments)], cwd=HERE.parents[1], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"},
        timeout=200, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def torchrun_on_two_nodes(*arguments):
    """Start two agents, as on two machines, with a process each; return the lines they printed."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        meet = f"127.0.0.1:{own.getsockname()[1]}"
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1",
        "--rdzv-backend=c10d", "--rdzv-id=7", f"--rdzv-endpoint={meet}",
    ]  # fmt: skip
    agents = [
        subprocess.Popen(
            [*command, *map(str, arguments)], cwd=HERE.parents[1], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        said = [agent.communicate(timeout=200) for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    for agent, (_, errors) in zip(agents, said, strict=True):
        assert agent.returncode == 0, errors
    return [line for output, _ in said for line in output.splitlines()]


def test_parts_of_a_batch_make_up_the_batch():
    maps = 10.0 * torch.arange(6)[:, None] + torch.arange(7)
    maps = maps[:, :, None, None].expand(6, 7, 4, 4)
    available = torch.rand(6, 7, generator=torch.Generator().manual_seed(3)) < 0.8

    def draw(part):
        generator = torch.Generator().manual_seed(1)
        domains = ("gas", *(target for _, target in FOCUS), "other")
        return PairSampler(maps, available, domains, 0.5, generator).draw(31, part=part)

    whole, *parts = (draw(slice(first, None, step)) for first, step in ((0, 1), (0, 2), (1, 2)))
    assert len(whole.x) == sum(len(p.x) for p in parts) == 31
    for name in ("x", "y", "source", "target"):
        for first, part in enumerate(parts):
            assert torch.equal(getattr(part, name), getattr(whole, name)[first::2])
    values = torch.rand(whole.total)
    shares = [p.mean(values[p.part]) for p in parts]
    assert float(sum(shares)) == pytest.approx(float(values.mean()))


FAMILIES = {
    "ddpm": {},
    "pix2pix": {"process": {"adversarial_weight": 0.5}},
    "dropout": {"network": {"widths": [8, 16], "blocks": [1, 1], "patch": 2, "dropout": 0.3}},
}


def test_two_processes_train_as_one_with_the_doubled_batch_and_resume_exactly(config, tmp_path):
    runs = {
        name: config(**{"name": name, "family": name.replace("dropout", "ddpm"), "log_every": 1,
                        "batch_size": 16, **changes})
        for name, changes in FAMILIES.items()
    }  # fmt: skip
    fields = json.dumps([asdict(run) for run in runs.values()])
    torchrun(HERE / "two_processes.py", tmp_path, fields)
    for name, run in runs.items():
        two = json.loads((tmp_path / f"{name}.json").read_text())
        assert two["size"] == 2
        assert two["resumed_exactly"]
        if name == "dropout":  # Of which each process has masks of its own.
            continue
        one = Trainer(replace(run, output=str(tmp_path / "one")), device="cpu")
        losses = [one.train_step()["loss"] for _ in range(6)]
        assert two["losses"] == pytest.approx(losses, rel=1e-5)
        state = torch.load(tmp_path / name / "state.pt", weights_only=True)
        for key, value in one.average.items():
            torch.testing.assert_close(state["average"][key], value, rtol=1e-3, atol=1e-5)
        # And what two processes began one takes further.
        alone = Trainer(replace(run, output=str(tmp_path / name)), device="cpu")
        alone.resume()
        assert alone.train_step()["loss"] == pytest.approx(one.train_step()["loss"], rel=1e-4)


def test_each_process_needs_a_map(config):
    with pytest.raises(ConfigError, match="at least the number of processes, 3, got 2"):
        Trainer(config(batch_size=2), world=World(size=3))


@pytest.mark.parametrize("name", ["banana", "cuda:99"])
def test_a_device_that_is_not_there_is_one_sentence(name):
    with pytest.raises(ConfigError, match=f"device must be one of this machine, got '{name}'"):
        place_of(name)


def test_two_nodes_fit_and_the_first_process_alone_writes(store, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "{name: two, title: Two, family: flow, batch_size: 8, log_every: 2, validate_every: 4, "
        "sample_every: 4, network: {widths: [8, 16], blocks: [1, 1], patch: 2}}"
    )
    lines = torchrun_on_two_nodes(
        "-m", "train", "fit", "--config", recipe, "--data", store, "--output", tmp_path / "run",
        "--steps", "4", "--threads", "1", "--device", "cpu",
    )  # fmt: skip
    assert lines == [str(tmp_path / "run" / "checkpoint")]
    card = read_card(tmp_path / "run" / "checkpoint")
    assert card["training"]["processes"] == 2
    assert card["training"]["pairs_seen"] == 32
    rows = read_log(tmp_path / "run" / "log.csv")
    assert [row[0] for row in rows if row[2] == "loss"] == ["2", "4"]
    assert len(list((tmp_path / "run").glob("events.*"))) == 1
