"""What the networks can see and what they start as."""

import dataclasses

import pytest
import torch
from torch import nn

from engine.networks.blocks import Attention, AttentionGate, radii
from engine.networks.patchgan import PatchGAN
from engine.networks.unet import UNet, UNetConfig

CONFIG = UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2)
ONE = torch.zeros(1, dtype=torch.long)


def test_radii_are_symmetric_and_vanish_at_the_center():
    r = radii(torch.zeros(2, 1, 8, 8))
    assert torch.allclose(r, r.rot90(1, (2, 3)))
    assert torch.allclose(r, r.flip(3))
    assert float(r[0, 0, 3, 3]) == pytest.approx(2**0.5 / 8)


def test_plain_attention_is_the_fused_one(monkeypatch, awake):
    attention = awake(Attention(16))
    x = torch.randn(2, 16, 4, 4)
    plain = attention(x)
    monkeypatch.setattr("engine.networks.blocks.PLAIN_TOKENS", 0)
    torch.testing.assert_close(plain, attention(x), rtol=1e-4, atol=1e-5)


def test_attention_gates_start_as_the_identity_and_close_where_they_are_told():
    gate = AttentionGate(4, 6)
    skip, below = torch.randn(2, 4, 8, 8), torch.randn(2, 6, 8, 8)
    torch.testing.assert_close(gate(skip, below), skip)
    nn.init.zeros_(gate.skip.weight)
    for parameter in (gate.steer.weight, gate.weigh.weight):
        nn.init.constant_(parameter, -1.0)
    nn.init.zeros_(gate.steer.bias)
    below[:, :, :, :4], below[:, :, :, 4:] = -9.0, 9.0
    out = gate(skip, below)
    assert float(out[..., :4].abs().max()) < 1e-6  # below says no
    torch.testing.assert_close(out[..., 4:], skip[..., 4:])


def test_gated_skips_matter_and_ungated_networks_load_as_before(awake):
    plain = awake(UNet(CONFIG)).state_dict()
    gated = UNet(dataclasses.replace(CONFIG, skip_attention=True))
    missing, unexpected = gated.load_state_dict(plain, strict=False)
    assert not unexpected
    assert all(name.startswith("gates.") for name in missing)
    x, time = torch.randn(1, 2, 16, 16), torch.full((1,), 0.5)
    before = gated(x, time, ONE, ONE + 1)
    same = UNet(CONFIG)
    same.load_state_dict(plain)
    torch.testing.assert_close(before, same(x, time, ONE, ONE + 1))
    for gate in gated.gates:
        nn.init.constant_(gate.weigh.bias, -20.0)
    assert (gated(x, time, ONE, ONE + 1) - before).abs().max() > 1e-3


def test_patchgan_judges_patches_of_38_pixels():
    """Past the norms, which see whole channels, a logit's gradient covers 38 x 38 pixels."""
    judge = PatchGAN(7, width=8)
    judge.body = nn.Sequential(*(m for m in judge.body if not isinstance(m, nn.GroupNorm)))
    x = torch.randn(1, 1, 96, 96, requires_grad=True)
    logits = judge(torch.randn(1, 1, 96, 96), x, ONE, ONE + 1)
    assert logits.shape == (1, 1, 12, 12)
    logits[0, 0, 6, 6].backward()
    seen = x.grad[0, 0] != 0
    assert int(seen.any(0).sum()) == int(seen.any(1).sum()) == 38


def test_patchgan_knows_source_map_and_direction():
    judge = PatchGAN(7, width=8)
    y, x = torch.randn(1, 1, 32, 32), torch.randn(1, 1, 32, 32)
    base = judge(y, x, ONE, ONE + 1)
    for other in (judge(y + 1, x, ONE, ONE + 1), judge(y, x, ONE + 1, ONE)):
        assert (base - other).abs().max() > 1e-3


@pytest.mark.parametrize("blocks", [(1,), (1, 0), (1, 1, 1)])
def test_blocks_must_fit_widths(blocks):
    with pytest.raises(ValueError, match="blocks must hold"):
        UNetConfig(widths=(8, 16), blocks=blocks)


def test_attention_that_could_not_be_is_refused():
    with pytest.raises(ValueError, match=r"attention_levels must lie from 0 to 1, got \(2,\)"):
        UNetConfig(widths=(8, 16), blocks=(1, 1), attention_levels=(2,))
    with pytest.raises(ValueError, match="a multiple of the 4 heads, got 18"):
        UNet(UNetConfig(widths=(8, 18), blocks=(1, 1)))
