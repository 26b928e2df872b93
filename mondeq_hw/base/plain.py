"""JSON of plain values among which arrays of integers may stand for lists: the same text, many times faster.

An array whose numbers lie in a narrow range is written by a table of all their texts, with what follows each: a comma,
or the brackets that end there.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

#: Of numbers that are written at once, and in their range, at most; arrays of fewer are written as lists.
BLOCK, WIDEST_RANGE, FEWEST = 1 << 20, 1 << 12, 1 << 10
#: Where an array's text goes; no plain value of ours contains it.
_HERE = "\0array"


def json_text(plain: Any, separators: tuple[str, str] = (", ", ": "), sort_keys: bool = False) -> str:
    """What ``json.dumps`` makes of values in which every array is a list."""
    arrays: list[np.ndarray] = []

    def place(value: Any) -> str:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{type(value).__name__} is no plain value")
        arrays.append(value)
        return _HERE

    first, *rest = json.dumps(plain, separators=separators, sort_keys=sort_keys, default=place).split(json.dumps(_HERE))
    texts = (text for array, after in zip(arrays, rest, strict=True) for text in (listed(array, separators[0]), after))
    return "".join((first, *texts))


def listed(array: np.ndarray, comma: str = ", ") -> str:
    """An array of integers as nested JSON lists."""
    few = array.dtype != np.int64 or array.size < FEWEST
    low, high = (0, 0) if few else (int(array.min()), int(array.max()))
    count = high - low + 1
    if few or count > WIDEST_RANGE:
        return json.dumps(array.tolist(), separators=(comma, ""))
    endings = ["]" * level + comma + "[" * level for level in range(array.ndim)]
    table = np.array([f"{number}{ending}" for ending in endings for number in range(low, high + 1)], dtype=np.bytes_)
    texts = []
    for block in np.array_split(array, -(-array.size // BLOCK)):
        places = block - low
        ends = places
        for _ in range(1, array.ndim):  # what is last in one more axis ends one more list
            ends = ends[..., -1]
            ends += count
        texts.append(table[places].tobytes().translate(None, b"\0").decode())
    last = len(endings[-1])
    return "[" * array.ndim + "".join(texts)[:-last] + "]" * array.ndim


def as_lists(plain: Any) -> Any:
    """The same values, every array a list."""
    if isinstance(plain, dict):
        return {key: as_lists(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [as_lists(value) for value in plain] if any(isinstance(v, dict | list) for v in plain) else plain
    return plain.tolist() if isinstance(plain, np.ndarray) else plain


def canonical_digest(plain: Any) -> str:
    """SHA-256 of JSON with sorted keys and no spaces, which any language can make again."""
    return hashlib.sha256(json_text(plain, (",", ":"), sort_keys=True).encode()).hexdigest()
