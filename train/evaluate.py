"""Scores on galaxies that were never seen in training, beside the pixelwise baseline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from data.dataset import MapDataset
from data.domains import get_domain
from data.normalize import DEFAULT, Normalization, denormalize
from engine.baselines import PixelwiseRegression
from engine.checkpoint import read_card, write_card
from engine.metrics.ensemble import fair_crps, spread_over_error
from engine.metrics.profile import radial_profile
from engine.metrics.spectrum import small_scale_power
from engine.shelf import checkpoint_folder
from engine.translator import Translator
from train.config import FOCUS
from train.world import place_of

# One fixed range for PSNR in every map of a domain: six times its default scale in dex.
PSNR_RANGE = 6.0


def scores_of(
    estimate: NDArray[Any], truth: NDArray[Any], domain: str, extents: NDArray[Any],
    normalization: Normalization = DEFAULT,
) -> dict[str, float]:  # fmt: skip
    """Score normalized maps.

    Parameters
    ----------
    estimate, truth : (n, H, W) normalized.
    extents : (n,) kpc.
    normalization : by which the maps are normalized; the floor of "mae_dex" is its.

    Returns
    -------
    mae_dex : mean absolute error of log10(value + floor).
    psnr_db : 10 log10(range^2 / MSE) over all maps, with the fixed `PSNR_RANGE`.
    profile_dex : mean absolute difference in dex of the azimuthal profiles of value + floor.
    small_scale_power : power of the normalized estimates over that of the truths at wavelengths of
        3 to 8 pixels; 1 for the right amount of fine structure.
    """
    d = get_domain(domain)
    error = (estimate - truth).astype(np.float64) * normalization[domain].scale_dex
    with np.errstate(divide="ignore"):
        psnr = 10.0 * np.log10((PSNR_RANGE * d.scale_dex) ** 2 / np.mean(error**2))
    profiles = []
    for pair, extent in zip(zip(estimate, truth, strict=True), extents, strict=True):
        physical = np.stack([denormalize(m, domain, normalization) for m in pair])
        profiles.append(np.log10(radial_profile(physical, float(extent))[1] + d.floor))
    difference = np.array([p[0] - p[1] for p in profiles])
    return {
        "mae_dex": float(np.abs(error).mean()),
        "psnr_db": float(psnr),
        "profile_dex": float(np.nanmean(np.abs(difference))),
        "small_scale_power": small_scale_power(estimate, truth),
    }


def ensemble_scores(
    drawn: NDArray[Any], truth: NDArray[Any], domain: str, normalization: Normalization = DEFAULT
) -> dict[str, float]:
    """Score normalized samples (n, samples, H, W) of `truth` (n, H, W) as ensembles."""
    crps = float(fair_crps(drawn, truth, axis=1).mean() * normalization[domain].scale_dex)
    scores = {"crps_dex": crps}
    if drawn.shape[1] > 1:
        scores["spread_over_error"] = spread_over_error(drawn, truth, axis=1)
    return scores


def directions_of(domains: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every ordered pair of different domains."""
    yield from ((s, t) for s in domains for t in domains if s != t)


def evaluate(
    translator: Translator,
    path: str,
    *,
    galaxies: int,
    samples: int,
    num_steps: int | None = None,
    sampler: str | None = None,
) -> dict[str, Any]:
    """Score every direction on the test split of a store, one rotation of each galaxy.

    Returns
    -------
    {"directions": {"gas -> stars": {"baseline" | "single" | "mean" | "ensemble": scores}}, "focus"
    and "all": means over the talk's five directions and over all, and what was run}. "single" is
    one sample, "mean" the mean of `samples` in normalized units; they are the same for a one-step
    translator. "ensemble" has the fair CRPS in dex, to be held against the baseline's mean absolute
    error, which is its CRPS, and the spread over the error (absent for a one-step translator).
    """
    constants = translator.normalization
    train, test = (MapDataset(path, split, normalization=constants) for split in ("train", "test"))
    if tuple(test.domains) != translator.domains:
        raise ValueError(
            f"{path} must hold the domains of {translator.name}, {translator.domains}, "
            f"got {test.domains}"
        )
    _, first = np.unique(test.names, return_index=True)
    rows = np.sort(first)[:galaxies]
    fitted = np.arange(len(train))[:: max(1, len(train) // 400)]
    steps = num_steps or translator.default_steps
    samples = samples if translator.process.is_random else 1
    results: dict[str, Any] = {}
    pairs = list(directions_of(translator.domains))
    for source, target in tqdm(pairs, unit="direction", file=sys.stderr):
        known, _ = _maps_of(train, fitted, source, target)
        (y, x), extents = _maps_of(test, rows, source, target)
        if not len(x) or not len(known[0]):
            continue
        drawn = translator.sample_normalized(
            y, source, target, num_steps=steps, num_samples=samples, sampler=sampler
        )
        results[f"{source} -> {target}"] = {
            "baseline": scores_of(PixelwiseRegression(*known)(y), x, target, extents, constants),
            "single": scores_of(drawn[:, 0], x, target, extents, constants),
            "mean": scores_of(drawn.mean(axis=1), x, target, extents, constants),
            "ensemble": ensemble_scores(drawn, x, target, constants),
        }
    return {
        "data": f"{Path(path).name}, test split", "galaxies": len(rows), "samples": samples,
        "steps": steps if translator.process.is_iterative else 1,
        "sampler": sampler or translator.default_sampler,
        "focus": _average(results, [f"{s} -> {t}" for s, t in FOCUS]),
        "all": _average(results, list(results)),
        "directions": results,
    }  # fmt: skip


def _maps_of(
    maps: MapDataset, rows: NDArray[Any], source: str, target: str
) -> tuple[tuple[NDArray[Any], NDArray[Any]], NDArray[Any]]:
    """Return (sources, targets) (k, H, W) and sides (k,) of the rows that have both domains."""
    s, t = maps.domains.index(source), maps.domains.index(target)
    rows = rows[maps.available.numpy()[rows][:, [s, t]].all(axis=1)]
    return (maps.maps[rows, s].numpy(), maps.maps[rows, t].numpy()), maps.extent_kpc[rows]


def _average(results: dict[str, Any], names: list[str]) -> dict[str, dict[str, float]]:
    rows = [results[n] for n in names if n in results]
    if not rows:
        return {}
    return {
        kind: {metric: float(np.mean([row[kind][metric] for row in rows])) for metric in metrics}
        for kind, metrics in rows[0].items()
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


_COLUMNS = {
    "pixelwise MAE": ("baseline", "mae_dex"),
    "one sample MAE": ("single", "mae_dex"),
    "mean MAE": ("mean", "mae_dex"),
    "CRPS": ("ensemble", "crps_dex"),
    "spread / error": ("ensemble", "spread_over_error"),
    "pixelwise profile": ("baseline", "profile_dex"),
    "one sample profile": ("single", "profile_dex"),
    "mean profile": ("mean", "profile_dex"),
    "pixelwise small-scale power": ("baseline", "small_scale_power"),
    "one sample small-scale power": ("single", "small_scale_power"),
}


def table(scores: dict[str, Any]) -> str:
    """Return the scores as a Markdown table, in dex but for the ratios."""
    lines = [f"| direction | {' | '.join(_COLUMNS)} |", "|---" * (1 + len(_COLUMNS)) + "|"]
    rows = {"five from gas": scores["focus"], "all": scores["all"], **scores["directions"]}
    for name, row in rows.items():
        if not row:
            continue
        cells = [
            f"{row[kind][metric]:.3f}" if metric in row[kind] else "–"
            for kind, metric in _COLUMNS.values()
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> int:
    """Run `python -m train evaluate`."""
    if options.threads:
        torch.set_num_threads(options.threads)
    device = str(place_of(options.device))
    translator = Translator.load(options.checkpoint, device=device)
    scores = _rounded(
        evaluate(translator, options.data, galaxies=options.galaxies, samples=options.samples,
                 num_steps=options.steps, sampler=options.sampler)
    )  # fmt: skip
    print(table(scores))
    if options.write_card:
        folder = checkpoint_folder(options.checkpoint)
        write_card(folder, {**read_card(folder), "scores": scores})
    return 0
