"""Measured points that searches share, a file each: of several folders, or of several users.

A file is named by the digest of its point's experiment and choice, holds a line of a journal, and appears at once; two
searches that measure the same point write the same file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..base import canonical_digest, replacing
from .journal import line_of, point_in
from .space import Choice


@dataclass(frozen=True)
class Cache:
    """The points of one experiment.

    Parameters
    ----------
    folder : Path
        Made where there is none.
    key : str
        Of the experiment.
    """

    folder: Path
    key: str

    def read(self, choice: Choice) -> dict[str, Any] | None:
        """The record of a choice; None where there is none, or a damaged one."""
        try:
            return point_in(self._file(choice).read_text(errors="replace"), self.key)
        except OSError:
            return None

    def write(self, choice: Choice, record: dict[str, Any]) -> None:
        """Add a record.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        with replacing(self._file(choice), "name another --cache") as temporary:
            temporary.write_text(line_of(self.key, record))

    def _file(self, choice: Choice) -> Path:
        name = canonical_digest({"key": self.key, **asdict(choice)})
        return self.folder / name[:2] / f"{name}.json"
