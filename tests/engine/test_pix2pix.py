"""The adversarial losses of pix2pix by their formulas."""

import math

import pytest
import torch

from engine.processes.pix2pix import GAN_LOSSES, Pix2Pix, discriminator_loss, generator_loss

REAL, FAKE = (0.3, -2.0), (1.5, -0.7)


def cross_entropy(logit, label):
    """-log of the probability that a classifier with this logit gives to the label."""
    p = 1.0 / (1.0 + math.exp(-logit))
    return -math.log(p if label else 1.0 - p)


FORMULAS = {
    "vanilla": (
        lambda r, f: 0.5 * (cross_entropy(r, 1) + cross_entropy(f, 0)),
        lambda f: cross_entropy(f, 1),
    ),
    "lsgan": (lambda r, f: 0.5 * ((r - 1) ** 2 + f**2), lambda f: 0.5 * (f - 1) ** 2),
    "hinge": (lambda r, f: -min(0, r - 1) - min(0, -f - 1), lambda f: -f),
}


@pytest.mark.parametrize("kind", GAN_LOSSES)
def test_losses_are_their_formulas_at_known_logits(kind):
    discriminator, generator = FORMULAS[kind]
    real, fake = (torch.tensor(v)[:, None, None, None] for v in (REAL, FAKE))
    judged = [discriminator(r, f) for r, f in zip(REAL, FAKE, strict=True)]
    torch.testing.assert_close(discriminator_loss(kind, real, fake), torch.tensor(judged))
    fooled = [generator(f) for f in FAKE]
    torch.testing.assert_close(generator_loss(kind, fake), torch.tensor(fooled))
    # Of a map with many logits it is the mean.
    both = [torch.tensor(v)[None, None, None] for v in (REAL, FAKE)]
    assert float(discriminator_loss(kind, *both)) == pytest.approx(sum(judged) / 2)
    assert float(generator_loss(kind, both[1])) == pytest.approx(sum(fooled) / 2)


@pytest.mark.parametrize("kind", GAN_LOSSES)
def test_the_two_pull_the_logit_of_a_generated_map_apart(kind):
    fake = torch.zeros(1, 1, 1, 1, requires_grad=True)
    (down,) = torch.autograd.grad(discriminator_loss(kind, torch.zeros_like(fake), fake), fake)
    (up,) = torch.autograd.grad(generator_loss(kind, fake), fake)
    assert float(up) < 0 <= float(down)


def test_an_unknown_loss_is_one_sentence():
    with pytest.raises(ValueError, match="gan_loss must be one of vanilla, lsgan, hinge, got 'w'"):
        Pix2Pix(gan_loss="w")
