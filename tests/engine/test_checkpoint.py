"""Checkpoints come back as they were, and damaged ones are refused in one sentence."""

import json
import math
from dataclasses import asdict

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from data.atomic import DiskFull
from data.normalize import DEFAULT, Normalization, Scale
from engine.checkpoint import (
    CheckpointError,
    load_checkpoint,
    normalization_of,
    save_checkpoint,
)


def edit(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


def test_weights_come_back_in_half_precision_and_the_card_whole(checkpoint):
    network, process, card = load_checkpoint(checkpoint)
    stored = load_file(checkpoint / "model.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    save_checkpoint(checkpoint.parent / "again", network.state_dict(), card)
    again = load_checkpoint(checkpoint.parent / "again")
    for a, b in zip(network.parameters(), again[0].parameters(), strict=True):
        assert torch.equal(a, b)
    assert (process, card) == again[1:]


def test_nothing_is_left_aside(checkpoint):
    assert sorted(p.name for p in checkpoint.iterdir()) == ["card.json", "model.safetensors"]


def test_failed_write_keeps_the_old_checkpoint(checkpoint, monkeypatch):
    before = (checkpoint / "model.safetensors").read_bytes()

    def full_disk(weights, path):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("engine.checkpoint.save_file", full_disk)
    network, _, card = load_checkpoint(checkpoint)
    with pytest.raises(DiskFull, match=r"no room for .*model.safetensors \(No space left on dev"):
        save_checkpoint(checkpoint, network.state_dict(), card)
    assert (checkpoint / "model.safetensors").read_bytes() == before
    load_checkpoint(checkpoint)


def cut(path):
    path.write_bytes(path.read_bytes()[:99])


DAMAGE = {
    "no card": (lambda f: (f / "card.json").unlink(), "card.json is missing"),
    "card cut off": (lambda f: (f / "card.json").write_text('{"name": '), "is damaged"),
    "card not text": (lambda f: (f / "card.json").write_bytes(b"\xff\xfe\x00"), "is damaged"),
    "card a list": (lambda f: (f / "card.json").write_text("[1]"), "lacks"),
    "key missing": (lambda f: (f / "card.json").write_text('{"name": "x"}'), "lacks family"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights"),
    "weights cut off": (lambda f: cut(f / "model.safetensors"), "is damaged"),
    "empty weights": (lambda f: (f / "model.safetensors").write_bytes(b""), "is damaged"),
    "family": (lambda f: edit(f, family="gan9"), "unknown family 'gan9'"),
    "family a list": (lambda f: edit(f, family=["ddpm"]), "family in .* must be"),
    "network key": (lambda f: edit(f, network={"depth": 3}), "does not describe a network"),
    "network a number": (lambda f: edit(f, network=3), "network in .* must be"),
    "process": (lambda f: edit(f, process={"schedule": "none"}), "does not describe"),
    "other shapes": (
        lambda f: edit(f, network={"widths": [8, 24], "blocks": [1, 1]}), "do not fit",
    ),
    "domain": (lambda f: edit(f, domains=["gas", "x_rays"]), "unknown domain 'x_rays'"),
    "domains a number": (lambda f: edit(f, domains=7), "domains in .* must be"),
    "normalization": (lambda f: edit(f, normalization={}), "lacks the normalization of dark_mat"),
    "normalization of zero scale": (
        lambda f: edit(f, normalization={"hi": {"floor": 1.0, "center_dex": 0.0, "scale_dex": 0}}),
        "normalization of checkpoint ddpm: hi: .* above zero",
    ),
    "normalization infinite": (
        lambda f: edit(f, normalization={"hi": {"floor": 1.0, "center_dex": math.inf,
                                                "scale_dex": 1.0}}),
        "hi: .* must be finite numbers",
    ),
    "normalization of numbers": (
        lambda f: edit(f, normalization={"hi": 3}), "hi must hold floor, center_dex and scale_dex",
    ),
    "normalization a list": (lambda f: edit(f, normalization=[]), "normalization in .* must be"),
    "too many domains": (
        lambda f: edit(f, network={"widths": [8, 16], "blocks": [1, 1], "num_domains": 3}),
        "lists 7 domains for a network of 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_one_sentence(checkpoint, kind):
    damage, words = DAMAGE[kind]
    damage(checkpoint)
    with pytest.raises(CheckpointError, match=words) as caught:
        load_checkpoint(checkpoint)
    assert "\n" not in str(caught.value)


def test_a_card_carries_its_own_normalization(checkpoint):
    constants = {**DEFAULT.to_json(), "hi": asdict(Scale(0.1, 1 / 3, 0.7))}
    edit(checkpoint, normalization=constants)
    card = load_checkpoint(checkpoint)[2]
    assert normalization_of(card) == Normalization({**DEFAULT.scales, "hi": Scale(0.1, 1 / 3, 0.7)})
