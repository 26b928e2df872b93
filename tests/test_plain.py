"""JSON with arrays in it is JSON with lists in it, to the byte."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mondeq_hw.base import as_lists, canonical_digest, json_text, listed
from mondeq_hw.base.plain import BLOCK, FEWEST, WIDEST_RANGE

RNG = np.random.default_rng(0)
ARRAYS = (
    np.zeros(0, dtype=np.int64),
    np.zeros((3, 0), dtype=np.int64),
    RNG.integers(-9, 10, FEWEST),
    RNG.integers(-127, 128, (37, 41)),
    RNG.integers(-1, 1, (5, 7, 8, 9)),
    RNG.integers(0, 10, (FEWEST, 1, 1)),
    RNG.integers(-(2**40), 2**40, (40, 40)),
    np.append(np.zeros(FEWEST, dtype=np.int64), WIDEST_RANGE),
    RNG.integers(0, 2, (BLOCK // 1000, 2001)),
    np.array([[2**80, 1]], dtype=object),
    np.array([True, False]),
)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_an_array_is_written_as_its_list(array: np.ndarray) -> None:
    assert listed(array) == json.dumps(array.tolist())
    assert listed(array, ",") == json.dumps(array.tolist(), separators=(",", ""))


def test_a_whole_document_is_that_of_lists() -> None:
    plain: dict[str, Any] = {
        "b": ARRAYS[3],
        "a": [{"x": ARRAYS[2], "y": None}, 1.5],
        "text": "\u00e4 \\ array",
        "c": [1, 2],
    }
    lists = as_lists(plain)
    assert json_text(plain) == json.dumps(lists) and lists["a"][0]["x"] == ARRAYS[2].tolist()
    assert json_text(plain, (",", ":"), sort_keys=True) == json.dumps(lists, sort_keys=True, separators=(",", ":"))
    assert canonical_digest(plain) == canonical_digest(lists)
    with pytest.raises(TypeError, match="set is no plain value"):
        json_text({"a": {1}})
