"""All exports of a run in one ZIP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from explorer.export.formats import (
    FORMATS,
    export_bytes,
    export_name,
    takes_others,
    unavailable,
)
from explorer.export.options import FIGURES, FigureOptions
from explorer.export.provenance import Facts
from explorer.translation import Run

_README = """{title}

Made with {project} {version}. This line makes the archive again:

    {command}

Each file carries the line that makes it alone, and with it what it depends on: galaxy, rotation,
source, target, translator, SHA-256 of its weights, sampler, steps, guidance, seed and version.
The same is in provenance.json.

{table}

In FITS and HDF5 the first row of a map is the lowest in y; pixel centers are given in kpc from the
center of the galaxy. Units are spelled as in the FITS standard: solMass kpc-2, K, uG, mK.
"""
_PACKED = {"png", "gif", "mp4"}  # which no compression makes smaller
_NEVER = (1980, 1, 1, 0, 0, 0)  # the time of all files, so that the archive stays the same


def archive_bytes(
    run: Run, facts: Facts, options: FigureOptions, others: Sequence[Run] = ()
) -> bytes:
    """Return a ZIP with all figures, profile, maps, moving pictures, and a README.

    Parameters
    ----------
    run : a finished translation.
    facts : what it depends on.
    options : size, dpi and caption of the figures, of which each kind is in the archive.
    others : what other translators made, for the comparison.
    """
    files: dict[str, bytes] = {}
    table: list[tuple[str, str]] = []
    for name, extension, wanted, description in _contents(run, options):
        reason = unavailable(extension, run)
        if reason:
            table.append((name, f"left out: {reason}"))
            continue
        beside = others if takes_others(extension, wanted) else ()
        files[name] = export_bytes(run, extension, wanted, beside).getvalue()
        table.append((name, description))
    width = max(len(name) for name, _ in table)
    lines = "\n".join(f"{name:<{width}}  {description}" for name, description in table)
    files["README.txt"] = _README.format(**facts, table=lines).encode("utf-8")
    files["provenance.json"] = (json.dumps(facts, indent=2) + "\n").encode("ascii")
    return _zip(files, PurePath(export_name(run, "zip", options, others)).stem)


def _contents(run: Run, options: FigureOptions) -> list[tuple[str, str, FigureOptions, str]]:
    """List name, format, options and description of what belongs into the archive."""
    figures = [("comparison", "pdf"), ("comparison", "svg"), ("comparison", "png"),
               ("triptych", "pdf"), ("film", "pdf")]  # fmt: skip
    names = {"csv": "profile", "fits": "maps", "hdf5": "maps", "gif": "steps", "mp4": "steps"}
    return [
        (f"{figure}.{extension}", extension, replace(options, figure=figure), FIGURES[figure])
        for figure, extension in figures
        if figure != "film" or run.num_steps > 1
    ] + [
        (f"{name}.{extension}", extension, options, FORMATS[extension].description)
        for extension, name in names.items()
    ]


def _zip(files: dict[str, bytes], folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", _NEVER)
            entry.external_attr = 0o644 << 16
            packed = name.rpartition(".")[2] in _PACKED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()
