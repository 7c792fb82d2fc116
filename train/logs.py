"""Where the numbers of a run go: a CSV file and TensorBoard."""

from __future__ import annotations

import csv
import os
from pathlib import Path

LOG = "log.csv"


class Logs:
    """Writes rows of scalars to `log.csv` and to `tensorboard/`.

    Parameters
    ----------
    folder : of the run.
    step : rows after this step are dropped: they belong to steps that a resumed run takes again.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        # Imported here: it takes seconds, and evaluation never needs it.
        from torch.utils.tensorboard import SummaryWriter

        self.path = folder / LOG
        self._rows = [row for row in read_log(self.path) if int(row["step"]) <= step]
        self._columns: list[str] = list(self._rows[0]) if self._rows else []
        self._rewrite()
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, scalars: dict[str, float]) -> None:
        """Add one row."""
        row = {"step": str(step), **{name: f"{value:.6g}" for name, value in scalars.items()}}
        self._rows.append(row)
        new = [name for name in row if name not in self._columns]
        if new:
            self._columns += new
            self._rewrite()
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self._columns).writerow(row)
        for name, value in scalars.items():
            self._board.add_scalar(name, value, step)

    def _rewrite(self) -> None:
        aside = self.path.with_suffix(".part")
        with aside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(self._rows)
        os.replace(aside, self.path)

    def close(self) -> None:
        """Flush and close."""
        self._board.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """Return the rows of a log; none where there is no log, whole rows only."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit()]
