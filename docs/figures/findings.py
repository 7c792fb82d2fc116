"""The tables of docs/findings.md, from the evaluations of the shipped checkpoints.

python docs/figures/findings.py                     # prints them
python docs/figures/findings.py --write             # puts them into docs/findings.md
python docs/figures/findings.py --shift runs/shift  # first scores on other maps, to shift.json
python docs/figures/findings.py --lensing runs/lensing  # first Einstein radii, to lensing.json

`--shift` names a folder with one folder of evaluation files for each set of maps, `--lensing` one
with evaluation files of 39 samples a map from gas and from HI to dark matter.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from scores import LABELS, shipped, table

from data.line21cm import column_density
from engine.evaluation import Evaluation

HERE = Path(__file__).parent
DOCUMENT, SHIFT = HERE.parent / "findings.md", HERE / "shift.json"
OBSERVED = HERE / "observation_study.json"
LENSING = HERE / "lensing.json"
LEVELS = (0.5, 0.68)
LENSES = (("gas", "dark_matter"), ("hi", "dark_matter"))
_NOTHING = 10.0
SHIFTED = ("crps_dex", "mae_dex", "spread_over_error", "small_scale_power")
Shipped = dict[str, Evaluation]


def _number(value: float, digits: int = 2) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))


def _crps(evaluation: Evaluation) -> np.ndarray:
    return np.array([evaluation.direction(*pair).crps_dex() for pair in evaluation.pairs])


def by_target(found: Shipped) -> list[str]:
    """Return how much of the pixelwise error is left, mean over sources, targets and all."""
    best, base = found["ddpm"], found["pixelwise"]
    left = dict(zip(best.pairs, _crps(best) / _crps(base), strict=True))
    # HI and 21 cm brightness are functions of each other: what is left of nothing says nothing.
    left = {pair: ratio for pair, ratio in left.items() if ratio < _NOTHING}
    rows = []
    domains = list(best.maps.domains)
    for source in domains:
        cells = [_number(left.get((source, target), np.nan)) for target in domains]
        rows.append([f"**{_label(source)}**", *cells])
    means = [np.mean([v for (_, t), v in left.items() if t == target]) for target in domains]
    rows.append(["mean", *map(_number, means)])
    return table(["from \\ to", *map(_label, domains)], rows)


def coupling(found: Shipped) -> list[str]:
    """Return rank correlations of the directions' difficulty between methods."""
    rows = []
    base, best = _crps(found["pixelwise"]), _crps(found["ddpm"])
    for name, evaluation in found.items():
        if name not in ("identity", "pixelwise"):
            own = _crps(evaluation)
            rows.append([
                evaluation.method.title, _number(float(spearmanr(own, base)[0])),
                _number(float(spearmanr(own, best)[0])),
            ])  # fmt: skip
    return table(["", "with pixelwise", "with DDPM"], rows)


def calibration(found: Shipped) -> list[str]:
    """Return coverage and spread over error in the five directions from gas."""
    rows = []
    for evaluation in found.values():
        parts = [evaluation.direction(*pair) for pair in evaluation.focus]
        if parts[0].num_samples < 2:
            continue
        cells = [evaluation.method.title]
        for of in ("pixels", "profile", "total"):
            cells += map(_number, np.mean([d.coverage(of, LEVELS) for d in parts], axis=0))
        by_scale = np.mean([d.spread_skill_by_scale() for d in parts], axis=0)
        modes = parts[0].modes
        wavelength = evaluation.maps.grid_size / modes
        for low, high in ((16, 99), (8, 16), (3, 8)):
            band = (wavelength >= low) & (wavelength < high)
            cells.append(_number(np.average(by_scale[band], weights=modes[band])))
        rows.append(cells)
    head = [f"{of} {round(100 * level)} %" for of in ("pixels", "profiles", "totals")
            for level in LEVELS]  # fmt: skip
    scales = [f"spread / error, {name} pixels" for name in ("16 and more", "8 to 16", "3 to 8")]
    return table(["", *head, *scales], rows)


def shift(_: Shipped) -> list[str]:
    """Return scores on other maps than those of training."""
    sets = json.loads(SHIFT.read_text(encoding="utf-8"))
    names = list(dict.fromkeys(name for scores in sets.values() for name in scores))
    rows = [
        [label, f"{max(s['galaxies'] for s in scores.values())}",
         *(_number(scores.get(name, {}).get("crps_dex", np.nan), 3) for name in names),
         *(_number(scores.get(name, {}).get("spread_over_error", np.nan)) for name in names
           if name not in ("identity", "pixelwise", "l1", "pix2pix"))]
        for label, scores in sets.items()
    ]  # fmt: skip
    titles = {n: s["title"] for scores in sets.values() for n, s in scores.items()}
    random = [n for n in names if n not in ("identity", "pixelwise", "l1", "pix2pix")]
    return table(
        ["maps", "stacks", *(f"CRPS, {titles[n]}" for n in names),
         *(f"spread / error, {titles[n]}" for n in random)], rows,
    )  # fmt: skip


def lensing(found: Shipped) -> list[str]:
    """Return errors of Einstein radii, of all, and their coverage by many samples."""
    many = json.loads(LENSING.read_text(encoding="utf-8"))
    rows = []
    for name, evaluation in found.items():
        cells = [evaluation.method.title]
        for source, target in LENSES:
            error = evaluation.direction(source, target).einstein_radius_error()
            more = many.get(name, {}).get(source, {})
            off = more.get("error_of_median")
            cells += [f"{100 * error:.0f} %", "–" if off is None else f"{100 * off:.0f} %"]
            cells.append(_number(more.get("median_over_truth", np.nan)))
            cells += [_number(value) for value in more.get("coverage", [np.nan] * 3)]
        rows.append(cells)
    heads = (
        "error of a sample",
        "of the median",
        "median / truth",
        *(f"{level} %" for level in (50, 68, 95)),
    )
    return table(["", *(f"{s}: {head}" for s in ("gas", "HI") for head in heads)], rows)


def observed(_: Shipped) -> list[str]:
    """Return scores of dark matter from HI maps as SKA-Mid sees them."""
    results = json.loads(OBSERVED.read_text(encoding="utf-8"))
    settings = sorted(
        results["settings"], key=lambda one: (one["distance_mpc"], one["hours"] or np.inf)
    )
    rows = [["the true map", "–", "–", *_scores(results["truth"]["flow"]), *("–" * 6)]]
    for one in settings:
        hours = f"{one['hours']:g} h" if one["hours"] else "no noise"
        noise = f"{column_density(one['noise']) / 1e19:.1f}" if one["hours"] else "–"
        rows.append([f"{one['distance_mpc']:g} Mpc", hours, noise, *_scores(one["flow"]),
                     *(_scores(one["flow, masked"]) if one["hours"] else "–––"),
                     *_scores(one["observed"])])  # fmt: skip
    heads = ("CRPS", "spread", "spread / error")
    return table(
        ["maps", "time", "noise, 10¹⁹ cm⁻²", *heads, *(f"{head}, masked" for head in heads),
         *(f"{head}, trained on observed" for head in heads)], rows,
    )  # fmt: skip


def _scores(of: dict) -> list[str]:
    return [_number(of["crps"], 3), _number(of["spread"], 3), _number(of["spread_over_error"])]


def read_lensing(folder: Path) -> None:
    """Write lensing.json: of each method and source the error and bias of the samples' median
    radius, and how often central intervals hold the truth's.
    """
    made: dict[str, dict] = {}
    for path in sorted(folder.glob("[!.]*.h5")):
        evaluation = Evaluation.read(path)
        for source, target in LENSES:
            found = evaluation.direction(source, target)
            truth = found.truth("einstein_radius_kpc")
            ratio = np.median(found.samples("einstein_radius_kpc"), axis=1) / truth
            made.setdefault(path.stem, {})[source] = {
                "galaxies": int(np.isfinite(truth).sum()), "samples": found.num_samples,
                "error_of_median": round(float(np.nanmedian(np.abs(ratio - 1.0))), 4),
                "median_over_truth": round(float(np.nanmedian(ratio)), 4),
                "coverage": [round(v, 4) for v in found.coverage("einstein_radius_kpc").tolist()],
            }  # fmt: skip
    LENSING.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def read_shift(folder: Path) -> None:
    """Write shift.json: mean scores of the five directions from gas, by set and method."""
    sets: dict[str, dict] = {}
    for path in sorted(folder.glob("*/*.h5")):
        evaluation = Evaluation.read(path)
        scores = evaluation.scores(evaluation.focus)
        sets.setdefault(path.parent.name, {})[path.stem] = {
            "title": evaluation.method.title, "galaxies": len(evaluation.galaxies),
            **{k: round(scores[k], 4) if np.isfinite(scores[k]) else None for k in SHIFTED},
        }  # fmt: skip
    SHIFT.write_text(json.dumps(sets, indent=1) + "\n", encoding="utf-8")


TABLES: dict[str, Callable[[Shipped], list[str]]] = {
    "by target": by_target, "coupling": coupling, "calibration": calibration, "shift": shift,
    "observed": observed, "lensing": lensing,
}  # fmt: skip


def fill(text: str, found: Shipped) -> str:
    """Return the document with its tables made anew."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        before, rest = text.split(begin)
        text = before + begin + "\n".join(make(found)) + "\n" + end + rest.split(end)[1]
    return text


def main() -> None:
    """Print the tables, or put them where the document has them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/findings.md")
    parser.add_argument("--shift", type=Path, help="folder of sets of evaluation files")
    parser.add_argument("--lensing", type=Path, help="folder of evaluation files of 39 samples")
    options = parser.parse_args()
    if options.lensing:
        read_lensing(options.lensing)
    if options.shift:
        read_shift(options.shift)
    found = shipped()
    if options.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(fill(text, found), encoding="utf-8")
    else:
        print("\n\n".join("\n".join(make(found)) for make in TABLES.values()))


if __name__ == "__main__":
    main()
