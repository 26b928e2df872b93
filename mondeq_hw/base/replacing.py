"""Files that appear complete or not at all, and the folders above them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


@contextmanager
def replacing(file: Path, remedy: str = "name another file") -> Iterator[Path]:
    """A temporary sibling that becomes ``file`` when the block ends without an exception.

    It has one name, so that what a killed process left goes with the next one that writes the file; whoever writes it
    at the same time waits.  Missing folders above it are made, and go again where the file does not come.

    Raises
    ------
    InputError
        It cannot be written.
    """
    temporary = file.with_name(f".{file.name}.part")
    missing = missing_folders(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(temporary)
        try:
            yield temporary
            os.replace(temporary, file)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            os.close(lock)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); {remedy}") from None
    finally:
        remove_empty(missing)


def _locked(temporary: Path) -> int:
    """A new file, locked as long as the descriptor is open; one whose lock nobody holds has no writer any more."""
    while True:
        new = True
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            new = False
            try:
                descriptor = os.open(temporary, os.O_RDONLY)
            except FileNotFoundError:
                continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            # While the lock was waited for, its holder may have moved the file, and another made a new one.
            if os.path.samestat(os.fstat(descriptor), temporary.stat()):
                if new:
                    return descriptor
                temporary.unlink()
        os.close(descriptor)


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
