"""The tables of scores in the README, from the evaluations of the shipped checkpoints.

python docs/figures/scores.py          # prints them
python docs/figures/scores.py --write  # puts them into the README
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from engine.evaluation import Evaluation
from engine.shelf import EVALUATION, SHIPPED, available
from train.report.style import ordered

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- scores -->\n", "<!-- /scores -->\n"
LABELS = {"dark_matter": "dark matter", "hi": "HI", "magnetic_field": "magnetic field"}


def shipped() -> dict[str, Evaluation]:
    """Return the evaluations of shipped translators of galaxies' maps and baselines, by name."""
    paths = {path.parent.name: path for path in sorted(SHIPPED.glob(f"*/{EVALUATION}"))}
    for name in available(observed=True):
        paths.pop(name, None)
    return {name: Evaluation.read(paths[name]) for name in ordered(paths)}


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def directions(found: dict[str, Evaluation]) -> list[str]:
    """Return the table of CRPS by direction of focus, a column a method."""
    rows = []
    for source, target in next(iter(found.values())).focus:
        crps = (e.direction(source, target).crps_dex() for e in found.values())
        labels = (LABELS.get(name, name) for name in (source, target))
        rows.append([" → ".join(labels), *map(_number, crps)])
    for label, pairs in (("these five", "focus"), ("all 42", "pairs")):
        means = (e.scores(getattr(e, pairs))["crps_dex"] for e in found.values())
        rows.append([f"mean of {label}", *map(_number, means)])
    return table(["CRPS, dex", *(e.method.title for e in found.values())], rows)


def _wins(evaluation: Evaluation, baseline: Evaluation) -> str:
    """Return in how many directions the CRPS is below that of the baseline."""
    crps = [
        [each.direction(*pair).crps_dex() for pair in evaluation.pairs]
        for each in (evaluation, baseline)
    ]
    return f"{sum(own < other for own, other in zip(*crps, strict=True))} of {len(crps[0])}"


def _einstein(evaluation: Evaluation) -> str:
    """Return the error of the Einstein radius of dark matter that is drawn from gas."""
    return f"{100.0 * evaluation.direction('gas', 'dark_matter').einstein_radius_error():.0f} %"


def methods(found: dict[str, Evaluation]) -> list[str]:
    """Return the table of means over all directions, a row a method."""
    rows = []
    for name, evaluation in found.items():
        method, scores = evaluation.method, evaluation.scores()
        is_random = method.samples > 1
        rows.append([
            method.title, _number(method.training_minutes, 0), f"{method.steps}",
            _number(scores["mae_dex"]), _number(scores["mean_mae_dex"]) if is_random else "–",
            _number(scores["crps_dex"]), _number(scores["spread_over_error"], 2),
            _number(scores["small_scale_power"], 2), _einstein(evaluation),
            "–" if name == "pixelwise" else _wins(evaluation, found["pixelwise"]),
        ])  # fmt: skip
    head = [
        "means of all 42", "minutes", "steps", "one sample, dex", "mean of samples, dex",
        "CRPS, dex", "spread / error", "small-scale power", "Einstein radius from gas",
        "better than pixelwise",
    ]  # fmt: skip
    return table(head, rows)


def text() -> str:
    """Return both tables as Markdown."""
    found = shipped()
    return "\n".join([*methods(found), "", *directions(found), ""])


def main() -> None:
    """Print the tables, or put them where the README has them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into the README")
    if parser.parse_args().write:
        before, rest = README.read_text().split(BEGIN)
        README.write_text(before + BEGIN + text() + END + rest.split(END)[1])
    else:
        print(text())


if __name__ == "__main__":
    main()
