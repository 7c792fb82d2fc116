"""The explorer in a window of its own; or, without one, translate and write a figure or maps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.arguments import whole_number
from data.atomic import replacing
from data.domains import DOMAINS, get_domain
from explorer.export import (
    BESIDE_ALLOWED,
    FIGURES,
    FORMATS,
    FigureOptions,
    export_bytes,
    export_name,
    takes_others,
    unavailable,
)

if TYPE_CHECKING:
    from explorer.translation import Run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m explorer", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="command")
    page = commands.add_parser(
        "open", help="open the page in a window, or in the browser (also without a command)",
        description="Open the page in a window of its own where pywebview is installed, else in "
        "the browser. Only this machine is served, until the window is closed or Ctrl-C.",
    )  # fmt: skip
    page.add_argument("--port", type=int, default=0, help="of 127.0.0.1 (a free one)")
    page.add_argument("--browser", action="store_true", help="the browser in any case")
    export = commands.add_parser(
        "export", formatter_class=argparse.RawDescriptionHelpFormatter,
        help="translate one galaxy and write what came of it",
        description="Translate one galaxy and write what came of it.",
        epilog="formats:\n" + _listed({name: f.description for name, f in FORMATS.items()})
        + "\n\nfigures:\n" + _listed(FIGURES),
    )  # fmt: skip
    origin = export.add_mutually_exclusive_group(required=True)
    origin.add_argument(
        "--galaxy", metavar="NAME", help="on offer, as synthetic-900324, or of --store"
    )
    origin.add_argument("--cutout", metavar="FILE", type=Path, help="a cutout of your own")
    export.add_argument("--store", metavar="PATH", type=Path,
                        help="a map store of your own that holds the galaxy")  # fmt: skip
    export.add_argument("--center", metavar=("X", "Y", "Z"), type=float, nargs=3,
                        help="of the galaxy in the cutout's box, kpc")  # fmt: skip
    export.add_argument("--radius", metavar="R", type=float,
                        help="of the sphere to take from the cutout, kpc")  # fmt: skip
    _add_translation(export)
    _add_file(export)
    return parser


def _listed(descriptions: dict[str, str]) -> str:
    return "\n".join(f"  {name:<12}{words}" for name, words in descriptions.items())


def _add_translation(parser: argparse.ArgumentParser) -> None:
    known = ", ".join(DOMAINS)
    parser.add_argument("--rotation", type=int, default=1, help="from 1 to 5, or 0 for angles (1)")
    parser.add_argument("--angles", metavar="I,PA,AZ",
                        help="of rotation 0: inclination, position angle and azimuth, degrees; "
                        "0,0,0 is face-on")  # fmt: skip
    parser.add_argument("--source", default="gas", help=f"domain of the input (gas); {known}")
    parser.add_argument(
        "--target", default="dark_matter", help="domain of the output (dark_matter)"
    )
    parser.add_argument("--translator", default="ddpm", help="name or folder of weights (ddpm)")
    parser.add_argument("--beside", metavar="NAMES",
                        help="translators to show beside it in the comparison, with commas; each "
                        "takes its own number of steps")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the noise (0)")
    parser.add_argument("--steps", type=whole_number, help="of the sampler (the weights' default)")
    parser.add_argument("--guidance", type=float, default=1.0,
                        help="0 ignores the source, 1 is the model as trained (1)")  # fmt: skip


def _add_file(parser: argparse.ArgumentParser) -> None:
    default = FigureOptions()
    parser.add_argument("--format", metavar="NAME", help="see below (from --output, else pdf)")
    parser.add_argument("--figure", default=default.figure, metavar="NAME",
                        help=f"see below ({default.figure})")  # fmt: skip
    parser.add_argument("--size", default=default.size,
                        help="one-column, two-columns, slide, or a width as 120mm "
                        f"({default.size})")  # fmt: skip
    parser.add_argument("--dpi", type=whole_number, default=default.dpi, help=f"({default.dpi})")
    parser.add_argument("--no-caption", dest="caption", action="store_false",
                        help="leave out the small print")  # fmt: skip
    parser.add_argument("--output", metavar="FILE", type=Path,
                        help="file or folder (a file in this folder, named after its content)"
                        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 on success, 2 with one sentence on bad input."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "export":
            print(_export(options))
        else:
            _open(options)
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _open(options: argparse.Namespace) -> None:
    from explorer.window import open_page  # Panel, which an export does without

    open_page(getattr(options, "port", 0), browser=getattr(options, "browser", False))


def _export(options: argparse.Namespace) -> Path:
    """Translate and write; return where. What is wrong with the words is said before any work."""
    extension = _format_of(options)
    figure = FigureOptions(options.figure, options.size, options.dpi, options.caption)
    for name in (options.source, options.target):
        get_domain(name)
    if options.cutout is None and (options.center or options.radius is not None):
        raise ValueError("center and radius belong to a cutout, got a galaxy by its name")
    if options.store is not None and (options.cutout is not None or options.rotation == 0):
        raise ValueError("store goes with a galaxy's name, and has no free rotation")
    output = options.output or Path()
    folder = output if output.is_dir() else output.parent
    if not folder.is_dir():
        raise ValueError(f"output must lie in a folder that exists, got {output}")

    names = _beside(options, takes_others(extension, figure))

    run = _translate(options)
    others = [_through(name, run) for name in names]
    content = export_bytes(run, extension, figure, others).getvalue()
    path = folder / export_name(run, extension, figure, others) if output.is_dir() else output
    with replacing(path) as aside:
        aside.write_bytes(content)
    return path


def _beside(options: argparse.Namespace, is_allowed: bool) -> list[str]:
    """Return the translators that are asked for beside the first, each once."""
    names = list(dict.fromkeys(filter(None, (options.beside or "").split(","))))
    if options.beside is not None and not is_allowed:
        raise ValueError(BESIDE_ALLOWED)
    if options.translator in names or (options.beside is not None and not names):
        raise ValueError(
            f"beside must name translators other than {options.translator}, got {options.beside!r}"
        )
    return names


def _format_of(options: argparse.Namespace) -> str:
    """Return the format that is asked for, or that a file's name ends in; ValueError if none."""
    extension = options.format
    if extension is None:
        suffix = options.output.suffix if options.output and not options.output.is_dir() else ""
        extension = suffix.removeprefix(".").lower() or "pdf"
    if reason := unavailable(extension):
        raise ValueError(reason)
    return str(extension)


def _translate(options: argparse.Namespace) -> Run:
    """Make the maps and run the translation."""
    # These take a second or two, which bad input should not wait for.
    from data.sources import Cutout
    from explorer import library
    from explorer.store import View, read_angles
    from explorer.translation import translate

    angles = read_angles(options.rotation, options.angles)
    translator = library.load_translator(options.translator)
    size = translator.grid_size
    if options.store is not None:
        scene = library.stored_scene(options.store, options.galaxy, options.rotation)
    elif options.cutout is None:
        scene = library.load_scene(options.galaxy, options.rotation, size, angles)
    else:
        center = tuple(options.center) if options.center else None
        cutout = Cutout(options.cutout, center_kpc=center, radius_kpc=options.radius)
        scene = library.cutout_scene(cutout, options.rotation, size, angles)
    if reason := scene.missing.get(options.source):
        raise ValueError(reason)
    steps = options.steps or translator.default_steps
    view = View(
        scene.key or scene.name, options.rotation, options.source, options.target,
        options.translator, options.seed, steps if translator.process.is_iterative else 1,
        options.guidance, angles,
    )  # fmt: skip
    return translate(view, scene)


def _through(name: str, run: Run) -> Run:
    """Return what another translator makes of the source map of a run."""
    from explorer import library
    from explorer.store import view_through
    from explorer.translation import translate

    translator = library.load_translator(name)
    size = len(run.output)
    if translator.grid_size != size:
        raise ValueError(
            f"beside must name translators of maps of {size} pixels a side, "
            f"got {name} of {translator.grid_size}"
        )
    return translate(view_through(run.view, name, translator.card), run.scene)


if __name__ == "__main__":
    sys.exit(main())
