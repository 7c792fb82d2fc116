"""The dry run: it says what would be done, and does nothing."""

import pytest
import torch
import yaml
from torch import nn
from torch._dynamo.utils import counters

from train.__main__ import main
from train.config import FitConfig
from train.plan import describe, memory_of, saved_bytes
from train.trainer import Trainer


def test_the_command_prints_a_recipe_and_writes_nothing(store, tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "{name: planned, title: Planned, family: pix2pix, batch_size: 4, "
        "process: {gan_loss: hinge}, network: {widths: [8, 16], blocks: [1, 1], patch: 2}}"
    )
    arguments = ["fit", "--config", str(recipe), "--data", str(store), "--steps", "50"]
    arguments += ["--output", str(tmp_path / "run"), "--device", "cpu", "--dry-run"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    config = FitConfig(**yaml.safe_load(said))  # It is a recipe of the same run.
    assert config.steps == 50
    assert config.process["gan_loss"] == "hinge"
    assert config.process["discriminator_width"] == 32
    assert config.network["num_domains"] == 7
    trainer = Trainer(config, device="cpu")
    size = sum(p.numel() for p in trainer.network.parameters())
    beside = sum(p.numel() for p in trainer.objective.auxiliary.parameters())
    assert f"# parameters: {size:,}, and {beside:,} of the discriminator" in said
    assert f"# map stacks: {trainer.counts['map_stacks']} for training" in said
    assert "# steps: 50 of 4 pairs" in said


def test_saved_bytes_are_those_the_backward_pass_needs():
    layer = nn.Linear(10, 20)
    x = torch.randn(5, 10, requires_grad=True)
    weights = list(layer.parameters())
    # The layer keeps its input and its weights, which do not count here; tanh keeps its output.
    assert saved_bytes(lambda: layer(x).tanh(), weights) == 4 * (5 * 10 + 5 * 20)
    assert saved_bytes(lambda: layer(x).tanh(), []) == 4 * (5 * 10 + 5 * 20 + 10 * 20)
    assert saved_bytes(lambda: layer(x) + layer(x), weights) == 4 * 5 * 10  # The input counts once.
    assert saved_bytes(lambda: x.detach().tanh(), weights) == 0


def test_memory_counts_maps_and_states_exactly_and_grows_with_the_batch(config):
    small, large = (memory_of(Trainer(config(batch_size=n), device="cpu")) for n in (8, 16))
    trainer = Trainer(config(), device="cpu")
    stacks = sum(len(maps.maps) for maps in trainer.sets.values())
    assert small["maps"] == 4 * stacks * 7 * 16 * 16
    size = sum(p.numel() for p in trainer.network.parameters())
    count = sum(1 for _ in trainer.network.parameters())
    # Weights, gradients, average, two moments; a step counter each.
    assert small["weights"] == 4 * (5 * size + count)
    batch = trainer.samplers["train"].draw(8)
    measured = saved_bytes(
        lambda: trainer.objective.diffusion_loss(batch, trainer.generator),
        trainer.network.parameters(),
    )
    assert small["activations"] == pytest.approx(measured, rel=0.15)
    assert large["activations"] > 1.8 * small["activations"]


def test_a_dry_run_does_not_compile(config):
    counters.clear()
    plain, compiled = (memory_of(Trainer(config(compile=c), device="cpu")) for c in (False, True))
    assert plain == compiled
    assert not counters["frames"]


def test_precision_halves_activations(config):
    sizes = [
        memory_of(Trainer(config(precision=p), device="cpu"))["activations"]
        for p in ("bfloat16", "float32")
    ]
    assert sizes[0] < 0.75 * sizes[1]


def test_a_description_is_of_one_line_a_fact(config):
    comments = [c for c in describe(Trainer(config(), device="cpu")).splitlines() if c[0] == "#"]
    assert [c.split(":")[0] for c in comments] == [
        "# parameters", "# map stacks", "# steps", "# memory",
    ]  # fmt: skip
