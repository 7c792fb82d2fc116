"""Scores on galaxies that were never seen in training, beside the pixelwise baseline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from data.dataset import MapDataset
from data.domains import get_domain
from data.normalize import denormalize
from engine.baselines import PixelwiseRegression
from engine.checkpoint import read_card, write_card
from engine.metrics.profile import radial_profile
from engine.translator import Translator, checkpoint_folder
from train.config import FOCUS

# One fixed range for PSNR in every map of a domain: six of the normalizer's units.
PSNR_RANGE = 6.0


def scores_of(
    estimate: NDArray[Any], truth: NDArray[Any], domain: str, extents: NDArray[Any]
) -> dict[str, float]:
    """Score normalized maps.

    Parameters
    ----------
    estimate, truth : (n, H, W) normalized.
    extents : (n,) kpc.

    Returns
    -------
    mae_dex : mean absolute error of log10(value + floor).
    psnr_db : 10 log10(range^2 / MSE) over all maps, with the fixed `PSNR_RANGE`.
    profile_dex : mean absolute difference in dex of the azimuthal profiles of value + floor.
    """
    d = get_domain(domain)
    error = (estimate - truth).astype(np.float64)
    profiles = []
    for pair, extent in zip(zip(estimate, truth, strict=True), extents, strict=True):
        physical = np.stack([denormalize(m, domain) for m in pair])
        profiles.append(np.log10(radial_profile(physical, float(extent))[1] + d.floor))
    difference = np.array([p[0] - p[1] for p in profiles])
    return {
        "mae_dex": float(np.abs(error).mean() * d.scale_dex),
        "psnr_db": float(10.0 * np.log10(PSNR_RANGE**2 / np.mean(error**2))),
        "profile_dex": float(np.nanmean(np.abs(difference))),
    }


def directions_of(domains: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every ordered pair of different domains."""
    yield from ((s, t) for s in domains for t in domains if s != t)


def evaluate(
    translator: Translator, path: str, *, galaxies: int, samples: int, num_steps: int | None = None
) -> dict[str, Any]:
    """Score every direction on the test split of a store, one rotation of each galaxy.

    Returns
    -------
    {"directions": {"gas -> stars": {"baseline" | "single" | "mean": scores}}, "focus" and "all":
    means over the talk's five directions and over all, and what was run}. "single" is one sample,
    "mean" the mean of `samples` in normalized units; they are the same for a one-step translator.
    """
    train, test = MapDataset(path, "train"), MapDataset(path, "test")
    if tuple(test.domains) != translator.domains:
        raise ValueError(
            f"{path} must hold the domains of {translator.name}, {translator.domains}, "
            f"got {test.domains}"
        )
    _, first = np.unique(test.names, return_index=True)
    rows = np.sort(first)[:galaxies]
    maps, fitted = test.maps.numpy()[rows], train.maps.numpy()[:: max(1, len(train) // 400)]
    extents = test.extent_kpc[rows]
    steps = num_steps or translator.default_steps
    samples = samples if translator.process.is_iterative else 1
    results: dict[str, Any] = {}
    pairs = list(directions_of(translator.domains))
    for source, target in tqdm(pairs, unit="direction", file=sys.stderr):
        s, t = translator.domains.index(source), translator.domains.index(target)
        baseline = PixelwiseRegression(fitted[:, s], fitted[:, t])(maps[:, s])
        drawn = translator.sample_normalized(
            maps[:, s], source, target, num_steps=steps, num_samples=samples
        )
        results[f"{source} -> {target}"] = {
            "baseline": scores_of(baseline, maps[:, t], target, extents),
            "single": scores_of(drawn[:, 0], maps[:, t], target, extents),
            "mean": scores_of(drawn.mean(axis=1), maps[:, t], target, extents),
        }
    return {
        "data": "synthetic galaxies, test split", "galaxies": len(rows), "samples": samples,
        "steps": steps if translator.process.is_iterative else 1,
        "focus": _average(results, [f"{s} -> {t}" for s, t in FOCUS]),
        "all": _average(results, list(results)),
        "directions": results,
    }  # fmt: skip


def _average(results: dict[str, Any], names: list[str]) -> dict[str, dict[str, float]]:
    names = [n for n in names if n in results]
    return {
        kind: {
            metric: float(np.mean([results[n][kind][metric] for n in names]))
            for metric in ("mae_dex", "psnr_db", "profile_dex")
        }
        for kind in ("baseline", "single", "mean")
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def table(scores: dict[str, Any]) -> str:
    """Return the scores as a Markdown table."""
    lines = [
        "| direction | MAE/dex: pixel | single | mean | profile/dex: pixel | single | mean |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = {"five from gas": scores["focus"], "all": scores["all"], **scores["directions"]}
    for name, row in rows.items():
        cells = [f"{row[k][m]:.3f}" for m in ("mae_dex", "profile_dex")
                 for k in ("baseline", "single", "mean")]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> int:
    """Run `python -m train evaluate`."""
    if options.threads:
        torch.set_num_threads(options.threads)
    translator = Translator.load(options.checkpoint)
    scores = _rounded(
        evaluate(translator, options.data, galaxies=options.galaxies, samples=options.samples,
                 num_steps=options.steps)
    )  # fmt: skip
    print(table(scores))
    if options.write_card:
        folder = checkpoint_folder(options.checkpoint)
        write_card(folder, {**read_card(folder), "scores": scores})
    return 0
