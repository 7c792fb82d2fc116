"""What a step of training shows to the network."""

import pytest
import torch

from train.config import ConfigError
from train.trainer import Trainer


def watched(trainer):
    """Record the source indices that the network is given."""
    seen = []
    trainer.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2].clone()))
    return seen


def test_a_share_of_the_sources_is_hidden_in_training_and_none_in_validation(config):
    trainer = Trainer(config(drop_source=0.25, batch_size=64), device="cpu")
    seen = watched(trainer)
    for _ in range(20):
        trainer.train_step()
    hidden = torch.cat(seen) == 7
    # 1,280 pairs but for those without a magnetic field: the share scatters by 0.013.
    assert float(hidden.double().mean()) == pytest.approx(0.25, abs=0.06)
    assert any(batch.any() and not batch.all() for batch in hidden.split(64))
    seen.clear()
    trainer.validate()
    assert seen
    assert not (torch.cat(seen) == 7).any()


def test_the_network_learns_what_it_can_and_cannot_know_without_a_source(config):
    """The maps are white and of unit variance: of v, then, x_t alone says nothing."""
    trainer = Trainer(config(drop_source=0.2, batch_size=16, learning_rate=4e-3), device="cpu")
    trainer.config = config(steps=300, learning_rate=4e-3)
    for _ in range(300):
        trainer.train_step()
    sampler = trainer.samplers["validation"]
    sampler.generator.manual_seed(1)
    losses = {"shown": 0.0, "hidden": 0.0}
    for seed in range(4):
        batch = sampler.draw(32, augment=False)
        hidden = batch._replace(source=torch.full_like(batch.source, 7))
        for name, one in (("shown", batch), ("hidden", hidden)):
            generator = torch.Generator().manual_seed(seed)
            losses[name] += trainer.objective.validate(one, generator) / 4
    assert losses["shown"] < 0.5
    assert losses["hidden"] == pytest.approx(0.95, abs=0.12)


def test_without_dropping_there_is_no_null_source(config):
    trainer = Trainer(config(drop_source=0.0), device="cpu")
    assert trainer.card["network"]["null_source"] is False
    seen = watched(trainer)
    trainer.train_step()
    assert int(torch.cat(seen).max()) < 7
    assert Trainer(config(), device="cpu").card["network"]["null_source"] is True


def test_a_null_source_that_is_never_trained_is_refused(config):
    network = {"widths": [8, 16], "blocks": [1, 1], "patch": 2, "null_source": True}
    with pytest.raises(ConfigError, match=r"network.null_source must be left to drop_source, 0.0"):
        Trainer(config(drop_source=0.0, network=network), device="cpu")


@pytest.mark.parametrize("family", ["flow", "pix2pix"])
def test_gradients_are_clipped_to_unit_length_all_together(config, family):
    trainer = Trainer(config(family=family, process={}), device="cpu")
    trainer.train_step()  # Only the last layer has a gradient at first.
    trainer.samplers["train"].maps *= 1e4
    trainer.train_step()
    for module in (trainer.network, trainer.objective.auxiliary):
        gradients = [p.grad.flatten() for p in module.parameters()]
        if gradients:
            assert float(torch.cat(gradients).norm()) == pytest.approx(1.0, rel=1e-3)


def test_without_a_weight_there_is_no_adversary(config):
    settings = config(family="pix2pix", process={"adversarial_weight": 0.0}, log_every=1)
    trainer = Trainer(settings, device="cpu")
    assert list(trainer.train_step()) == ["loss"]
    assert not list(trainer.objective.auxiliary.parameters())
    assert len(trainer.objective.optimizers) == 1
