"""Where an export comes from: what every file carries, and the line that makes it again."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from data.sources import Cutout
from engine.checkpoint import WEIGHTS
from engine.requests import TranslatorError
from engine.shelf import checkpoint_folder
from explorer.translation import Run

PROJECT = "galactic-alchemy"
Facts = dict[str, Any]


def caption(run: Run, others: Sequence[Run] = ()) -> str:
    """Return in one line what a run, and others beside it, show and how they were made."""
    view, scene = run.view, run.scene
    kind = f" ({scene.kind})" if scene.kind else ""
    made = "; ".join(_how(each) for each in (run, *others))
    return (
        f"{scene.name}{kind}, {view.direction}, z = {scene.redshift:.3g}; {made}; "
        f"field of view {scene.extent_kpc:.0f} kpc"
    )


def _how(run: Run) -> str:
    """Return a run's translator and what it was asked."""
    how = f"{run.num_steps} steps of {run.sampler}, seed {run.view.seed}"
    if run.view.guidance != 1.0:
        how += f", guidance {run.view.guidance:g}"
    return f"{run.view.translator}, {how if run.num_steps > 1 else 'one step'}"


def facts_of(run: Run, command: str, others: Sequence[Run] = ()) -> Facts:
    """Return everything that a run depends on, by name, in the order in which files tell it.

    Parameters
    ----------
    run : a finished translation.
    command : the line that makes the file again.
    others : what other translators made of the same source map, where the file shows that.
    """
    view, scene = run.view, run.scene
    facts: Facts = {
        "title": caption(run, others), "project": PROJECT, "version": version_of(PROJECT),
        "torch": version_of("torch"), "galaxy": scene.name, "kind": scene.kind,
        "redshift": float(scene.redshift), "rotation": scene.rotation,
        "rotation_matrix": scene.matrix.ravel().tolist(),
        "side_kpc": float(scene.extent_kpc), "source": view.source, "target": view.target,
        **_made_by(run), "seed": view.seed,
    }  # fmt: skip
    if others:
        facts["beside"] = [_made_by(other) for other in others]
    if view.angles is not None:
        names = ("inclination_deg", "position_angle_deg", "azimuth_deg")
        facts |= dict(zip(names, view.angles, strict=True))
    if scene.cutout is not None:
        facts["cutout"] = str(scene.cutout.path)
        facts["cutout_sha256"] = digest(scene.cutout.path)
    if scene.store is not None:
        facts["store"] = str(scene.store)
    facts["command"] = command
    return facts


def _made_by(run: Run) -> dict[str, Any]:
    """Return which translator made a run, and in which way."""
    return {
        "translator": run.view.translator,
        "checkpoint_sha256": checkpoint_digest(run.view.translator), "sampler": run.sampler,
        "steps": run.num_steps, "guidance": float(run.view.guidance),
    }  # fmt: skip


def facts_text(facts: Facts) -> str:
    """Return facts as JSON in one line of ASCII, for formats that hold a comment."""
    return json.dumps(facts)


def export_command(run: Run, words: list[str], others: Sequence[Run] = ()) -> str:
    """Return the line for a shell that makes an export again.

    Parameters
    ----------
    run : a finished translation.
    words : what is asked of the file, as ["--format", "pdf"].
    others : by translators beside, each in its own number of steps.
    """
    view, scene = run.view, run.scene
    origin = ["--galaxy", view.galaxy] if scene.cutout is None else _cutout_words(scene.cutout)
    if scene.store is not None:
        origin = ["--store", str(scene.store), "--galaxy", scene.name]
    what = {
        "rotation": scene.rotation, "source": view.source, "target": view.target,
        "translator": view.translator, "seed": view.seed, "steps": view.steps,
    }  # fmt: skip
    if view.angles is not None:
        what["angles"] = ",".join(repr(float(angle)) for angle in view.angles)
    if view.guidance != 1.0:
        what["guidance"] = repr(float(view.guidance))
    if others:
        what["beside"] = ",".join(other.view.translator for other in others)
    asked = [word for name, value in what.items() for word in (f"--{name}", str(value))]
    return shlex.join(["python", "-m", "explorer", "export", *origin, *asked, *words])


def _cutout_words(cutout: Cutout) -> list[str]:
    words = ["--cutout", str(cutout.path)]
    if cutout.center_kpc is not None:
        words += ["--center", *(repr(float(c)) for c in cutout.center_kpc)]
    if cutout.radius_kpc is not None:
        words += ["--radius", repr(float(cutout.radius_kpc))]
    return words


def version_of(package: str) -> str:
    """Return the version of an installed package, or "unknown"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def checkpoint_digest(translator: str) -> str:
    """Return the SHA-256 of a translator's weights; "unknown" where they are not there."""
    try:
        return digest(checkpoint_folder(translator) / WEIGHTS)
    except (TranslatorError, OSError):
        return "unknown"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _digest(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
