"""Krylov's method on a batch, for matrices that are known by what they do and nearly symmetric."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def krylov_solve(
    apply: Callable[[Tensor], Tensor], wanted: Tensor, invert: Callable[[Tensor], Tensor], *,
    iterations: int,
) -> Tensor:  # fmt: skip
    """Return invert(M) wanted (n, 1, h, w), M the symmetric part of `apply`, by sample.

    Parameters
    ----------
    apply : a linear map of (n, 1, h, w) that keeps the samples apart.
    wanted : (n, 1, h, w).
    invert : function of the eigenvalues of M, as torch.reciprocal; with it the caller says what is
        to become of eigenvalues that the exact matrix does not have. Those that are exactly zero
        may be of directions that do not exist.
    iterations : products with the matrix; exact from the number of its eigenvalues on, and soon
        near where these are few or fall fast.

    Notes
    -----
    The method of Arnoldi (1951), orthogonalized twice, with the projected matrix made symmetric.
    For a symmetric matrix this is that of Lanczos, and with the reciprocal of positive eigenvalues
    conjugate gradients.
    """
    length = wanted.flatten(1).norm(dim=1)
    basis = [_unit(wanted.flatten(1), length)]
    images: list[Tensor] = []
    for _ in range(min(iterations, basis[0].shape[1])):
        image = apply(basis[-1].view_as(wanted)).flatten(1)
        images.append(image)
        known, rest = torch.stack(basis, dim=1), image
        for _ in range(2):
            rest = rest - torch.einsum("nkd,nk->nd", known, torch.einsum("nkd,nd->nk", known, rest))
        # What is only rounding is no new direction.
        left = rest.norm(dim=1)
        left = torch.where(left > 1e-5 * image.norm(dim=1), left, torch.zeros_like(left))
        if not left.any():
            break
        basis.append(_unit(rest, left))
    known = torch.stack(basis[: len(images)], dim=1)
    projected = known @ torch.stack(images, dim=2)
    values, vectors = torch.linalg.eigh(0.5 * (projected + projected.mT))
    weights = torch.einsum(
        "nij,nj,nj->ni", vectors, invert(values), vectors[:, 0] * length[:, None]
    )
    return torch.einsum("nkd,nk->nd", known, weights).view_as(wanted)


def _unit(vectors: Tensor, lengths: Tensor) -> Tensor:
    """Return vectors (n, d) over their lengths (n,), zero where that is zero."""
    return torch.where(lengths > 0, 1.0 / lengths, 0.0)[:, None] * vectors
