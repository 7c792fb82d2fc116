"""A person's own files: opened from a path that the server allows, or from an upload."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import param

from data.atomic import aside_of, sweep, writing
from data.untrusted import MAX_BYTES, UntrustedError
from explorer import library
from explorer.galaxies import Offer, open_file
from explorer.session import Session

ROOTS_VARIABLE = "GALACTIC_ALCHEMY_DATA"
# Of a person's uploads together, on the server's disk.
MOST_BYTES = 4 * MAX_BYTES


def roots() -> list[Path]:
    """Return the folders below which paths may be opened, from the environment."""
    words = os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep)
    return [Path(word).resolve() for word in words if word]


def allowed_path(text: str) -> Path:
    """Return the file or folder that a path means; links are followed before it is judged.

    Raises
    ------
    ValueError : where it lies in none of `roots`, or is not there.
    """
    known = roots()
    if not known:
        raise UntrustedError(
            f"no path can be opened: whoever runs the server names folders in {ROOTS_VARIABLE}"
        )
    asked = Path(text.strip())
    tried = [asked] if asked.is_absolute() else [root / asked for root in known]
    found = [path.resolve() for path in tried]
    inside = [path for path in found if any(path.is_relative_to(root) for root in known)]
    there = next((path for path in inside if path.exists()), None)
    if there is None:  # the same words for what is not there and for what is not allowed
        raise UntrustedError(f"no such file or folder in the server's data folders: {asked.name}")
    return there


def _private_folder() -> Path:
    """Return a new folder for uploads; those that killed servers left are removed."""
    place = Path(tempfile.gettempdir()) / "galactic-alchemy"
    sweep(place.parent, place.name)
    folder = aside_of(place)
    folder.mkdir(mode=0o700)
    return folder


class OwnFiles(param.Parameterized):
    """Opens the files of one session, and removes what it uploaded when it ends.

    Parameters change on the page's thread only; views watch them.
    """

    busy = param.Boolean(default=False, doc="A file is looked at.")
    notice = param.String(default="", doc="One sentence on what came of it.")

    def __init__(self, session: Session, **params: object):
        super().__init__(**params)
        self._session = session
        self._folder: Path | None = None
        self._uploaded = 0
        self._names: list[str] = []
        session.on_close.append(self.close)

    def open_path(self, text: str) -> None:
        """Open what lies at a path on the server."""

        def work() -> list[Offer]:
            path = allowed_path(text)
            return open_file(path, path.name, secrets.token_hex(4))

        self._open(work)

    def open_upload(self, name: str, content: bytes) -> None:
        """Open a file that was sent, kept in a private folder until the session ends."""
        label = Path(name.replace("\\", "/")).name or "upload"
        self._uploaded += len(content)
        if len(content) > MAX_BYTES or self._uploaded > MOST_BYTES:
            self._uploaded -= len(content)
            self.notice = (
                f"{label} is refused: it has {len(content) / 2**20:.0f} MiB, of at most "
                f"{MAX_BYTES // 2**20} a file and {MOST_BYTES // 2**20} in all."
            )
            return
        if self._folder is None:
            self._folder = _private_folder()
        folder = self._folder

        def work() -> list[Offer]:
            token = secrets.token_hex(4)
            path = folder / token / label
            try:
                with writing(Path(label)):  # the server's folders are no one's business
                    path.parent.mkdir()
                    path.write_bytes(content)
                return open_file(path, label, token)
            except ValueError:
                shutil.rmtree(path.parent, ignore_errors=True)
                raise

        self._open(work)

    def close(self) -> None:
        """Forget the galaxies and remove what was uploaded."""
        library.GALAXIES.forget(self._names)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self, work: Callable[[], list[Offer]]) -> None:
        self.param.update(busy=True, notice="Looking at the file…")
        if self._session.read(work, self._take, self._refuse) is None:
            self._refuse("The server is busy: try again in a moment.")

    def _take(self, offers: list[Offer]) -> None:
        library.GALAXIES.admit(offers)
        names = [offer.name for offer in offers]
        self._names += names
        self._session.store.admit(names)
        self._session.store.galaxy = names[0]
        galaxies = "1 galaxy" if len(names) == 1 else f"{len(names)} galaxies"
        self.param.update(busy=False, notice=f"Opened: {galaxies}.")

    def _refuse(self, sentence: str) -> None:
        self.param.update(busy=False, notice=sentence)
