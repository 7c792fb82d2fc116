"""What the networks can see and what they start as."""

import pytest
import torch
from torch import nn

from engine.networks.blocks import Attention, radii
from engine.networks.patchgan import PatchGAN
from engine.networks.unet import UNet, UNetConfig

CONFIG = UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2)
ONE = torch.zeros(1, dtype=torch.long)


def awake(network):
    """Give zero-initialized layers weights, so that everything can matter."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network.eval()


def test_unet_starts_at_zero():
    assert not UNet(CONFIG)(torch.randn(1, 2, 16, 16), torch.rand(1), ONE, ONE + 1).any()


def test_every_condition_and_every_map_matters():
    network = awake(UNet(CONFIG))
    x, time = torch.randn(1, 2, 16, 16), torch.tensor([0.3])
    base = network(x, time, ONE, ONE + 1)
    other = x.clone()
    other[:, 1] += 1
    for changed in (
        network(other, time, ONE, ONE + 1),
        network(x, time + 0.01, ONE, ONE + 1),
        network(x, time, ONE + 2, ONE + 1),
        network(x, time, ONE, ONE + 2),
    ):
        assert (changed - base).abs().max() > 1e-4


def test_no_edge_of_the_pixel_blocks_shows():
    """Without its low-resolution part the network is a plain convolution of the maps."""
    network = awake(UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), patch=4)))
    nn.init.zeros_(network.leave.weight)
    nn.init.zeros_(network.leave.bias)
    x, time = torch.randn(1, 2, 32, 32), torch.tensor([0.3])
    with torch.no_grad():
        network.refine[0].weight[:, -1] = 0  # the distance from the center
        base, moved = (network(m, time, ONE, ONE + 1) for m in (x, x.roll((1, 1), (2, 3))))
    torch.testing.assert_close(base[..., 4:-5, 4:-5], moved[..., 5:-4, 5:-4], rtol=1e-4, atol=1e-5)
    assert float(base.std()) > 1e-3


def test_domains_are_not_interchangeable():
    network = awake(UNet(CONFIG))
    x, time = torch.randn(1, 2, 16, 16), torch.tensor([0.3])
    there, back = network(x, time, ONE, ONE + 1), network(x, time, ONE + 1, ONE)
    assert (there - back).abs().max() > 1e-3


def test_any_multiple_is_a_size_and_others_are_not():
    network = UNet(CONFIG)
    assert network.multiple == 4
    assert network(torch.randn(1, 2, 20, 8), torch.rand(1), ONE, ONE).shape == (1, 1, 20, 8)


def test_result_does_not_depend_on_the_batch_around_it():
    network = awake(UNet(CONFIG))
    x, time = torch.randn(5, 2, 16, 16), torch.rand(5)
    pair = torch.arange(5), torch.arange(5).flip(0)
    whole = network(x, time, *pair)
    alone = network(x[3:4], time[3:4], pair[0][3:4], pair[1][3:4])
    torch.testing.assert_close(whole[3:4], alone, rtol=1e-4, atol=1e-5)


def test_radii_are_symmetric_and_vanish_at_the_center():
    r = radii(torch.zeros(2, 1, 8, 8))
    assert torch.allclose(r, r.rot90(1, (2, 3)))
    assert torch.allclose(r, r.flip(3))
    assert float(r[0, 0, 3, 3]) == pytest.approx(2**0.5 / 8)


def test_plain_attention_is_the_fused_one(monkeypatch):
    attention = awake(Attention(16))
    x = torch.randn(2, 16, 4, 4)
    plain = attention(x)
    monkeypatch.setattr("engine.networks.blocks.PLAIN_TOKENS", 0)
    torch.testing.assert_close(plain, attention(x), rtol=1e-4, atol=1e-5)


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
