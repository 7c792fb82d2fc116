"""Sections of numbers: scores, directions, cost, and where all of them come from."""

from __future__ import annotations

from train.report import tables
from train.report.document import Part, Picture, Section, Table
from train.report.figures import summary
from train.report.gather import BASELINE, Collection, mean_crps, ratio_matrix


def scores(collection: Collection) -> Section:
    """Return all scores as tables."""
    parts: list[Part] = [
        tables.scores_table(
            collection, collection.pairs,
            f"Means over all {len(collection.pairs)} directions. Errors are of log10(value + "
            "floor); the best of each column is bold. A dash: not defined, as the spread of a "
            "method without samples.",
        )
    ]  # fmt: skip
    if collection.focus and len(collection.focus) < len(collection.pairs):
        parts += [
            tables.scores_table(
                collection, collection.focus,
                f"The same over the {len(collection.focus)} directions of focus, from gas.",
            ),
            tables.direction_table(
                collection, collection.focus, "CRPS of the directions of focus; best bold."
            ),
        ]  # fmt: skip
    parts.append(tables.direction_table(
        collection, collection.pairs, "CRPS of every direction; best bold.",
        fold=f"CRPS of all {len(collection.pairs)} directions as numbers",
    ))  # fmt: skip
    return Section(
        "scores", "Scores",
        "Of a method without samples the CRPS is its mean absolute error, so that all can be held "
        "against each other by it. The mean of samples wins in errors by pixel, a single sample in "
        "structure: neither alone ranks methods.", parts,
    )  # fmt: skip


def directions(collection: Collection) -> Section:
    """Return which directions are easy and which hard."""
    baseline = collection.methods.get(BASELINE)
    methods = collection.methods
    shown = {
        name: (collection.looks[name], ratio_matrix(evaluation, baseline))
        for name, evaluation in methods.items()
        if evaluation is not baseline or len(methods) == 1
    }
    figure = summary.direction_matrices(
        shown, collection.first.maps.domains, relative=baseline is not None
    )
    words = (
        "CRPS of each direction over that of the pixelwise regression, the target's mean at the "
        "source's value in the same pixel: blue where a method adds something to it."
        if baseline is not None
        else "CRPS of each direction in dex: dark where it is hard."
    )
    return Section(
        "directions", "Easy and hard directions",
        "Rows are what is known, columns what is asked for.",
        [Picture("directions", figure, words)],
    )  # fmt: skip


def cost(collection: Collection) -> Section:
    """Return what quality costs."""
    points, devices = [], set()
    for evaluation in collection.by_method:
        method = evaluation.method
        if method.seconds_per_map is not None:
            devices.add(method.device or "unknown device")
            points.append(summary.Cost(
                collection.looks[method.name], method.seconds_per_map,
                mean_crps(evaluation), method.parameters or 0, method.steps,
            ))  # fmt: skip
    parts: list[Part] = []
    if points:
        parts.append(Picture(
            "cost", summary.cost_and_quality(points, ", ".join(sorted(devices))),
            "Seconds of one map against the mean CRPS; to the lower left is better. Areas are in "
            "proportion to the parameters of the network, open markers have none.",
        ))  # fmt: skip
    parts.append(tables.cost_table(
        collection, "What each method costs. Seconds are of one sample of one map, in batches."
    ))  # fmt: skip
    return Section("cost", "Cost and quality", "What a better map is paid for with.", parts)


def provenance(collection: Collection) -> Section:
    """Return what the files say of themselves."""
    parts: list[Part] = [
        tables.provenance_table(collection, "What each evaluation file says of itself."),
        tables.command_table(
            collection,
            "What makes each file again, with --output; --data takes the path of that store.",
        ),
    ]
    notes = [[e.method.title, note] for e in collection.by_method for note in e.method.notes]
    if notes:
        parts.append(Table(["method", "note"], notes, "What is missing, and why.", is_text=True))
    return Section(
        "provenance", "Where the numbers come from",
        "Every number above follows from the evaluation files by the command at the top; each file "
        "is made again by its own command.", parts,
    )  # fmt: skip
