"""Where the numbers of a run go: log.csv and TensorBoard."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.atomic import DiskFull, replacing, writing

COLUMNS = ("step", "seconds", "name", "value")


class Log:
    """Appends scalars to log.csv, one a row, and to TensorBoard; a context manager.

    Parameters
    ----------
    folder : of the run; made if it is not there.
    step : a resumed run takes the steps after this one again, so their rows are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        # Imported here: it takes seconds, and only a run needs it.
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "log.csv"
        kept = [row for row in read_log(path) if int(row[0]) <= step]
        with replacing(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *kept])
        self._path = path
        self._file = path.open("a", newline="", encoding="utf-8")
        self._board = SummaryWriter(str(folder), purge_step=step + 1)
        self._hook = threading.excepthook
        threading.excepthook = _without_files(self._hook)

    def write(self, step: int, seconds: float, scalars: dict[str, float]) -> None:
        """Add the scalars of one step."""
        rows = csv.writer(self._file)
        with writing(self._path):
            for name, value in scalars.items():
                rows.writerow([step, f"{seconds:.1f}", name, f"{value:.6g}"])
                self._board.add_scalar(name, value, step)
            self._file.flush()

    def show(self, step: int, pictures: dict[str, NDArray[np.uint8]]) -> None:
        """Add pictures (row, column, color) of one step, to TensorBoard alone."""
        with writing(self._path):
            for name, picture in pictures.items():
                self._board.add_image(name, picture, step, dataformats="HWC")
            self._board.flush()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            with writing(self._path):
                self._file.close()
                self._board.close()
        except DiskFull:
            if error is None:
                raise
        finally:
            threading.excepthook = self._hook


def _without_files(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a hook that leaves out failures of files.

    Of TensorBoard's thread they come to ours as well, with the next call.
    """
    return lambda failed: None if isinstance(failed.exc_value, OSError) else hook(failed)


def read_log(path: Path) -> list[list[str]]:
    """Return the whole rows (step, seconds, name, value) of a log; none where there is no log."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if len(row) == len(COLUMNS) and row[0].isdigit()]
