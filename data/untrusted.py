"""Files from others: whether one is safe to open, found out in a process that can come to no harm.

HDF5 is a format of programs' memory more than of documents. A file of 2 kB can have the library
return another file's bytes (external storage, external links, virtual datasets), claim terabytes,
or crash the library when it is damaged. `check_file` lets `data.examination` look at it in a
process of its own, with limits, before anything else opens it.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from data.examination import UNPACKED

MAX_BYTES = 256 * 2**20
_SECONDS = 60.0
_ANSWER = 1000  # Characters of the longest answer, which is a sentence.
_PACKAGES = Path(__file__).resolve().parents[1]


class UntrustedError(ValueError):
    """A file from others is refused; one sentence says why."""


def check_file(path: str | Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Return what a file from others is, "cutout" or "store", or refuse it.

    The file is examined, and read once as a whole by our own readers, in another process, whose
    memory and time are limited. What is said holds for the bytes that were examined: check a
    private copy that nobody else can write, and open the same copy afterwards.

    Parameters
    ----------
    path : an HDF5 file: a cutout (`data.cutouts.read_cutout`) or a single shard of a map store
        (`data.store.MapStore.open`). A store that is a folder has its shards checked one by one.
    max_bytes : of the file; its datasets may unpack to 8 times as much, counted in float64.

    Raises
    ------
    UntrustedError : one sentence on what the file holds that no cutout or shard needs (links,
        external storage, virtual datasets, references, unknown types or filters), what it claims
        beyond its size, or why our reader cannot read it; or that the process that looked at it
        crashed, or ran out of memory or time.
    """
    path = Path(path)
    if max_bytes < 1:
        raise ValueError(f"max_bytes must be above zero, got {max_bytes}")
    _check_size(path, max_bytes)
    answer = _examine(path, max_bytes)
    if "refused" in answer:
        raise UntrustedError(f"{path.name} is refused: {answer['refused']}")
    return answer["kind"]


def _check_size(path: Path, max_bytes: int) -> None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # A name with a null byte is a ValueError.
        raise UntrustedError(f"no such file: {path.name!r}") from None
    if not stat.S_ISREG(found.st_mode):
        raise UntrustedError(f"{path.name} is refused: it is no regular file")
    if found.st_size > max_bytes:
        raise UntrustedError(
            f"{path.name} is refused: it has {found.st_size} bytes, and at most {max_bytes} are "
            "taken"
        )


def _examine(path: Path, max_bytes: int) -> dict[str, str]:
    """Return {"kind": ...} or {"refused": ...} from a process that looks at the file."""
    request = {"path": str(path.resolve()), "seconds": _SECONDS, "unpacked": UNPACKED * max_bytes}
    try:
        done = subprocess.run(
            # -P: no module of the working folder takes the place of ours.
            [sys.executable, "-P", "-B", "-m", "data.examination"],
            input=json.dumps(request).encode(), env=_environment(), timeout=_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"refused": f"it could not be read in {_SECONDS:g} seconds"}
    except OSError as error:
        return {"refused": f"no process could be started to read it ({error.strerror})"}
    try:
        answer = json.loads(done.stdout[: 6 * _ANSWER])
        if isinstance(answer, dict) and done.returncode == 0:
            return {str(key): str(value)[:_ANSWER] for key, value in answer.items()}
    except ValueError:
        pass
    return {"refused": f"the process that read it {_end(done.returncode)}"}


def _end(code: int) -> str:
    """Say how a process came to its end that gave no answer."""
    if code == -getattr(signal, "SIGXCPU", 0):
        return f"took more than {_SECONDS:g} seconds"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}, as the file is damaged or hostile"
    return f"ended with status {code} and no answer, as the file is damaged or hostile"


def _environment() -> dict[str, str]:
    """Return what Python needs to start and to find this package, and no more."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TMPDIR", "TEMP")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {
        "PYTHONPATH": os.pathsep.join([str(_PACKAGES), *filter(None, sys.path)]),
        "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
        "HDF5_PLUGIN_PRELOAD": "::",  # No filter is loaded from a folder of plugins.
    }  # fmt: skip
