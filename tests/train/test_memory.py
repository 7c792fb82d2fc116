"""Training on a device that holds only some of a batch."""

import pytest
import torch

from engine.memory import OutOfMemoryError
from train.__main__ import main
from train.loop import fit
from train.trainer import Trainer

FAMILIES = ("ddpm", "crps", "pix2pix")


def limit(network, most):
    """Let a network take no more than so many maps; return the sizes that it was asked for."""
    sizes = []

    def check(_, inputs):
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    network.register_forward_pre_hook(check)
    return sizes


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_in_parts_is_the_step(config, family):
    settings = config(family=family, log_every=1)
    whole, parts = (Trainer(settings, device="cpu") for _ in range(2))
    sizes = limit(parts.network, 3)
    for step in range(4):
        one, two = whole.train_step(), parts.train_step()
        assert one == pytest.approx(two, rel=1e-4), step
    assert max(sizes[2:]) == 2  # of 8 there were too many, and of 4
    assert whole.validate() == pytest.approx(parts.validate(), rel=1e-4)
    for name, weight in whole.network.named_parameters():
        # Adam divides by the gradient's size, so that rounding counts where there is almost none.
        torch.testing.assert_close(
            dict(parts.network.named_parameters())[name], weight, atol=2e-4, rtol=1e-3
        )


def test_a_run_that_no_part_of_a_batch_fits_ends_in_a_sentence(config, monkeypatch):
    begin = Trainer.__init__

    def small(self, *arguments, **options):
        begin(self, *arguments, **options)
        limit(self.network, 0)

    monkeypatch.setattr(Trainer, "__init__", small)
    with pytest.raises(OutOfMemoryError, match="the memory of cpu does not hold a step with a sin"):
        fit(config(), device="cpu")


def test_maps_that_do_not_fit_are_said_by_the_command(config, store, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: small\ntitle: Small\nfamily: ddpm\nsteps: 1\n"
                      "network: {widths: [8, 16], blocks: [1, 1], patch: 2}\n")  # fmt: skip
    monkeypatch.setattr("train.trainer.PairSampler", full)
    words = ["fit", "--config", str(recipe), "--data", str(store), "--output", str(tmp_path / "r")]
    assert main(words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: the memory of the device does not hold this run: lower")
