"""How methods stand beside one another on hold-out galaxies, as their evaluation files say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from data.domains import get_domain
from engine.evaluation import Evaluation

Pair = tuple[str, str]

BASELINE = "pixelwise"


@dataclass(frozen=True)
class Column:
    """One column of the table of methods.

    Attributes
    ----------
    head, unit, text : what it is, in which unit, and what that means.
    of : takes a method's number from its evaluation and the scores of a direction.
    write : the number as people read it.
    loss : least for the best of a column; None where none is.
    """

    head: str
    unit: str
    text: str
    of: Callable[[Evaluation, Mapping[str, float]], float | None]
    write: Callable[[float], str]
    loss: Callable[[float], float] | None = lambda value: value


def _score(name: str) -> Callable[[Evaluation, Mapping[str, float]], float | None]:
    return lambda evaluation, scores: scores[name]


def _fixed(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{digits}f}"


def _off_one(value: float) -> float:
    return float("inf") if value <= 0 else abs(float(np.log(value)))


COLUMNS = (
    Column("CRPS", "dex", "Continuous ranked probability score of the samples, which rewards both "
           "a small error and an honest spread; of a single map it is the absolute error",
           _score("crps_dex"), _fixed(3)),
    Column("MAE, one sample", "dex", "Mean absolute error of one sample; 0.3 dex is a factor of 2",
           _score("mae_dex"), _fixed(3)),
    Column("MAE of the mean", "dex", "Mean absolute error of the samples’ mean",
           _score("mean_mae_dex"), _fixed(3)),
    Column("Spread / error", "", "1 where samples scatter by as much as they are wrong; less is "
           "overconfident", _score("spread_over_error"), _fixed(2), _off_one),
    Column("Small-scale power", "", "Power of a sample over the truth’s, at wavelengths of 3 to 8 "
           "pixels; less than 1 is too smooth", _score("small_scale_power"), _fixed(2), _off_one),
    Column("Profile error", "dex", "Mean absolute error of a sample’s radial profile",
           _score("profile_dex"), _fixed(3)),
    Column("Total error", "dex", "Mean absolute error of what a sample’s map holds in all",
           _score("total_dex"), _fixed(3)),
    Column("Einstein radius", "%", "Median error of the Einstein radius of a sample’s dark matter, "
           "as if 20 times as massive, at redshift 0.5 before a source at 2; of targets that are "
           "dark matter alone",
           lambda e, s: 100.0 * s["einstein_radius_error"], _fixed(0)),
    Column("Time a map", "s", "Of one sample, measured in batches on the device that the "
           "evaluation names", lambda e, s: e.method.seconds_per_map, lambda v: f"{v:.2g}"),
    Column("Parameters", "10⁶", "Of the network",
           lambda e, s: _scaled(e.method.parameters, 1e-6), _fixed(1)),
    Column("Training", "min", "With that of the weights it started from",
           lambda e, s: e.method.training_minutes, _fixed(0)),
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """A method's row of the table.

    Attributes
    ----------
    name, title : of the method.
    is_baseline : without a network.
    values, words : a number and its text by column; None and a dash where there is none.
    best : by column, whether none is better.
    device : that times were taken on.
    """

    name: str
    title: str
    is_baseline: bool
    values: tuple[float | None, ...]
    words: tuple[str, ...]
    best: tuple[bool, ...] = ()
    device: str = ""


@dataclass(frozen=True)
class Comparison:
    """All that the page compares, for one translator and direction.

    Attributes
    ----------
    standings : of all methods that were evaluated in this direction.
    ratios : {direction: (CRPS of the translator, of the baseline)} in dex, where both are known.
    problem : one sentence on why there is nothing of the translator; empty where there is.
    """

    standings: tuple[Standing, ...] = ()
    ratios: Mapping[Pair, tuple[float, float]] | None = None
    problem: str = ""


def compare(
    evaluations: Mapping[str, Evaluation], translator: str | None, source: str, target: str
) -> Comparison:
    """Return what evaluations say of all methods and of one translator in one direction."""
    standings = standings_of(evaluations, (source, target))
    own = evaluations.get(translator or "")
    if source == target:
        label = get_domain(source).label.lower()
        return Comparison(problem=f"Source and target are both {label}: choose two domains.")
    if own is None:
        problem = f"There is no evaluation of {translator or 'a translator'}."
        return Comparison(standings, problem=problem)
    ratios = crps_ratios(evaluations, own.method.name)
    return Comparison(standings, ratios)


def standings_of(evaluations: Mapping[str, Evaluation], pair: Pair) -> tuple[Standing, ...]:
    """Return the rows of the table of methods, least CRPS first, the best of each column marked.

    What reads alike is equally good; where all read alike, none is the best.
    """
    rows = []
    for name, evaluation in evaluations.items():
        if pair not in evaluation.pairs:
            continue
        direction = evaluation.direction(*pair)
        scores = direction.scores()
        if direction.num_samples < 2:
            scores["mean_mae_dex"] = float("nan")  # there is but one map
        found = [column.of(evaluation, scores) for column in COLUMNS]
        values = tuple(None if v is None or not np.isfinite(v) else float(v) for v in found)
        words = tuple(
            "–" if v is None else c.write(v) for v, c in zip(values, COLUMNS, strict=True)
        )
        method = evaluation.method
        rows.append(Standing(
            name, method.title, method.family == "baseline", values, words,
            device=method.device or "",
        ))  # fmt: skip
    rows.sort(key=lambda row: float("inf") if row.values[0] is None else row.values[0])
    best = list(zip(*(_best(rows, place) for place in range(len(COLUMNS))), strict=True))
    return tuple(replace(row, best=marks) for row, marks in zip(rows, best, strict=True))


def _best(rows: list[Standing], place: int) -> list[bool]:
    """Return for each row whether its number is the best of a column."""
    loss = COLUMNS[place].loss
    losses = [
        None if loss is None or row.values[place] is None else loss(float(row.words[place]))
        for row in rows
    ]
    known = {each for each in losses if each is not None}
    return [len(known) > 1 and each == min(known) for each in losses]


def crps_ratios(
    evaluations: Mapping[str, Evaluation], translator: str
) -> dict[Pair, tuple[float, float]] | None:
    """Return the CRPS of a translator and of the baseline by direction; None without baseline."""
    if BASELINE not in evaluations:
        return None
    own, base = evaluations[translator], evaluations[BASELINE]
    both = [pair for pair in own.pairs if pair in base.pairs]
    return {
        pair: (own.direction(*pair).crps_dex(), base.direction(*pair).crps_dex()) for pair in both
    }


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
