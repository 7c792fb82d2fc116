"""The chunked scan is the recurrence, for any length, and so are its gradients."""

import pytest
import torch

from engine.networks import ssd
from engine.networks.ssd import StateSpace, chunked, decay_matrix, fused, recurrent

HEADS, P, STATE = 3, 5, 4


def inputs(length, dtype, n=2):
    """Tokens whose heads forget within one token up to within hundreds."""
    g = torch.Generator().manual_seed(length)
    shapes = ((n, length, HEADS, P), (n, length, HEADS), (HEADS,), (n, length, STATE))
    x, dt, a, b = (torch.randn(s, generator=g, dtype=torch.float64) for s in shapes)
    c = torch.randn(shapes[-1], generator=g, dtype=torch.float64)
    dt, a = torch.exp(dt - 3.0), -torch.tensor([0.2, 2.0, 20.0], dtype=torch.float64) + 0.0 * a
    return [v.to(dtype).requires_grad_() for v in (x, dt, a, b, c)]


@pytest.mark.parametrize("chunk", [1, 7, 32, 64])
@pytest.mark.parametrize("length", [1, 2, 31, 64, 65, 72, 150])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_the_chunked_scan_is_the_recurrence(length, chunk, dtype, tolerance):
    values = inputs(length, dtype)
    truth = recurrent(*values)
    assert truth.shape == values[0].shape
    torch.testing.assert_close(chunked(*values, chunk=chunk), truth, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("length", "chunk"), [(40, 64), (50, 16), (17, 1)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_so_are_its_gradients(length, chunk, dtype, tolerance):
    values = inputs(length, dtype)
    weights = torch.randn(values[0].shape, dtype=dtype) / length
    truth = torch.autograd.grad((weights * recurrent(*values)).sum(), values)
    fast = torch.autograd.grad((weights * chunked(*values, chunk=chunk)).sum(), values)
    for a, b in zip(fast, truth, strict=True):
        assert b.any()
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def test_in_half_precision_errors_do_not_grow_along_the_chunks():
    """Under autocast, 40 chunks in, the scan is still right to bfloat16's 3 digits."""
    x, dt, a, b, c = (v.detach() for v in inputs(640, torch.float32))
    dt, a = torch.full_like(dt, 0.01), torch.full_like(a, -0.5)  # forgets in 200 tokens
    truth = recurrent(x, dt, a, b, c)
    with torch.autocast("cpu", torch.bfloat16):
        half = chunked(*(v.bfloat16() if v is x else v for v in (x, dt, a, b, c)), chunk=16)
    error = (half.float() - truth).square().mean(dim=(0, 2, 3)).sqrt() / truth.std()
    assert half.dtype == torch.bfloat16
    assert error.max() < 0.02
    assert error[-64:].mean() < 2 * error[:64].mean() + 0.005


def test_one_head_with_one_state_is_a_decaying_sum():
    """With b = c = 1 and a steady step, y is a geometric series, known in closed form."""
    length, dt, a = 90, 0.1, -2.0
    one = torch.ones(1, length, 1, dtype=torch.float64)
    y = chunked(one[..., None], dt * one, torch.tensor([a]).double(), one, one, chunk=32)
    ratio = torch.exp(torch.tensor(dt * a, dtype=torch.float64))
    series = dt * (1 - ratio ** torch.arange(1, length + 1)) / (1 - ratio)
    torch.testing.assert_close(y[0, :, 0, 0], series, rtol=1e-12, atol=0)


def test_decays_past_the_range_of_floats_leave_gradients_finite():
    """exp of the sums above the diagonal would overflow; they must not come into being."""
    log_decay = torch.full((1, 64), -200.0, requires_grad=True)
    matrix = decay_matrix(log_decay)
    assert torch.equal(matrix[0], torch.eye(64))
    matrix.sum().backward()
    assert torch.isfinite(log_decay.grad).all()


def test_the_kernel_is_asked_for_what_the_recurrence_gives():
    """A stand-in with the kernel's documented arguments: b and c by groups, of the type of x."""

    def kernel(x, dt, A, B, C, chunk_size):
        assert B.shape == C.shape == (2, 20, 1, STATE)
        assert B.dtype == C.dtype == x.dtype
        assert dt.dtype == A.dtype == torch.float32
        assert all(v.is_contiguous() for v in (x, dt, B, C))
        return recurrent(x, dt, A, B[:, :, 0], C[:, :, 0])

    x, dt, a, b, c = inputs(20, torch.float32)
    flipped = x.flip(0).transpose(0, 1).contiguous().transpose(0, 1)
    given = fused(kernel, flipped, dt, a, b, c)
    torch.testing.assert_close(given, chunked(flipped, dt, a, b, c, chunk=8))


@pytest.mark.gpu
def test_the_fused_scan_is_the_recurrence():
    pytest.importorskip("mamba_ssm")
    g = torch.Generator().manual_seed(0)
    x, b, c = (torch.randn(s, generator=g) for s in ((2, 300, 4, 64), (2, 300, 64), (2, 300, 64)))
    dt, a = torch.rand(2, 300, 4, generator=g) * 0.1, -torch.tensor([1.0, 2.0, 4.0, 16.0])
    values = [v.cuda() for v in (x, dt, a, b, c)]
    assert ssd._kernel() is not None
    torch.testing.assert_close(
        ssd.scan(*values, chunk=64), recurrent(*values), rtol=1e-2, atol=1e-2
    )


def test_the_layer_is_causal_and_reaches_all_that_came_before():
    torch.manual_seed(0)
    layer = StateSpace(8, state=4, head_width=4, reach=3, chunk=5).double()
    tokens = torch.randn(1, 13, 8, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(layer, tokens)[0, :, :, 0]
    reached = jacobian.abs().amax(dim=(1, 3)) > 0
    assert torch.equal(reached, torch.ones(13, 13, dtype=torch.bool).tril())


def test_the_chunk_is_a_matter_of_speed_alone():
    torch.manual_seed(0)
    layer = StateSpace(8, state=4, head_width=4).double()
    tokens = torch.randn(2, 40, 8, dtype=torch.float64)
    one = layer(tokens)
    layer.chunk = 7
    torch.testing.assert_close(layer(tokens), one, rtol=1e-10, atol=1e-12)


def test_heads_start_by_forgetting_in_1_to_1000_tokens():
    torch.manual_seed(0)
    layer = StateSpace(512, head_width=4)
    step = torch.nn.functional.softplus(layer.step_bias.detach())
    rate = layer.log_rate.detach().exp()
    assert 1e-3 <= float(step.min()) < 2e-3
    assert 0.05 < float(step.max()) <= 0.1 + 1e-6
    assert 1.0 <= float(rate.min()) < 2.0
    assert 15.0 < float(rate.max()) <= 16.0


def test_heads_must_fit():
    with pytest.raises(ValueError, match="head_width must divide 16, got 5"):
        StateSpace(8, head_width=5)
