"""What a container holds, whatever it is: named arrays, plain values, metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Contents:
    """Named arrays of a file or a live model.

    Parameters
    ----------
    where : str
        The file, or the live model's class, for errors.
    arrays : mapping of str to ndarray
        And plain values, as they are.
    metadata : mapping
        Of the own format.
    """

    where: str
    arrays: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def listed(keys: Iterable[Any]) -> str:
    """The first names of many, for an error message."""
    names = [str(key) for key in keys]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"


def rows_of(numbers: Sequence[int]) -> str:
    """``row 3`` or ``rows 1, 3``."""
    return f"row{'s' * (len(numbers) > 1)} {listed(numbers)}"


def first_line(error: Exception) -> str:
    """An exception in a few words."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:120]
