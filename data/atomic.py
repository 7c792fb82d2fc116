"""Files and folders that appear whole or not at all, and what a killed process leaves of them."""

from __future__ import annotations

import errno
import glob
import os
import re
import secrets
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

# What is aside is called .NAME.HOST-PROCESS-RUN.partial, so that it tells whose it is. A draw tells
# runs of one number apart, as the process of a container that starts anew has again and again.
_ASIDE = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-([0-9a-f]{8})[0-9a-f]+\.partial")
_RUN, _COUNT = secrets.token_hex(4), count()
_ABANDONED_S = 3600.0
_FULL = {
    number: os.strerror(number)
    for name in ("ENOSPC", "EDQUOT", "EFBIG")
    if (number := getattr(errno, name, None))
}


class DiskFull(OSError, ValueError):
    """No room is left for a file: what was there before is kept, and nothing half is left."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`; what the block makes there takes its place if all goes well.

    It may be a file, or a folder where none was or an empty one. What was written is on the disk
    before it gets its name, and the name before this returns, so that neither a killed process nor
    a power cut leaves a part of it under that name. What a killed process leaves aside is removed
    by the next one that writes the same, see `sweep`.

    Raises
    ------
    DiskFull : in place of what the block raises where there is no room.
    ValueError : where `path` is there and neither: a device, or a folder with something in it.
    """
    if path.exists() and not path.is_file() and not (path.is_dir() and not any(path.iterdir())):
        raise ValueError(f"what is to be written must be new or a file, got {path}")
    sweep(path.parent, glob.escape(path.name))
    aside = aside_of(path)
    try:
        with writing(path):
            yield aside
            settle(aside, path)
    finally:
        _remove(aside)


def aside_of(path: Path) -> Path:
    """Return a new name beside `path` that tells whose it is."""
    whose = f"{_host()}-{os.getpid()}-{_RUN}{next(_COUNT):x}"
    return path.with_name(f".{path.name}.{whose}.partial")


def settle(aside: Path, path: Path) -> None:
    """Give what is whole its name, once it is on the disk."""
    _sync(aside)
    aside.replace(path)
    _sync(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `DiskFull`, one sentence, for whatever a library makes of a full disk."""
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if reason := _shortage(error):
            raise DiskFull(
                f"there is no room for {path} ({reason}): what was whole is kept, and the same "
                "can be run again once there is"
            ) from error
        raise


def sweep(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left aside of `name`, a pattern.

    Of this machine that is what no living process has written; of others, whose processes cannot
    be seen, what has not changed for an hour.
    """
    for aside in folder.glob(f".{name}.*.partial"):
        with suppress(FileNotFoundError):
            if _is_abandoned(aside):
                _remove(aside)


def _is_abandoned(aside: Path) -> bool:
    found = _ASIDE.fullmatch(aside.name)
    if found is None:
        return False
    host, process, run = found[1], int(found[2]), found[3]
    if os.name != "posix" or host != _host():
        return time.time() - aside.stat().st_mtime > _ABANDONED_S
    if process == os.getpid():
        return run != _RUN
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # It lives, and is another user's.
        pass
    return False


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _shortage(error: BaseException | None) -> str:
    """Return what the system says of a full disk, where that is behind an error; else nothing."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return _FULL[error.errno]
        # Libraries that are not Python's own have no number, but quote the system.
        for words in _FULL.values():
            if words in str(error):
                return words
        error = error.__cause__ or error.__context__
    return ""


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():  # Elsewhere a folder cannot be opened.
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
