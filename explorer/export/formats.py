"""The formats of an export, and an export as bytes and a name.

What writes a format is imported when it is asked for, for the list of formats is asked for by
pages and command lines that may never write one.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.export.options import DEFAULT, FigureOptions

if TYPE_CHECKING:
    from explorer.export.provenance import Facts
    from explorer.translation import Run

Others = Sequence["Run"]
Writer = Callable[["Run", "Facts", FigureOptions, str, Others], bytes]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    label : short, for a button.
    description : for a menu or a hint.
    write : returns the bytes of a run, given its facts, options and the extension.
    options : which of `FigureOptions` matter.
    needs_steps : whether a run of one step has nothing to show in it.
    package : what has to be importable for it; "" for nothing beyond the project's own needs.
    """

    label: str
    description: str
    write: Writer
    options: tuple[str, ...] = ()
    needs_steps: bool = False
    package: str = ""


def _image(run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others) -> bytes:
    from explorer.export.images import image_bytes

    return image_bytes(run, facts, options, extension, others)


def _profile(
    run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others
) -> bytes:
    from explorer.export.profile import profile_bytes

    return profile_bytes(run, facts)


def _fits(run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others) -> bytes:
    from explorer.export.fits import maps_bytes

    return maps_bytes(run, facts)


def _hdf5(run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others) -> bytes:
    from explorer.export.hdf5 import everything_bytes

    return everything_bytes(run, facts)


def _moving(
    run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others
) -> bytes:
    from explorer.export.moving import gif_bytes, mp4_bytes

    return gif_bytes(run, facts) if extension == "gif" else mp4_bytes(run, facts)


def _archive(
    run: Run, facts: Facts, options: FigureOptions, extension: str, others: Others
) -> bytes:
    from explorer.export.archive import archive_bytes

    return archive_bytes(run, facts, options, others)


BESIDE_ALLOWED = (
    f"beside goes with the figure {DEFAULT.figure} as PDF, PNG or SVG, or with ZIP; "
    "other files show one translator"
)
_SHEET = ("size", "dpi", "caption")
_FIGURE = ("figure", *_SHEET)

FORMATS: dict[str, Format] = {
    "pdf": Format("PDF", "figure for print, fonts embedded", _image, _FIGURE),
    "png": Format("PNG", "figure in pixels", _image, _FIGURE),
    "svg": Format("SVG", "figure to edit, text stays text", _image, _FIGURE),
    "csv": Format("CSV", "radial profiles", _profile),
    "fits": Format("FITS", "maps with units and axes in kpc", _fits),
    "hdf5": Format("HDF5", "maps, all steps and profiles", _hdf5),
    "gif": Format("GIF", "the steps as moving pictures", _moving, needs_steps=True),
    "mp4": Format("MP4", "the steps as a video", _moving, needs_steps=True, package="av"),
    "zip": Format("ZIP", "all of these, with a README", _archive, _SHEET),
}


def unavailable(extension: str, run: Run | None = None) -> str:
    """Say in one sentence why a format cannot be written, of a run if given; "" where it can."""
    asked = FORMATS.get(extension)
    if asked is None:
        return f"format must be one of {', '.join(FORMATS)}, got {extension!r}"
    if asked.package and importlib.util.find_spec(asked.package) is None:
        return f"{asked.label} needs PyAV: pip install 'galactic-alchemy[video]'"
    if asked.needs_steps and run is not None and run.num_steps < 2:
        return f"{run.view.translator} takes one step: there is no film of it"
    return ""


def takes_others(extension: str, options: FigureOptions = DEFAULT) -> bool:
    """Return whether an export shows other translators beside a run's own."""
    known = FORMATS[extension].options
    return extension == "zip" or ("figure" in known and options.figure == DEFAULT.figure)


def export_name(
    run: Run, extension: str, options: FigureOptions = DEFAULT, others: Others = ()
) -> str:
    """Return a file name that tells one export from another."""
    view = run.view
    direction = f"r{view.rotation}"
    if view.angles is not None:
        direction = "i{:g}-pa{:g}-az{:g}".format(*view.angles)
    parts = [
        view.galaxy, direction, view.source, "to", view.target, view.translator,
        f"seed{view.seed}", f"steps{view.steps}",
    ]  # fmt: skip
    if view.guidance != 1.0:
        parts.append(f"guidance{view.guidance:g}")
    if "figure" in FORMATS[extension].options and options.figure != DEFAULT.figure:
        parts.append(options.figure)
    if others:
        parts += ["beside", *(other.view.translator for other in others)]
    return re.sub(r"[^\w.+-]+", "-", "-".join(parts)).strip("-") + f".{extension}"


def export_bytes(
    run: Run | None, extension: str, options: FigureOptions = DEFAULT, others: Others = ()
) -> io.BytesIO:
    """Return a run as a file in memory.

    Parameters
    ----------
    run : a finished translation.
    extension : name in `FORMATS`.
    options : of figures.
    others : what other translators made of the same source map, for what `takes_others`.

    Raises
    ------
    ValueError : on an unknown format, one that cannot be written, where there is no run, or where
        there are others that the export would not show.
    """
    if reason := unavailable(extension, run):
        raise ValueError(reason)
    if run is None:
        raise ValueError("run must be a finished translation, got None")
    if others and not takes_others(extension, options):
        raise ValueError(BESIDE_ALLOWED)
    from explorer.export.provenance import export_command, facts_of

    asked = FORMATS[extension]
    words = ["--format", extension, *options.words(asked.options)]
    words += ["--output", export_name(run, extension, options, others)]
    facts = facts_of(run, export_command(run, words, others), others)
    return io.BytesIO(asked.write(run, facts, options, extension, others))
