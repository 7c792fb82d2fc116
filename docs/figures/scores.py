"""The tables of scores in the README, from the cards of the shipped checkpoints.

python docs/figures/scores.py          # prints them
python docs/figures/scores.py --write  # puts them into the README
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- scores -->\n", "<!-- /scores -->\n"
# In the order in which they are told.
FAMILIES = ("pix2pix", "ddpm", "indi", "score_sde", "edm", "flow", "dim")
FOCUS = ("dark_matter", "stars", "hi", "temperature", "magnetic_field")
LABELS = {"dark_matter": "dark matter", "hi": "HI", "magnetic_field": "magnetic field"}


def cards() -> dict[str, dict[str, Any]]:
    """Return the cards of shipped checkpoints that have scores, by name."""
    found = {}
    for name in FAMILIES:
        path = ROOT / "engine" / "checkpoints" / name / "card.json"
        if path.exists() and "scores" in (card := json.loads(path.read_text())):
            found[name] = card
    return found


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def directions(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the table of CRPS by direction, a column a translator."""
    scores = [card["scores"] for card in found.values()]
    rows = []
    for target in FOCUS:
        parts = [s["directions"][f"gas -> {target}"] for s in scores]
        rows.append([f"gas → {LABELS.get(target, target)}", *_crps(parts)])
    rows.append(["mean of these five", *_crps([s["focus"] for s in scores])])
    rows.append(["mean of all 42", *_crps([s["all"] for s in scores])])
    return _table(["CRPS, dex", "pixelwise", *(c["title"] for c in found.values())], rows)


def _crps(parts: list[dict[str, Any]]) -> list[str]:
    values = [parts[0]["baseline"]["mae_dex"], *(p["ensemble"]["crps_dex"] for p in parts)]
    return [f"{value:.3f}" for value in values]


def _minutes(training: dict[str, Any], found: dict[str, dict[str, Any]]) -> str:
    """Return the minutes of training, with those of the translator that it started from."""
    own = f"{training['seconds'] / 60:.0f}"
    start = found.get(training.get("init", {}).get("name", ""))
    return f"{start['training']['seconds'] / 60:.0f} + {own}" if start else own


def translators(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the table of means over all directions, a row a translator."""
    first = next(iter(found.values()))["scores"]["all"]["baseline"]
    rows = [
        ["pixelwise", "–", "–", f"{first['mae_dex']:.3f}", "–", f"{first['mae_dex']:.3f}", "–",
         f"{first['small_scale_power']:.2f}", "–"]
    ]  # fmt: skip
    for card in found.values():
        scores, training = card["scores"], card["training"]
        mean, single = scores["all"]["mean"], scores["all"]["single"]
        ensemble = scores["all"]["ensemble"]
        spread = ensemble.get("spread_over_error")
        wins = sum(
            row["ensemble"]["crps_dex"] < row["baseline"]["mae_dex"]
            for row in scores["directions"].values()
        )
        rows.append([
            card["title"], _minutes(training, found), f"{scores['steps']}",
            f"{single['mae_dex']:.3f}", f"{mean['mae_dex']:.3f}" if spread else "–",
            f"{ensemble['crps_dex']:.3f}", f"{spread:.2f}" if spread else "–",
            f"{single['small_scale_power']:.2f}", f"{wins} of {len(scores['directions'])}",
        ])  # fmt: skip
    head = [
        "means of all 42", "minutes", "steps", "one sample, dex", "mean of samples, dex",
        "CRPS, dex", "spread / error", "small-scale power", "better than pixelwise",
    ]  # fmt: skip
    return _table(head, rows)


def text() -> str:
    """Return both tables as Markdown."""
    found = cards()
    return "\n".join([*translators(found), "", *directions(found), ""])


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
