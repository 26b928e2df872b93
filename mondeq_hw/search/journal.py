"""Measured points on disk, one JSON line each; a kill loses the points that were being measured, and no other.

Every line carries the key of its experiment (model, data, options, version), so a folder may hold several, and its
own digest: a point whose line was damaged is measured again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base import InputError, canonical_digest

JOURNAL = "points.jsonl"


@dataclass(frozen=True)
class Journal:
    """The lines of one experiment.

    Parameters
    ----------
    file : Path
    key : str
        Of the experiment.
    """

    file: Path
    key: str

    def read(self) -> list[dict[str, Any]]:
        """Records of this experiment, in the order of their measurement; a damaged or foreign line is none."""
        lines = self.file.read_text(errors="replace").splitlines()
        return [record for line in lines if (record := point_in(line, self.key)) is not None]

    def append(self, record: dict[str, Any]) -> None:
        """Add one record."""
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line_of(self.key, record).encode())
            os.fsync(descriptor)
        except OSError as error:
            raise InputError(f"{self.file}: cannot be written ({error.strerror}); free space and start again") from None
        finally:
            os.close(descriptor)


def line_of(key: str, record: dict[str, Any]) -> str:
    """A record of an experiment as a line."""
    content = {"key": key, "point": record}
    return json.dumps({"digest": canonical_digest(content), **content}) + "\n"


def point_in(line: str, key: str) -> dict[str, Any] | None:
    """The record in a line; None where it is another experiment's, or not as it was written."""
    try:
        content = json.loads(line)
        digest = content.pop("digest")
        return dict(content["point"]) if digest == canonical_digest(content) and content["key"] == key else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def exclusive(folder: Path, key: str) -> Iterator[Journal]:
    """The journal in a folder, made where there is none, for one search at a time.

    Raises
    ------
    InputError
        The folder cannot be written, is not a search's, or another search runs in it.
    """
    file = folder / JOURNAL
    if folder.is_dir() and not file.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty and holds no {JOURNAL} of a search; name another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made or written ({error.strerror}); name another --out") from None
    try:
        _lock(lock, folder)
        _cut_unfinished_line(lock)
        yield Journal(file, key)
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{folder}: another search runs in it; wait for it or name another --out") from None


def _cut_unfinished_line(descriptor: int) -> None:
    """What a kill in the middle of a write left behind."""
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.ftruncate(descriptor, content.rfind(b"\n") + 1)
