"""Configurations: the shipped ones build, wrong ones are refused in one sentence."""

from pathlib import Path

import pytest
import torch
import yaml

from engine.checkpoint import build
from engine.points.checkpoint import build_points
from engine.processes import PROCESSES
from train.config import ConfigError, FitConfig, load_config

CONFIGS = sorted((Path(__file__).parents[2] / "train" / "configs").rglob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_shipped_configuration_builds_a_network_that_fits_the_repository(path):
    config = load_config(path)
    assert config.name == path.stem
    if config.points:
        fields = {"name": config.name, "family": config.family, "process": config.process}
        network, _ = build_points({**fields, "network": config.network})
        assert 2 * sum(p.numel() for p in network.parameters()) < 16 * 2**20
        return
    channels = 1 if config.family == "pix2pix" else 2
    card = {"name": config.name, "family": config.family, "process": config.process}
    network, process = build({**card, "network": {"channels_in": channels, **config.network}})
    assert 64 % network.multiple == 0
    assert process.is_iterative == (config.default_steps > 1)
    assert 2 * sum(p.numel() for p in network.parameters()) < 16 * 2**20


def test_the_command_line_overrides_the_file():
    config = load_config(CONFIGS[0], steps=7, data=None)
    assert config.steps == 7
    assert config.data == load_config(CONFIGS[0]).data


@pytest.mark.parametrize("family", PROCESSES)
def test_the_source_is_dropped_where_the_path_does_not_run_through_it(family):
    config = FitConfig("a", "A", family)
    assert config.drop_source == (0.0 if family in ("indi", "pix2pix") else 0.1)
    path = PROCESSES[family]().path(torch.linspace(0, 1, 11, dtype=torch.float64))
    assert bool(path[1].any()) == PROCESSES[family].needs_source


WRONG = {
    "unknown key": ({"lerning_rate": 1.0}, "unknown keys: lerning_rate"),
    "zero steps": ({"steps": 0}, "steps must be a whole number from 1, got 0"),
    "half a map": ({"batch_size": 2.5}, "batch_size must be a whole number from 1, got 2.5"),
    "a share of more than all": ({"focus_share": 2}, "focus_share must be a number from 0 to 1"),
    "no number": ({"weight_decay": float("nan")}, "weight_decay must be a number from 0, got nan"),
    "time a word": ({"max_seconds": "600"}, "max_seconds must be a number from 0, got '600'"),
    "YAML's 1e-3": ({"learning_rate": "1e-3"}, "write 1.0e-3"),
    "precision": ({"precision": "half"}, "float32 or bfloat16, got 'half'"),
    "schedule": ({"schedule": "step"}, "cosine or constant, got 'step'"),
    "init": ({"init": 3}, "init must be the name or folder of a checkpoint, got 3"),
    "sampler": ({"default_sampler": "euler"}, "default_sampler must be one of ddim.*'euler'"),
    "normalization": ({"normalization": "mean"}, "default or store or init, got 'mean'"),
    "all sources dropped": ({"drop_source": 1.0}, "drop_source must be a share .* got 1.0"),
    "share a word": ({"drop_source": "tenth"}, "drop_source must be a share .* got 'tenth'"),
    "nothing but the source": (
        {"family": "indi", "drop_source": 0.1},
        "drop_source must be 0 for indi, whose path starts at the source, got 0.1",
    ),
    "network": ({"network": 3}, "network must hold keys and values, got 3"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_values_are_one_sentence(kind, tmp_path):
    changes, words = WRONG[kind]
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump({"name": "a", "title": "A", "family": "ddpm", **changes}))
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\ntitle: A\n", "lacks family"),
        ("- a\n", "mapping"),
        ("a: [1", "YAML"),
        (None, "no such"),
    ],
)
def test_wrong_files_are_refused(text, words, tmp_path):
    path = tmp_path / "wrong.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert "\n" not in str(caught.value)
