"""Files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


@contextmanager
def replacing(file: Path, remedy: str = "name another file") -> Iterator[Path]:
    """A temporary sibling that becomes ``file`` when the block ends without an exception.

    Raises
    ------
    InputError
        It cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); {remedy}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
