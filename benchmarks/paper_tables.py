"""Tables of ``paper.py``: Markdown for people, CSV for programs; and the authors' recorded values."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Of a table: a number, a word, or nothing where there is nothing to report.
Cell = float | int | str | None


@dataclass(frozen=True)
class Table:
    """One table; numbers keep all their digits in the CSV file and four in Markdown."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def markdown(self) -> str:
        """The table as it stands in ``docs/paper.md``."""
        lines = [self.columns, ("---",) * len(self.columns), *(map(_text, row) for row in self.rows)]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def write(self, folder: Path) -> None:
        """Print the table and write ``<name>.csv`` and ``<name>.md``."""
        with (folder / f"{self.name}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(self.columns)
            writer.writerows(self.rows)
        (folder / f"{self.name}.md").write_text(self.markdown())
        print(self.markdown())


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


@dataclass(frozen=True)
class Recorded:
    """What the authors' own scripts recorded for the checkpoint, by word length."""

    results: Mapping[str, Mapping[str, Any]]

    def value(self, bits: int, *keys: str) -> Cell:
        """A recorded value, or nothing."""
        entry: Any = self.results.get(str(bits), {})
        for key in keys:
            entry = entry.get(key) if isinstance(entry, Mapping) else None
        return entry if isinstance(entry, (int, float)) else None


def load_recorded(shared: Path) -> Recorded:
    """The authors' ``experiment_results.json``."""
    file = shared / "checkpoints" / "li_2026_recorded_results.json"
    return Recorded(json.loads(file.read_text())["quantisation_results"])
