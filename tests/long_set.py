"""Which of many like cases a usual run takes; the rest is the long set, ``scripts/test --long``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def one_in_three(cases: Sequence[Any]) -> list[Any]:
    """Named cases as parameters: every third is always run. Neighbours in a list try the same place."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.long] if number % 3 else [])
        for number, case in enumerate(cases)
    ]
