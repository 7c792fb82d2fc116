"""Figures as PDF, PNG or SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from explorer.export.options import FigureOptions
from explorer.export.provenance import Facts, caption, facts_text
from explorer.figures import (
    Comparison,
    Film,
    Sheet,
    comparison_figure,
    film_figure,
    triptych_figure,
)
from explorer.library import cards
from explorer.translation import Run


def comparison(run: Run, others: Sequence[Run] = (), *, with_caption: bool = True) -> Comparison:
    """Return what the figure of a run shows, with those of other translators beside it."""
    view, scene = run.view, run.scene
    title, *titles = _titles([each.view.translator for each in (run, *others)])
    return Comparison(
        scene.maps[view.source], run.output, run.truth, view.source, view.target,
        scene.extent_kpc, caption(run, others) if with_caption else "",
        title if others else "Output",
        {title: other.output for title, other in zip(titles, others, strict=True)},
    )  # fmt: skip


def _titles(names: list[str]) -> list[str]:
    """Return what people call translators, with the name where several are called the same."""
    known = cards()
    titles = [str(known.get(name, {}).get("title", name)) for name in names]
    return [
        title if titles.count(title) == 1 else f"{title} ({name})"
        for title, name in zip(titles, names, strict=True)
    ]


def film(run: Run, *, with_caption: bool = True) -> Film:
    """Return the steps of a run.

    Raises
    ------
    ValueError : where there was but one step.
    """
    if run.num_steps < 2:
        raise ValueError(f"{run.view.translator} takes one step: there is no film of it")
    words = comparison(run, with_caption=with_caption)
    return Film(words, run.times, run.sigmas, run.noisy, run.estimates)


def draw(run: Run, options: FigureOptions, others: Sequence[Run] = ()) -> Sheet:
    """Draw the figure of a run that options ask for; `others` are for the comparison."""
    if options.figure == "film":
        return film_figure(film(run, with_caption=options.caption), size=options.size)
    if options.figure == "triptych":
        return triptych_figure(comparison(run, with_caption=options.caption), size=options.size)
    shown = comparison(run, others, with_caption=options.caption)
    return comparison_figure(shown, size=options.size)


def image_bytes(
    run: Run, facts: Facts, options: FigureOptions, extension: str, others: Sequence[Run] = ()
) -> bytes:
    """Return a figure as a file that carries the facts; without a date, so that it stays the same.

    All facts stand as JSON under Keywords (PDF), Comment (PNG) or Description (SVG), the command
    alone under Subject (PDF) or Source.
    """
    title, command, text = str(facts["title"]), str(facts["command"]), facts_text(facts)
    creator = f"{facts['project']} {facts['version']}"
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"Title": title, "Subject": command, "Keywords": text, "Creator": creator,
                "CreationDate": None},
        "png": {"Title": title, "Source": command, "Comment": text, "Software": creator},
        "svg": {"Title": title, "Source": command, "Description": text, "Creator": creator,
                "Date": None},
    }  # fmt: skip
    buffer = io.BytesIO()
    figure = draw(run, options, others)
    figure.savefig(buffer, format=extension, dpi=options.dpi, metadata=metadata[extension])
    return buffer.getvalue()
