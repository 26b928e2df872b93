"""The build folder: written beside its place, moved there in one step, and read again.

A folder of the final name exists only complete.  Whatever kills the program,
at most a hidden sibling ``.NAME.tmp-*`` stays behind, which the next run
removes: the lock that its owner held on it is free then.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base import InputError, missing_folders, remove_empty, require_place
from .manifest import check_ours, write_manifest

#: What a disk or its rights can do to a write; any other OSError is a bug.
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG})

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def check_target(target: Path, force: bool) -> None:
    """Refuse a place that :func:`writing` could not fill, before any work is done.

    Raises
    ------
    InputError
        The folder exists (without ``force``), is not one of ours (with it),
        or its parent cannot be written.
    """
    _parent(target)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target}: exists and is not a folder; name another one with --out")
    if target.exists():
        if not force:
            raise InputError(f"{target}: exists already; name another folder with --out, or replace it with --force")
        check_ours(target)
    require_place(target, "name another --out")


@contextmanager
def writing(target: Path, force: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``target`` when the block ends without an exception.

    Parameters
    ----------
    target : path
    force : bool
        Replace an existing project.

    Yields
    ------
    Path
        An empty folder beside ``target``.

    Raises
    ------
    InputError
        As :func:`check_target`; or the disk is full or not writable.
    """
    check_target(target, force)
    parent = _parent(target)
    missing = missing_folders(target)
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); name another folder with --out") from None
    _remove_stale(parent, target.name)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(target.name), dir=parent))
    except OSError as error:
        remove_empty(missing)
        raise InputError(f"{target}: cannot be written ({error.strerror}); name another folder with --out") from None
    lock = os.open(temporary, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        write_manifest(temporary)
        _move(temporary, target)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise InputError(
            f"{target}: cannot be written ({error.strerror}); free space or name another folder with --out"
        ) from None
    finally:
        # After an exchange this is the replaced project; after a failure, the unfinished one.
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)
        if not target.exists():
            remove_empty(missing)


def _move(temporary: Path, target: Path) -> None:
    if not target.exists():
        os.rename(temporary, target)
    elif not _exchange(temporary, target):
        # No atomic exchange here: the old project is out of the way for one moment, and back on failure.
        aside = Path(tempfile.mkdtemp(prefix=_prefix(target.name), dir=temporary.parent))
        os.rename(target, aside / target.name)
        try:
            os.rename(temporary, target)
        except OSError:
            os.rename(aside / target.name, target)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step (Linux ``renameat2``); false where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    failed = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(code, os.strerror(code))


def _remove_stale(parent: Path, name: str) -> None:
    """Remove temporary folders of runs that are no more: nobody holds their lock."""
    for folder in parent.glob(f"{_prefix(name)}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _parent(target: Path) -> Path:
    if target.name in ("", "..", "."):
        raise InputError(f"{target}: --out needs the name of a new folder")
    return target.absolute().parent


def _prefix(name: str) -> str:
    return f".{name}.tmp-"


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
