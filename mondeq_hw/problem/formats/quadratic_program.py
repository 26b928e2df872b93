"""A parametric quadratic program: the arguments of :func:`~mondeq_hw.problem.qp.from_qp` as keys of a file."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint
from ..qp import PARAMETER_BITS, from_qp
from ..source import Asked, Source
from ..spelling import Spelled

#: Other spellings of a key.
ALIASES = {"q0": "q", "l0": "l", "u0": "u", "S": "outputs"}
VECTORS, MATRICES, TEXTS = ("q", "l", "u"), ("P", "Q", "A", "L", "U", "outputs"), ("names", "output_names")
KEYS = (*VECTORS, *MATRICES, *TEXTS, "theta", "delta", "l1", "slack_l1", "input_bits")
NEEDED = {
    "P": "(n, n), symmetric",
    "q": "(n,), the linear cost",
    "theta": "(2, p), the smallest and the largest parameter: every claim is about this box",
}


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    # One of the needed may be missing, which the reader names.
    return sum(any(key in given.arrays for key in keys) for keys in (("P",), ("q", "q0"), ("theta",))) >= 2


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    if asked.margin is not None:
        raise InputError(f"{source.where}: is a quadratic program, which has no margin; leave --margin out")
    given = _canonical(source)
    for key, what in NEEDED.items():
        if key not in given:
            raise InputError(f"{source.where}: key {key!r} is missing; add {key} {what}")
    try:
        return Checkpoint(from_qp(**_arguments(given), source=source.file_name))
    except InputError as error:
        raise InputError(f"{source.where}: {error.in_shell()}") from None


def _canonical(source: Source) -> dict[str, Any]:
    """Values under their one spelling.

    Raises
    ------
    InputError
        A key is unknown, or there twice.
    """
    found: dict[str, Any] = {}
    for key, value in source.spelled.arrays.items():
        if value is None:  # JSON's null
            continue
        ours = ALIASES.get(key, key)
        if ours not in KEYS:
            near = difflib.get_close_matches(key, (*KEYS, *ALIASES), 1)
            remedy = f"did you mean {near[0]!r}?" if near else "remove it"
            raise InputError(
                f"{source.where}: key {source.name(key)!r} is none of a quadratic program; expected {', '.join(KEYS)}. "
                f"{remedy[0].upper() + remedy[1:]}"
            )
        if ours in found:
            raise InputError(f"{source.where}: keys {key!r} and {ours!r} mean the same; remove one")
        found[ours] = value
    return found


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[str, Any], Any]] = {
        "theta": _box,
        "delta": _penalty,
        "l1": _penalty,
        "slack_l1": _penalty,
        "input_bits": _bits,
    }
    readers |= dict.fromkeys(VECTORS, _vector) | dict.fromkeys(TEXTS, _texts)
    return {key: readers[key](key, value) if key in readers else value for key, value in given.items()}


def _numbers(key: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{key} is no array of numbers; expected numbers, and inf or -inf where there is no bound"
        ) from None


def _vector(key: str, value: Any) -> np.ndarray:
    array = _numbers(key, value)
    return array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array  # MATLAB has no vectors


def _box(key: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
    array = _numbers(key, value)
    if array.ndim != 2 or len(array) != 2:
        raise InputError(f"{key} has shape {array.shape}; expected (2, p), the smallest and the largest parameter")
    return array[0], array[1]


def _penalty(key: str, value: Any) -> np.ndarray:
    array = _vector(key, value)
    return array.reshape(()) if array.size == 1 else array


def _bits(key: str, value: Any) -> int:
    array = _numbers(key, value)
    if array.size != 1 or not float(array.reshape(())).is_integer():
        raise InputError(f"{key} is {value!r}; expected a whole number of bits, {PARAMETER_BITS} when it is left out")
    return int(array.reshape(()))


def _texts(key: str, value: Any) -> list[Any]:
    texts = np.asarray(value).reshape(-1)
    texts = np.char.decode(texts, "utf-8") if texts.dtype.kind == "S" else texts
    return [name.strip() if isinstance(name, str) else name for name in texts.tolist()]
