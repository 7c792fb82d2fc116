"""Warm starts: what fits is taken exactly, embeddings by domain, and too little is refused."""

from dataclasses import replace

import pytest
import torch

from data.normalize import DEFAULT, Normalization
from engine.checkpoint import load_checkpoint, read_card, save_checkpoint, write_card
from engine.networks.unet import UNet, UNetConfig
from train.__main__ import main
from train.config import ConfigError
from train.loop import fit
from train.normalization import require_like_constants
from train.trainer import Trainer
from train.warm_start import best_scale, warm_start

SIZE = {"widths": (8, 16), "blocks": (1, 1), "patch": 2}


@pytest.fixture
def trained(config, tmp_path):
    """The checkpoint of a short run."""
    return fit(config(output=str(tmp_path / "first")), device="cpu")


def test_the_same_family_starts_from_all_weights_and_says_so(config, trained, capsys):
    settings = config(init=str(trained))
    trainer = Trainer(settings, device="cpu")
    trainer.warm_start()
    network = load_checkpoint(trained)[0]
    for name, value in network.named_parameters():
        assert torch.equal(trainer.network.get_parameter(name), value)
        assert torch.equal(trainer.average[name], value)
    size = sum(p.numel() for p in network.parameters())
    said = f"starting from small (ddpm, 12 steps on maps): {size:,} of {size:,} parameters"
    assert said in capsys.readouterr().err


def test_the_card_says_where_a_run_started_also_after_a_resume(config, trained, tmp_path):
    settings = config(init=str(trained))
    first = Trainer(settings, device="cpu")
    first.warm_start()
    first.train_step()
    first.save()
    (trained / "model.safetensors").unlink()  # A run that has begun needs it no more.
    training = read_card(fit(settings, resume=True, device="cpu"))["training"]
    assert training["init"]["name"] == "small"
    assert training["init"]["data"] == "maps"
    assert training["init"]["steps"] == 12
    assert training["init"]["parameters_taken"] == training["init"]["parameters"]
    assert str(tmp_path) not in str(training)


def test_weights_go_on_with_the_constants_that_they_were_trained_with(config, tmp_path):
    stored = fit(config(normalization="store", output=str(tmp_path / "stored")), device="cpu")
    with pytest.raises(ConfigError, match="were normalized otherwise; set normalization: init"):
        Trainer(config(init=str(stored)), device="cpu").warm_start()
    trainer = Trainer(config(init=str(stored), normalization="init"), device="cpu")
    trainer.warm_start()
    assert trainer.card["normalization"] == read_card(stored)["normalization"]
    with pytest.raises(ConfigError, match="normalization: init needs a checkpoint"):
        config(normalization="init")


def test_constants_need_be_alike_only_where_weights_and_maps_meet(tmp_path):
    checkpoint_of(tmp_path, ["gas", "hi"])  # The card of one that knows no others.
    card = read_card(tmp_path)

    def start(domain, **changes):
        shown = Normalization({**DEFAULT.scales, domain: replace(DEFAULT[domain], **changes)})
        require_like_constants(tmp_path, ["gas", "stars"], shown)

    write_card(tmp_path, {**card, "normalization": DEFAULT.to_json()})
    width = DEFAULT["gas"].scale_dex
    start("gas")
    start("gas", scale_dex=1.003 * width)
    start("hi", scale_dex=2.0)
    start("stars", scale_dex=2.0)
    for changes in (
        {"scale_dex": 1.03 * width}, {"floor": 7.0},
        {"center_dex": DEFAULT["gas"].center_dex + 0.03 * width},
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=r"^init: other was trained on maps of gas that were"):
            start("gas", **changes)


def test_another_family_starts_with_its_own_sign_and_scale(config, tmp_path):
    """The target of EDM is -v: a network of v gives EDM's best output, but for the times."""
    long = fit(config(steps=60, learning_rate=4e-3, output=str(tmp_path / "long")), device="cpu")
    trainer = Trainer(config(family="edm", init=str(long)), device="cpu")
    trainer.warm_start()
    scale = trainer.init["output_scale"]
    assert scale < -0.3
    network = load_checkpoint(long)[0]
    for name, value in network.named_parameters():
        factor = scale if name.startswith("refine.2.") else 1.0
        torch.testing.assert_close(trainer.network.get_parameter(name), factor * value, rtol=2e-4,
                                   atol=1e-7)  # fmt: skip
        assert torch.equal(trainer.average[name], trainer.network.get_parameter(name))
    scaled = trainer.validate()
    trainer.average.update(dict(network.named_parameters()))
    assert scaled < 0.5 * trainer.validate()


def test_the_best_scale_is_the_least_square():
    x, y = torch.randn(2, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = best_scale(lambda scale: float((scale * x - y).square().mean()))
    assert found == pytest.approx(float(x @ y / (x @ x)))
    assert best_scale(lambda scale: 3.0) == 1.0  # As of a network that gives zero.
    assert best_scale(lambda scale: abs(scale - 1.0)) == 1.0


def test_a_warm_start_is_ahead_of_a_cold_one(config, tmp_path):
    long = config(steps=60, learning_rate=4e-3, output=str(tmp_path / "long"))
    warm = Trainer(config(family="flow", init=str(fit(long, device="cpu"))), device="cpu")
    cold = warm.validate()
    warm.warm_start()
    assert warm.validate() < 0.8 * cold


def checkpoint_of(folder, domains, *, rows=None, **changes):
    """A checkpoint whose embeddings of the n-th domain hold n + 1 everywhere."""
    fields = {**SIZE, "num_domains": rows or len(domains), **changes}
    network = UNet(UNetConfig(**fields))
    with torch.no_grad():
        for module in (network.source, network.target):
            module.weight.copy_(torch.arange(1.0, len(module.weight) + 1)[:, None])
    card = {
        "name": "other", "family": "ddpm", "process": {}, "grid_size": 16, "normalization": {},
        "domains": list(domains), "network": fields,
    }  # fmt: skip
    save_checkpoint(folder, dict(network.named_parameters()), card)
    return network


def test_embeddings_go_by_the_name_of_the_domain(tmp_path):
    checkpoint_of(tmp_path, ["stars", "gas", "hi"])
    network = UNet(UNetConfig(**SIZE, num_domains=4))
    before = network.source.weight.detach().clone()
    warm_start(network, ["gas", "temperature", "stars", "hi"], tmp_path)
    rows = network.source.weight.detach()
    assert [float(rows[i, 0]) for i in (0, 2, 3)] == [2.0, 1.0, 3.0]
    assert torch.equal(rows[1], before[1])


def test_the_count_is_what_was_copied(tmp_path):
    other = checkpoint_of(tmp_path, ["stars", "gas"], channels_in=1)
    network = UNet(UNetConfig(**SIZE, num_domains=2))
    result, _ = warm_start(network, ["stars", "hi"], tmp_path)
    sizes = {name: p.numel() for name, p in network.named_parameters()}
    # The first convolutions see another number of maps, and one embedding of two has no like.
    lost = sizes["enter.weight"] + sizes["refine.0.weight"]
    lost += (sizes["source.weight"] + sizes["target.weight"]) // 2
    assert result["parameters_taken"] == sum(sizes.values()) - lost
    assert torch.equal(network.enter.bias, other.enter.bias.half().float())


WRONG = {
    "nowhere": ({}, "no checkpoint called 'nowhere'"),
    "widths": ({"widths": (32, 32)}, r"fits [\d,]+ of [\d,]+ parameters, less than half"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_one_sentence(kind, tmp_path):
    changes, words = WRONG[kind]
    checkpoint_of(tmp_path / "there", ["gas", "hi"], **changes)
    network = UNet(UNetConfig(**SIZE, num_domains=2))
    init = "nowhere" if kind == "nowhere" else tmp_path / "there"
    with pytest.raises(ConfigError, match=f"^init: .*{words}") as caught:
        warm_start(network, ["gas", "hi"], init)
    assert "\n" not in str(caught.value)


def test_the_command_line_takes_init(store, tmp_path, trained, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "{name: tuned, title: Tuned, family: ddpm, batch_size: 4, normalization: store, "
        "network: {widths: [8, 16], blocks: [1, 1], patch: 2}}"
    )
    arguments = ["fit", "--config", str(recipe), "--data", str(store), "--steps", "2"]
    arguments += ["--output", str(tmp_path / "tuned"), "--device", "cpu", "--init", str(trained)]
    assert main(arguments) == 2
    assert "set normalization: init, or --normalization init" in capsys.readouterr().err
    assert main([*arguments, "--normalization", "init"]) == 0
    assert read_card(tmp_path / "tuned" / "checkpoint")["training"]["init"]["name"] == "small"
    assert "starting from small" in capsys.readouterr().err
