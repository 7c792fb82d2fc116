"""A run as a file: PDF, PNG or SVG of the comparison figure."""

from __future__ import annotations

import io

from explorer.figures import Comparison, comparison_figure
from explorer.translation import Run

FORMATS = ("pdf", "png", "svg")
DPI = 300


def caption(run: Run) -> str:
    """Return in one line what a run shows and how it was made."""
    view, scene = run.view, run.scene
    kind = f" ({scene.kind})" if scene.kind else ""
    how = f"{run.num_steps} steps of {run.sampler}, seed {view.seed}"
    if view.guidance != 1.0:
        how += f", guidance {view.guidance:g}"
    return (
        f"{scene.name}{kind}, rotation {scene.rotation}, z = {scene.redshift:g}; "
        f"{view.translator}, {how if run.num_steps > 1 else 'one step'}; "
        f"field of view {scene.extent_kpc:.0f} kpc"
    )


def comparison(run: Run) -> Comparison:
    """Return what the figure of a run shows."""
    view, scene = run.view, run.scene
    return Comparison(
        scene.maps[view.source], run.output, run.truth, view.source, view.target,
        scene.extent_kpc, caption(run),
    )  # fmt: skip


def export_name(run: Run, extension: str) -> str:
    """Return a file name that tells one run from another."""
    view = run.view
    guidance = "" if view.guidance == 1.0 else f"-guidance{view.guidance:g}"
    return (
        f"{view.galaxy}-r{view.rotation}-{view.source}-to-{view.target}-{view.translator}"
        f"-seed{view.seed}{guidance}.{extension}"
    )


def export_bytes(run: Run | None, extension: str) -> io.BytesIO:
    """Return the comparison figure of a run as a file in memory.

    Raises
    ------
    ValueError : on an unknown format, or where there is no run.
    """
    if extension not in FORMATS:
        raise ValueError(f"extension must be one of {', '.join(FORMATS)}, got {extension!r}")
    if run is None:
        raise ValueError("run must be a finished translation, got None")
    buffer = io.BytesIO()
    metadata = {"Title": caption(run)} if extension != "png" else {"Description": caption(run)}
    comparison_figure(comparison(run)).savefig(buffer, format=extension, dpi=DPI, metadata=metadata)
    buffer.seek(0)
    return buffer
