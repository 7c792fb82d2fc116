"""Figures as PDF, PNG or SVG."""

from __future__ import annotations

import io
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
from explorer.translation import Run


def comparison(run: Run, *, with_caption: bool = True) -> Comparison:
    """Return what the figure of a run shows."""
    view, scene = run.view, run.scene
    return Comparison(
        scene.maps[view.source], run.output, run.truth, view.source, view.target,
        scene.extent_kpc, caption(run) if with_caption else "",
    )  # fmt: skip


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


def draw(run: Run, options: FigureOptions) -> Sheet:
    """Draw the figure of a run that options ask for."""
    if options.figure == "film":
        return film_figure(film(run, with_caption=options.caption), size=options.size)
    draw = triptych_figure if options.figure == "triptych" else comparison_figure
    return draw(comparison(run, with_caption=options.caption), size=options.size)


def image_bytes(run: Run, facts: Facts, options: FigureOptions, extension: str) -> bytes:
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
    figure = draw(run, options)
    figure.savefig(buffer, format=extension, dpi=options.dpi, metadata=metadata[extension])
    return buffer.getvalue()
