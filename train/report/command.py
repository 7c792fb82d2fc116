"""`python -m train evaluate --report`: from evaluation files to a page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from engine.shelf import evaluations
from train.report.document import Document, write
from train.report.gather import Collection
from train.report.sections import sections


def write_report(folder: str | Path, paths: Sequence[str | Path] = ()) -> tuple[Path, Path]:
    """Write a report of evaluation files into a folder, as HTML and as Markdown.

    Parameters
    ----------
    folder : made where it is not there.
    paths : evaluation files of the same galaxies; those of the shipped and the user's checkpoints
        where there are none.

    Returns
    -------
    The HTML page and the Markdown file.

    Raises
    ------
    EvaluationError : where a file is no evaluation, or files differ in galaxies.
    """
    collection = Collection.read(list(paths) or list(evaluations().values()))
    words = ["python", "-m", "train", "evaluate", "--report", str(folder), *map(str, paths)]
    return write(document_of(collection, shlex.join(words)), folder)


def document_of(collection: Collection, command: str) -> Document:
    """Return the report of a collection; `command` is what makes it again."""
    first = collection.first
    count, kinds = len(first.galaxies), sorted({k for k in first.column("kind") if k})
    redshifts = first.galaxies["redshift"]
    where = f"{redshifts.min():.2g}"
    if redshifts.max() > redshifts.min():
        where += f" to {redshifts.max():.2g}"
    titles = ", ".join(look.label for look in collection.looks.values())
    words = (
        f"{titles}: translated maps of {count} hold-out galaxies"
        + (f" ({', '.join(k.replace('_', ' ') for k in kinds)})" if kinds else "")
        + f" at z = {where}, {first.maps.grid_size} × {first.maps.grid_size} pixels, from "
        f"{first.maps.store}, split {first.maps.split}, in {len(collection.pairs)} directions. "
        "This page and its figures are made by"
    )
    return Document("Evaluation of translators of galaxy maps", words, command,
                    sections(collection))  # fmt: skip
