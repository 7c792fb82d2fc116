"""Runs: they learn, stop, resume exactly and lose nothing."""

import csv
import math
import os
import signal

import numpy as np
import pytest
import torch

from data.domains import DOMAINS
from data.normalize import DEFAULT
from data.statistics import store_normalization
from data.store import MapStore
from engine.checkpoint import load_checkpoint, read_card, write_card
from engine.processes import PROCESSES
from engine.translator import Translator
from train.config import ConfigError
from train.loop import fit
from train.trainer import Trainer

DIM = {
    "family": "ddpm",
    "network": {"kind": "dim", "width": 16, "depth": 2, "patch": 4, "state": 4, "head_width": 8},
}


def weights(folder):
    return torch.load(folder / "state.pt", weights_only=True)


def flat(tree):
    if isinstance(tree, dict):
        return [t for key in sorted(tree, key=str) for t in flat(tree[key])]
    if isinstance(tree, list | tuple):
        return [t for item in tree for t in flat(item)]
    return [tree] if isinstance(tree, torch.Tensor) else []


VARIANTS = {
    "dim": DIM,
    "dropout": {"network": {"widths": [8, 16], "blocks": [1, 1], "patch": 2, "dropout": 0.3}},
    "lsgan": {"family": "pix2pix", "process": {"gan_loss": "lsgan"}},
    "hinge": {"family": "pix2pix", "process": {"gan_loss": "hinge"}},
    "l1": {"family": "pix2pix", "process": {"adversarial_weight": 0.0}},
}


@pytest.mark.parametrize(
    "changes",
    [*({"family": f} for f in PROCESSES), *VARIANTS.values()],
    ids=[*PROCESSES, *VARIANTS],
)
def test_a_resumed_run_is_the_uninterrupted_one(config, tmp_path, changes):
    whole = tmp_path / "whole"
    fit(config(**changes, output=str(whole)), device="cpu")
    parts = config(**changes, output=str(tmp_path / "parts"))
    first = Trainer(parts, device="cpu")
    for _ in range(7):
        first.train_step()
    first.save()
    fit(parts, resume=True, device="cpu")
    a, b = (weights(folder) for folder in (whole, tmp_path / "parts"))
    assert a["step"] == b["step"] == 12
    for key in ("network", "average", "auxiliary", "optimizers", "generator"):
        left, right = flat(a[key]), flat(b[key])
        assert len(left) == len(right)
        assert all(torch.equal(x, y) for x, y in zip(left, right, strict=True)), key


LEARNERS = ("ddpm", "pix2pix", "indi", "flow", "crps")


@pytest.mark.parametrize(
    "changes", [*({"family": f} for f in LEARNERS), DIM], ids=[*LEARNERS, "dim"]
)
def test_a_run_learns_and_ends_in_a_translator(config, changes):
    settings = config(**changes, steps=200, learning_rate=4e-3, validate_every=100)
    trainer = Trainer(settings, device="cpu")
    before = trainer.validate()
    folder = fit(settings, device="cpu")
    card = load_checkpoint(folder)[2]
    after = card["training"]["validation_loss"]
    assert after < 0.75 * before
    assert card["training"]["steps"] == 200
    assert card["network"]["kind"] == changes.get("network", {}).get("kind", "unet")
    assert card["parameters"] == sum(p.numel() for p in trainer.network.parameters())
    maps = np.full((16, 16), 10**6.3)
    result = Translator.load(folder).translate(maps, "gas", "hi")
    assert result.shape == (1, 16, 16)
    assert np.isfinite(result).all()


def test_a_run_from_some_sources_ends_in_a_translator_of_those(config):
    trainer = Trainer(config(sources=["hi"], steps=2), device="cpu")
    shown = trainer.pictures()
    assert shown
    assert all(name.startswith("samples/hi -> ") for name in shown)
    folder = fit(config(sources=["hi"], steps=2), device="cpu")
    assert Translator.load(folder).sources == ("hi",)
    assert "sources" not in read_card(fit(config(output=str(folder.parent / "all"), steps=2)))


def test_the_average_follows_parameters_with_its_half_life(config):
    trainer = Trainer(config(ema_half_life=0.5), device="cpu")
    expected = {k: v.detach().clone() for k, v in trainer.network.named_parameters()}
    for step in range(1, 6):
        trainer.train_step()
        decay = 0.5 ** (1 / max(1.0, 0.5 * step))
        for name, value in trainer.network.named_parameters():
            expected[name] = decay * expected[name] + (1 - decay) * value.detach()
    for name, value in trainer.average.items():
        torch.testing.assert_close(value, expected[name])


def test_learning_rate_rises_and_falls_to_zero_or_stays(config):
    trainer = Trainer(config(steps=100, warmup_steps=10, learning_rate=1.0), device="cpu")
    rates = []
    for trainer.step in range(101):
        rates.append(trainer.learning_rate())
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0, abs=1e-12)
    assert max(rates) == rates[9]
    trainer.config = config(steps=100, warmup_steps=10, learning_rate=1.0, schedule="constant")
    for trainer.step, rate in ((0, 0.1), (9, 1.0), (99, 1.0)):
        assert trainer.learning_rate() == pytest.approx(rate)
    trainer.step, trainer.config = 0, config(max_seconds=10.0, warmup_steps=0, learning_rate=1.0)
    trainer.seconds = 5.0
    assert trainer.learning_rate() == pytest.approx(0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_run_is_the_plain_one(config):
    network = {"widths": [8], "blocks": [1], "patch": 2}
    losses = []
    for compiled in (True, False):
        trainer = Trainer(config(compile=compiled, network=network, log_every=1), device="cpu")
        losses.append([trainer.train_step()["loss"] for _ in range(4)] + [trainer.validate()])
        assert list(trainer.network.state_dict()) == list(trainer.average)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_sigterm_saves_and_stops(config, tmp_path, monkeypatch):
    settings = config(steps=1000)
    step = Trainer.train_step

    def stopping(self):
        if self.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self)

    monkeypatch.setattr(Trainer, "train_step", stopping)
    handler = signal.getsignal(signal.SIGTERM)
    fit(settings, device="cpu")
    assert signal.getsignal(signal.SIGTERM) is handler
    assert weights(tmp_path / "run")["step"] == 5
    assert not (tmp_path / "run" / "checkpoint").exists()


def test_the_log_has_each_step_once_after_a_resume(config, tmp_path):
    settings = config()
    first = Trainer(settings, device="cpu")
    for _ in range(4):
        first.train_step()
    first.save()
    (tmp_path / "run" / "log.csv").write_text("step,seconds,name,value\n3,1.0,loss,1.0\n6,2.0,lo")
    with (tmp_path / "run" / "log.csv").open("a") as file:
        file.write("ss,1.0\n9,3")
    fit(settings, resume=True, device="cpu")
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows if r["name"] == "loss"] == [3, 6, 9, 12]
    assert [int(r["step"]) for r in rows if r["name"] == "validation"] == [6, 12]
    assert list((tmp_path / "run").glob("events.out.tfevents.*"))


def test_a_run_is_never_overwritten(config, tmp_path):
    fit(config(), device="cpu")
    before = (tmp_path / "run" / "state.pt").read_bytes()
    with pytest.raises(ConfigError, match="holds a run"):
        fit(config(), device="cpu")
    assert (tmp_path / "run" / "state.pt").read_bytes() == before


def test_a_run_that_has_ended_keeps_its_card_when_resumed(config):
    folder = fit(config(), device="cpu")
    card = {**read_card(folder), "note": "by hand"}
    write_card(folder, card)
    assert fit(config(), resume=True, device="cpu") == folder
    assert read_card(folder) == card
    longer = fit(config(steps=15), resume=True, device="cpu")
    assert "note" not in read_card(longer)
    assert read_card(longer)["training"]["steps"] == 15


def test_bad_resumes_are_one_sentence(config, tmp_path):
    with pytest.raises(ConfigError, match="nothing to resume"):
        fit(config(), resume=True, device="cpu")
    fit(config(), device="cpu")
    other = config(network={"widths": [8, 24], "blocks": [1, 1], "patch": 2})
    with pytest.raises(ConfigError, match="another network") as caught:
        fit(other, resume=True, device="cpu")
    assert "\n" not in str(caught.value)
    for changes in ({"family": "edm"}, {"process": {"time_power": 2.0}}):
        with pytest.raises(ConfigError, match=r"the state of another process, DDPM\("):
            fit(config(**changes), resume=True, device="cpu")
    state = tmp_path / "run" / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="damaged"):
        fit(config(), resume=True, device="cpu")


def test_a_run_normalized_by_its_store_carries_the_constants(config, store, tmp_path):
    with MapStore.open(store) as maps:
        found = store_normalization(maps)
        gas = maps.read(maps.select(split="test"), ["gas"])[0, 0]
    settings = config(normalization="store")
    trainer = Trainer(settings, device="cpu")
    seen = trainer.samplers["train"].maps[:, list(DOMAINS).index("gas")]
    assert abs(float(seen.mean())) < 1e-5
    assert float(seen.std()) == pytest.approx(1.0, rel=1e-3)
    translator = Translator.load(fit(settings, device="cpu"), device="cpu")
    carried = translator.normalization
    assert {name: carried[name] for name in found.scales} == found.scales
    assert carried != DEFAULT
    assert np.isfinite(translator.translate(gas, "gas", "hi")).all()
    with pytest.raises(ConfigError, match=r"cannot resume: .* normalized otherwise"):
        fit(config(), resume=True, device="cpu")
    fit(settings, resume=True, device="cpu")


def test_a_diverging_run_says_so(config, monkeypatch):
    monkeypatch.setattr(Trainer, "train_step", diverge)
    with pytest.raises(ConfigError, match="no longer finite at step 3"):
        fit(config(), device="cpu")


def diverge(trainer):
    trainer.step += 3
    return {"loss": math.nan}


def test_an_unknown_network_is_one_sentence(config):
    for network in (
        {"kind": "resnet"},
        {"kind": "dim", "widths": [8]},
        {"kind": "dim", "depth": 0},
    ):
        with pytest.raises(ConfigError, match=r"^network: ") as caught:
            Trainer(config(network=network), device="cpu")
        assert "\n" not in str(caught.value)


def test_maps_must_fit_the_network(config):
    with pytest.raises(ConfigError, match=r"multiples of 32.*got 16"):
        Trainer(config(network={"widths": [8, 8, 8], "blocks": [1, 1, 1], "patch": 8}))
