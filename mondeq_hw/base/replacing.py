"""Files that appear complete or not at all, and the folders above them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


@contextmanager
def replacing(file: Path, remedy: str = "name another file") -> Iterator[Path]:
    """A temporary sibling that becomes ``file`` when the block ends without an exception.

    Missing folders above it are made, and go again where the file does not come.

    Raises
    ------
    InputError
        It cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    missing = missing_folders(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); {remedy}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
        remove_empty(missing)


def require_place(path: Path, remedy: str) -> None:
    """Refuse, before any work is done, a place below what is no folder, or is none that can be written.

    Raises
    ------
    InputError
    """
    existing = path.absolute().parent
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be made, because {existing} is not a writable folder; {remedy}")


def missing_folders(path: Path) -> list[Path]:
    """The folders above a path that do not exist, outermost first."""
    return [folder for folder in reversed(path.absolute().parents) if not folder.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Those of the folders, outermost first, in which nothing is."""
    with suppress(OSError):
        for folder in reversed(list(folders)):
            folder.rmdir()
