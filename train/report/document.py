"""A report as a document: sections of tables and figures, written as HTML and as Markdown."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure
from tqdm import tqdm

from data.atomic import replacing
from train.report.style import styled

HTML, MARKDOWN, FIGURES = "report.html", "report.md", "figures"
_DPI = 150


@dataclass(frozen=True)
class Picture:
    """A figure with the words beneath it.

    Attributes
    ----------
    name : of its file, without ending; no two pictures have the same.
    figure : drawn under `style.STYLE`.
    caption : what it shows and how to read it.
    fold : where the figure is folded away, what one clicks on to see it.
    """

    name: str
    figure: Figure
    caption: str
    fold: str = ""


@dataclass(frozen=True)
class Table:
    """Cells of text under heads.

    Attributes
    ----------
    head : of each column.
    rows : cells, as many as heads.
    caption : what it shows.
    bold : (row, column) of cells to stand out.
    fold : as in `Picture`.
    is_text : whether cells are words, which may be long, rather than numbers.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    bold: frozenset[tuple[int, int]] = frozenset()
    fold: str = ""
    is_text: bool = False


Part = Picture | Table


@dataclass(frozen=True)
class Section:
    """A part of a document: its anchor, title, first words, and what it holds."""

    name: str
    title: str
    words: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Document:
    """A document: title, first words, sections, and the command that makes it again."""

    title: str
    words: str
    command: str
    sections: Sequence[Section] = field(default_factory=tuple)


def write(document: Document, folder: str | Path) -> tuple[Path, Path]:
    """Write a document into a folder, made where it is not there.

    Returns
    -------
    The HTML page, which holds its figures and needs nothing else, and the Markdown file, with
    figures beside it in the folder `FIGURES`.
    """
    folder = Path(folder)
    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    images = {}
    pictures = list(_pictures(document))
    for picture in tqdm(pictures, desc="figures", unit="figure", file=sys.stderr, leave=False):
        images[picture.name] = png(picture.figure)
        with replacing(folder / FIGURES / f"{picture.name}.png") as aside:
            aside.write_bytes(images[picture.name])
    for name, text in ((HTML, as_html(document, images)), (MARKDOWN, as_markdown(document))):
        with replacing(folder / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return folder / HTML, folder / MARKDOWN


def _pictures(document: Document) -> Iterator[Picture]:
    for section in document.sections:
        yield from (part for part in section.parts if isinstance(part, Picture))


@styled
def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def as_html(document: Document, images: dict[str, bytes]) -> str:
    """Return one HTML page with the PNG images, by name of the picture, in it."""
    environment = Environment(
        loader=PackageLoader("train.report"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    encoded = {name: base64.b64encode(data).decode() for name, data in images.items()}
    # Pixels of 1/96 inch, in which browsers count.
    widths = {p.name: round(96 * p.figure.get_figwidth()) for p in _pictures(document)}
    return environment.get_template("page.html").render(
        document=document, images=encoded, widths=widths
    )


def as_markdown(document: Document) -> str:
    """Return the document as Markdown, with figures where `write` puts them."""
    lines = [f"# {document.title}", "", document.words, "", "```sh", document.command, "```", ""]
    for section in document.sections:
        lines += [f"## {section.title}", "", section.words, ""]
        for part in section.parts:
            lines += [*_markdown(part), "", f"*{part.caption}*", ""]
    return "\n".join(lines)


def _markdown(part: Part) -> list[str]:
    if isinstance(part, Picture):
        return [f"![{part.fold or part.name}]({FIGURES}/{part.name}.png)"]
    rows = [
        [f"**{cell}**" if (r, c) in part.bold else cell for c, cell in enumerate(row)]
        for r, row in enumerate(part.rows)
    ]
    table = [part.head, ["---"] * len(part.head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in table]
