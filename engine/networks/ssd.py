"""The selective state space layer of Mamba-2 (Dao & Gu 2024), and three ways to run its scan.

Every head carries a matrix h from token to token,

    h_t = exp(dt_t a) h_(t-1) + dt_t b_t x_t^T,    y_t = c_t^T h_t,

where step sizes dt, inputs b and outputs c depend on the token, which makes it selective.
`recurrent` does just that, `chunked` the same by matrix products (state space duality), and `fused`
calls the CUDA kernel of the package mamba_ssm. All take x (n, length, heads, p),
dt (n, length, heads) above zero, a (heads,) below zero, b and c (n, length, state) that the heads
share, and return y of the shape of x.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

# What the kernel takes by default; the chunks of a CPU are smaller.
FUSED_CHUNK = 256


def recurrent(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Scan token by token: the reference, in time linear in the length and no memory for it."""
    n, length, heads, p = x.shape
    h = x.new_zeros(n, heads, b.shape[-1], p)
    outputs = []
    for t in range(length):
        inputs = torch.einsum("ns,nhp->nhsp", b[:, t], dt[:, t, :, None] * x[:, t])
        h = torch.exp(dt[:, t] * a)[:, :, None, None] * h + inputs
        outputs.append(torch.einsum("ns,nhsp->nhp", c[:, t], h))
    return torch.stack(outputs, dim=1)


def decay_matrix(log_decay: Tensor) -> Tensor:
    """Return what is left at i of what came at j: exp of the sum over j < k <= i, 0 for j > i.

    Takes (..., q) and gives (..., q, q). That nothing is left of the future is said before the
    exponential, which would overflow there.
    """
    total = log_decay.cumsum(dim=-1)
    q = log_decay.shape[-1]
    future = total.new_full((q, q), -math.inf).triu(1)
    return (total[..., :, None] - total[..., None, :] + future).exp()


def chunked(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """Scan by matrix products in chunks of equal length, `chunk` at most.

    The blocks of Dao & Gu (2024), section 6: within a chunk the output is that of masked attention,
    (c b^T * decay) x; from chunk to chunk goes the state alone. Decays and states are of the type
    of dt, float32 where x is of half precision.
    """
    n, length, heads, p = x.shape
    count = -(-length // chunk)
    size = -(-length // count)
    if missing := count * size - length:  # With dt = 0 a token neither adds nor forgets.
        x = functional.pad(x, (0, 0, 0, 0, 0, missing))
        dt, b, c = (functional.pad(v, (0, 0, 0, missing)) for v in (dt, b, c))
    log_decay = (dt * a).reshape(n, count, size, heads).transpose(-1, -2)
    x = (x * dt[..., None].to(x.dtype)).reshape(n, count, size, heads, p)
    b, c = b.reshape(n, count, size, -1), c.reshape(n, count, size, -1)
    scores = (c @ b.transpose(-1, -2))[:, :, None] * decay_matrix(log_decay).to(x.dtype)
    y = (scores @ x.transpose(2, 3)).transpose(2, 3)
    if count > 1:
        y = torch.cat([y[:, :1], y[:, 1:] + _from_earlier(x, log_decay, b, c)], dim=1)
    return y.reshape(n, count * size, heads, p)[:, :length]


def _from_earlier(x: Tensor, log_decay: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return what each chunk but the first owes to the chunks before it.

    Takes x (n, chunks, q, heads, p), log_decay (n, chunks, heads, q), b and c (n, chunks, q, state)
    and returns (n, chunks - 1, q, heads, p). What a chunk made goes from chunk to chunk.
    """
    count, heads, p = x.shape[1], *x.shape[-2:]
    total = log_decay.cumsum(dim=-1)
    to_end = (total[..., -1:] - total)[:, :-1].exp().transpose(-1, -2)[..., None].to(x.dtype)
    made = b[:, :-1].transpose(-1, -2) @ (x[:, :-1] * to_end).flatten(-2)
    made = made.unflatten(-1, (heads, p))
    kept = total[..., -1].exp()[:, :, None, :, None]
    entering = [made[:, 0].to(kept.dtype)]
    for k in range(1, count - 1):
        entering.append(kept[:, k] * entering[-1] + made[:, k])
    from_start = total[:, 1:].exp().transpose(-1, -2)[..., None].to(x.dtype)
    y = c[:, 1:] @ torch.stack(entering, dim=1).flatten(-2).to(x.dtype)
    return y.unflatten(-1, (heads, p)) * from_start


@cache
def _kernel() -> Callable[..., Tensor] | None:
    try:
        module = importlib.import_module("mamba_ssm.ops.triton.ssd_combined")
    except ImportError:
        return None
    return module.mamba_chunk_scan_combined


def fused(
    kernel: Callable[..., Tensor], x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor
) -> Tensor:
    """Scan by mamba_ssm's `mamba_chunk_scan_combined`, which wants b and c by group of heads."""
    b, c = (v[:, :, None].to(x.dtype).contiguous() for v in (b, c))
    return kernel(x.contiguous(), dt.float().contiguous(), a.float(), b, c, FUSED_CHUNK)


def scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, *, chunk: int) -> Tensor:
    """Scan by the fused kernel for CUDA tensors where mamba_ssm is installed, else in chunks."""
    if x.is_cuda and x.dtype != torch.float64 and (kernel := _kernel()):
        return fused(kernel, x, dt, a, b, c)
    return chunked(x, dt, a, b, c, chunk=chunk)


class StateSpace(nn.Module):
    """The Mamba-2 block (Dao & Gu 2024, section 7.1 and fig. 6), causal along the tokens.

    The last norm is a layer norm, several times faster than an RMS norm on a CPU in bfloat16; its
    weights would be those of the projection that follows.

    Parameters
    ----------
    width : of the tokens; inside there are twice as many channels.
    state : rows of the state that each head carries.
    head_width : channels of one head.
    reach : tokens that the causal convolution before the scan sees.
    chunk : longest chunk of the scan.
    """

    def __init__(
        self, width: int, *, state: int = 32, head_width: int = 64, reach: int = 3, chunk: int = 64
    ) -> None:
        super().__init__()
        inner = 2 * width
        if inner % head_width:
            raise ValueError(f"head_width must divide {inner}, got {head_width}")
        self.head_width, self.reach, self.chunk = head_width, reach, chunk
        heads = inner // head_width
        self.split = (inner, inner + 2 * state, heads)
        self.inputs = (inner, state, state)
        self.enter = nn.Linear(width, sum(self.split), bias=False)
        self.local = nn.Parameter(torch.empty(reach, inner + 2 * state))
        self.local_bias = nn.Parameter(torch.zeros(inner + 2 * state))
        nn.init.uniform_(self.local, -(reach**-0.5), reach**-0.5)
        # Steps of 1e-3 to 0.1 and rates of 1 to 16, so that heads forget in 1 to 1000 tokens:
        # the ranges of mamba_ssm.
        step = torch.exp(torch.empty(heads).uniform_(math.log(1e-3), math.log(0.1)))
        self.step_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))
        self.log_rate = nn.Parameter(torch.empty(heads).uniform_(1.0, 16.0).log())
        self.direct = nn.Parameter(torch.ones(heads))
        self.norm = nn.LayerNorm(inner, elementwise_affine=False)
        self.leave = nn.Linear(inner, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (n, length, width) to the same shape."""
        gate, mixed, step = self.enter(tokens).split(self.split, dim=-1)
        mixed = functional.silu(self._convolve(mixed))
        x, b, c = mixed.split(self.inputs, dim=-1)
        x = x.unflatten(-1, (-1, self.head_width))
        dt = functional.softplus(step.to(self.step_bias.dtype) + self.step_bias)
        y = scan(x, dt, -self.log_rate.exp(), b, c, chunk=self.chunk)
        y = y + self.direct[:, None].to(y.dtype) * x
        return self.leave(self.norm(y.flatten(-2) * functional.silu(gate)))

    def _convolve(self, tokens: Tensor) -> Tensor:
        """Convolve each channel with the `reach` tokens up to its own."""
        length = tokens.shape[1]
        padded = functional.pad(tokens, (0, 0, self.reach - 1, 0))
        weights = self.local.to(tokens.dtype)
        shifted = (weights[k] * padded[:, k : k + length] for k in range(self.reach))
        return sum(shifted, start=self.local_bias.to(tokens.dtype))
