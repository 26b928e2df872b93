"""Arrays that a user hands over: read, or refused by name where they are none, of another shape, or not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..base import InputError

#: Of anything but weights, which have a limit of their own; beyond, sums of squares are not finite.
LARGEST_ENTRY = 1e100

Array = np.ndarray | Sequence[float] | Sequence[Sequence[float]]


def dense(values: Any) -> np.ndarray:
    """An array, or a sparse matrix of SciPy, as floating-point numbers."""
    array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    if array.dtype.kind == "c" or (array.dtype.kind == "b" and array.ndim == 0) or np.ma.is_masked(values):
        raise TypeError("complex numbers, a truth value or masked entries")
    return array.astype(np.float64)


def numbers(name: str, values: Any, dimensions: int | None, finite: bool = True) -> np.ndarray:
    """Real numbers in as many dimensions; any where None.

    Raises
    ------
    InputError
        They are something else, or infinite, NaN or huge where they must not be.
    """
    if values is None:
        raise InputError(f"{name} is None; expected real numbers{_in(dimensions)}")
    try:
        array = dense(values)
    except (TypeError, ValueError, RuntimeError):  # the last of a tensor that wants a gradient
        raise InputError(f"{name} is no array of numbers; expected real numbers{_in(dimensions)}") from None
    if dimensions not in (None, array.ndim):
        raise InputError(f"{name} has shape {array.shape}; expected real numbers{_in(dimensions)}")
    if finite and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers")
    if finite and (peak := np.abs(array).max(initial=0.0)) > LARGEST_ENTRY:
        raise InputError(f"{name} has an entry of {peak:.3g}; expected at most {LARGEST_ENTRY:g}, in other units")
    if np.isnan(array).any():
        raise InputError(f"{name} holds NaN; expected numbers, or infinities where there is no bound")
    return array


def whole(value: Any) -> int | None:
    """A whole number, NumPy's among them; None for anything else, and for a truth value."""
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else None


def require_shape(name: str, array: np.ndarray, expected: tuple[int, ...], why: str = "") -> None:
    """Refuse an array of another shape; ``why`` says what the expected one follows from."""
    if array.shape != expected:
        raise InputError(f"{name} has shape {array.shape}; expected {expected}{why}")


def matrix(name: str, values: Any) -> np.ndarray:
    """Finite numbers as a matrix: a number is one of one entry, a vector one of one row."""
    array = np.atleast_2d(numbers(name, values, None))
    if array.ndim != 2 or not array.size:
        raise InputError(f"{name} has shape {array.shape}; expected a matrix with rows and columns")
    return array


def vector(name: str, values: Any, length: int, finite: bool = True) -> np.ndarray:
    """So many numbers, or one for all."""
    array = numbers(name, values, None, finite)
    if array.shape not in ((), (length,)):
        raise InputError(f"{name} has shape {array.shape}; expected {length} numbers, or one for all")
    return np.broadcast_to(array, (length,)).copy()


def pair(name: str, values: Any) -> tuple[Any, Any]:
    """Two ends."""
    array = isinstance(values, np.ndarray) and values.ndim > 0
    if not (array or isinstance(values, tuple | list)) or len(values) != 2:
        raise InputError(f"{name} is no pair; expected its lower and its upper end: (low, high)")
    return values[0], values[1]


def interval(name: str, values: Any, length: int, finite: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends (length,), each so many numbers, or one for all.

    Raises
    ------
    InputError
        They are no pair, or one goes downwards.
    """
    ends = zip(("lower", "upper"), pair(name, values), strict=True)
    low, high = (vector(f"{name}'s {end} end", each, length, finite) for end, each in ends)
    require_ascending(name, low, high)
    return low, high


def require_ascending(name: str, low: np.ndarray, high: np.ndarray) -> None:
    """Refuse empty intervals."""
    empty = (low > high) | (low == np.inf) | (high == -np.inf)
    if empty.any():
        bad = int(np.argmax(empty))
        raise InputError(f"{name}[{bad}] goes from {low[bad]:g} to {high[bad]:g}; expected an ascending interval")


def _in(dimensions: int | None) -> str:
    return "" if dimensions is None else f" in {dimensions} dimension{'s' if dimensions > 1 else ''}"
