"""Draw docs/images/steps.png: how many steps each shipped translator needs.

python docs/figures/steps.py runs/synthetic-64 [--galaxies 8] [--samples 2]
python docs/figures/steps.py  # draws the last numbers again

Scores of the five directions from gas on hold-out galaxies; the numbers go to steps.json beside
this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from data.dataset import MapDataset
from engine.metrics.ensemble import fair_crps
from engine.metrics.spectrum import small_scale_power
from engine.translator import Translator, available
from train.config import FOCUS

RESULTS = Path(__file__).with_suffix(".json")
PICTURE = Path(__file__).parents[1] / "images" / "steps.png"
STEPS = (1, 2, 4, 8, 16, 32)
SAMPLERS = {"ddim": "-", "dpm_solver": "--"}
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def measure(translator: Translator, maps: MapDataset, rows: np.ndarray, samples: int) -> dict:
    """Return {sampler: [[CRPS in dex, small-scale power] of each number of steps]}."""
    found: dict[str, list] = {}
    for sampler in SAMPLERS:
        for num_steps in tqdm(STEPS, desc=f"{translator.name} {sampler}", file=sys.stderr):
            scores = []
            for source, target in FOCUS:
                s, t = maps.domains.index(source), maps.domains.index(target)
                y, x = maps.maps[rows, s].numpy(), maps.maps[rows, t].numpy()
                drawn = translator.sample_normalized(
                    y, source, target, num_steps=num_steps, num_samples=samples, sampler=sampler
                )
                crps = fair_crps(drawn, x, axis=1).mean()
                scale = translator.normalization[target].scale_dex
                scores.append((crps * scale, small_scale_power(drawn[:, 0], x)))
            found.setdefault(sampler, []).append(np.mean(scores, axis=0).round(4).tolist())
    return found


def study(data: str, galaxies: int, samples: int) -> dict:
    """Measure all iterative translators at hand; the numbers are kept after each of them."""
    results: dict = {
        "data": f"{Path(data).name}, test split", "galaxies": galaxies,
        "samples": samples, "steps": STEPS, "translators": {},
    }  # fmt: skip
    for name, card in available().items():
        translator = Translator.load(name)
        if not translator.process.is_iterative:
            continue
        maps = MapDataset(data, "test", normalization=translator.normalization)
        _, first = np.unique(maps.names, return_index=True)
        rows = np.sort(first)[:galaxies]
        scores = measure(translator, maps, rows, samples)
        results["translators"][name] = {"title": card["title"], "scores": scores}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def draw(results: dict) -> Figure:
    """Draw CRPS and small-scale power against the number of steps."""
    steps = results["steps"]
    figure = Figure(figsize=(8.2, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for color, one in zip(COLORS, results["translators"].values(), strict=False):
        for sampler, style in SAMPLERS.items():
            crps, power = np.transpose(one["scores"][sampler])
            label = one["title"] if style == "-" else None
            left.plot(steps, crps, style, color=color, label=label, lw=1.5)
            right.plot(steps, power, style, color=color, lw=1.5)
    right.axhline(1.0, color="#888888", lw=0.8)
    right.plot([], [], "-", color="#444444", label="DDIM")
    right.plot([], [], "--", color="#444444", label="DPM-Solver++(2M)")
    left.set_ylabel("CRPS (dex), five directions from gas")
    right.set_ylabel("power at 3 to 8 pixels, sample / truth")
    for axes, place in ((left, "upper right"), (right, "lower right")):
        axes.set_xscale("log", base=2)
        axes.set_xticks(steps, [str(n) for n in steps])
        axes.set_xlabel("steps, one evaluation of the network each")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc=place)
    return figure


def main() -> None:
    """Measure, write the numbers, draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", help="map store")
    parser.add_argument("--galaxies", type=int, default=8)
    parser.add_argument("--samples", type=int, default=2)
    options = parser.parse_args()
    if options.data:
        results = study(options.data, options.galaxies, options.samples)
    else:
        results = json.loads(RESULTS.read_text(encoding="utf-8"))
    draw(results).savefig(PICTURE, dpi=150)


if __name__ == "__main__":
    main()
