"""Measure what translators make of observed HI: docs/figures/observation_study.json.

python docs/figures/observation_study.py runs/synthetic-64 [--galaxies 12] [--samples 8]
python docs/figures/observation_study.py  # draws docs/images/observation_study.png again

HI to dark matter, hold-out galaxies put at several distances and observed for several times, with
shipped weights that were trained on maps without an instrument and with those that were trained on
observed ones. `masked` maps have zero where the observed map is below three times its noise.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from data.normalize import denormalize, normalize, to_log
from data.observation import Instrument, RadioObservation
from data.observed_store import OBSERVED_HI
from data.store import MapStore
from data.summary import spread_out
from engine.metrics.ensemble import fair_crps, spread_over_error
from engine.translator import Translator

RESULTS = Path(__file__).with_suffix(".json")
PICTURE = Path(__file__).parents[1] / "images" / "observation_study.png"
DISTANCES_MPC, HOURS = (60.0, 120.0, 240.0), (1.0, 10.0, 100.0, None)
# The middle distance first.
SETTINGS = [(d, h) for d in (120.0, 240.0, 60.0) for h in HOURS]
PLAIN, TAUGHT, TARGET = "flow", "observed", "dark_matter"
LARGEST_KPC = 270.0  # at the nearest distance, what the dishes see evenly
COLORS = {60.0: "#0072b2", 120.0: "#d55e00", 240.0: "#009e73"}
LAST = 600.0  # hours at which maps without noise are drawn


def holdout(data: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return HI and dark matter maps (n, H, W) and sides (n,) in kpc of hold-out galaxies."""
    with MapStore.open(data) as store:
        rows = store.select(split="test")
        extents = store.column("extent_kpc")[rows]
        rows = rows[(extents < LARGEST_KPC) & store.column("available")[rows].all(axis=1)]
        _, first = np.unique(store.column("name")[rows], return_index=True)
        rows = rows[first[spread_out(len(first), count)]]
        maps = store.read(rows, ["hi", TARGET])
        return maps[:, 0], maps[:, 1], store.column("extent_kpc")[rows]


def observed(maps: np.ndarray, extents: np.ndarray, **asked) -> tuple[np.ndarray, np.ndarray]:
    """Return the observed maps and their noise (n,) in Msun/kpc^2."""
    seen = [
        Instrument(RadioObservation(**asked), len(truth), extent).observe(truth, seed=number)
        for number, (truth, extent) in enumerate(zip(maps, extents, strict=True))
    ]
    return (
        np.stack([one.surface_density for one in seen]),
        np.array([one.noise_surface_density for one in seen]),
    )


def score(translator: Translator, sources: np.ndarray, truths: np.ndarray, samples: int) -> dict:
    """Return scores in dex of `TARGET` from HI maps."""
    constants = translator.normalization
    source = "hi" if "hi" in translator.sources else OBSERVED_HI
    drawn = translator.sample_normalized(
        normalize(sources, source, constants), source, TARGET, num_samples=samples
    )
    dex = to_log(denormalize(drawn, TARGET, constants), TARGET)
    truth = to_log(truths, TARGET)
    draws = np.moveaxis(dex, 1, 0)
    bias = float((draws.mean(axis=0) - truth).mean())
    return {
        "crps": round(float(fair_crps(draws, truth).mean()), 4),
        "error": round(float(np.sqrt(np.square(draws.mean(axis=0) - truth).mean())), 4),
        "spread": round(float(np.sqrt(draws.var(axis=0, ddof=1).mean())), 4),
        "spread_over_error": round(spread_over_error(draws, truth), 3),
        "bias": round(bias, 4),
        "galaxies": np.round(fair_crps(draws, truth).mean(axis=(1, 2)), 4).tolist(),
    }


def study(data: str, count: int, samples: int) -> dict:
    """Measure everything; the numbers are kept after each setting."""
    maps, truths, extents = holdout(data, count)
    plain, taught = Translator.load(PLAIN), Translator.load(TAUGHT)
    results: dict = {
        "data": f"{Path(data).name}, test split", "galaxies": len(maps), "samples": samples,
        "target": TARGET, "extent_kpc": np.round(extents, 1).tolist(), "settings": [],
    }  # fmt: skip
    if RESULTS.exists():
        before = json.loads(RESULTS.read_text(encoding="utf-8"))
        if all(before[name] == results[name] for name in ("data", "galaxies", "samples")):
            results = before
    if "truth" not in results:
        results["truth"] = {PLAIN: score(plain, maps, truths, samples)}
    done = {(one["distance_mpc"], one["hours"]) for one in results["settings"]}
    for distance, hours in tqdm([one for one in SETTINGS if one not in done], file=sys.stderr):
        asked = {"hours": hours} if hours else {"has_noise": False}
        seen, noise = observed(maps, extents, distance_mpc=distance, **asked)
        one = {
            "distance_mpc": distance, "hours": hours,
            "noise": float(np.mean(noise)) if hours else 0.0,
            "flux_ratio": np.round((seen.sum((1, 2)) / maps.sum((1, 2))).astype(float), 3).tolist(),
        }  # fmt: skip
        masked = np.where(seen > 3.0 * noise[:, None, None], seen, 0.0)
        one[PLAIN] = score(plain, seen, truths, samples)
        one[TAUGHT] = score(taught, seen, truths, samples)
        if hours:
            one[f"{PLAIN}, masked"] = score(plain, masked, truths, samples)
        results["settings"].append(one)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def draw(results: dict) -> Figure:
    """Draw CRPS, and error and spread of the samples, against the integration time."""
    figure = Figure(figsize=(9.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    truth = results["truth"][PLAIN]
    for distance, color in COLORS.items():
        found = [s for s in results["settings"] if s["distance_mpc"] == distance]
        found.sort(key=lambda one: one["hours"] or LAST)
        hours = [one["hours"] or LAST for one in found]
        for key, style in ((TAUGHT, "-"), (PLAIN, ":"), (f"{PLAIN}, masked", "--")):
            shown = [one for one in found if key in one]
            label = f"{distance:g} Mpc" if style == "-" else None
            left.plot(hours[: len(shown)], [one[key]["crps"] for one in shown], style, color=color,
                      marker="o", ms=3, label=label)  # fmt: skip
        for key, style in (("error", "-"), ("spread", ":")):
            right.plot(hours, [one[TAUGHT][key] for one in found], style, color=color, marker="o",
                       ms=3)  # fmt: skip
    left.plot([], [], "-", color="#444444", label="trained on observed maps")
    left.plot([], [], ":", color="#444444", label="trained on true maps")
    left.plot([], [], "--", color="#444444", label="the same, zero below 3 sigma")
    left.axhline(truth["crps"], color="#888888", lw=0.8)
    left.set_ylabel("CRPS of dark matter (dex)")
    right.plot([], [], "-", color="#444444", label="error of the samples' mean")
    right.plot([], [], ":", color="#444444", label="spread of the samples")
    for key in ("error", "spread"):
        right.axhline(truth[key], color="#888888", lw=0.8, ls=":" if key == "spread" else "-")
    right.set_ylabel("trained on observed maps (dex)")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks([1, 10, 100, LAST], ["1", "10", "100", "no noise"])
        axes.minorticks_off()
        axes.set_xlabel("hours with SKA-Mid; gray lines: the true HI map")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, ncols=2 if axes is left else 1)
    left.set_ylim(top=0.58)
    return figure


def main() -> None:
    """Measure, write the numbers, draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", help="map store")
    parser.add_argument("--galaxies", type=int, default=12)
    parser.add_argument("--samples", type=int, default=8)
    options = parser.parse_args()
    if options.data:
        results = study(options.data, options.galaxies, options.samples)
    else:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    draw(results).savefig(PICTURE, dpi=150)


if __name__ == "__main__":
    main()
