"""Which of many like cases a usual run takes; the rest is the long set, ``scripts/test --long``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any

import pytest


def one_in(share: int, cases: Sequence[Any], name: Callable[[Any], str] = attrgetter("name")) -> list[Any]:
    """Cases as parameters: the first and every so-many-th are always run. Neighbours in a list try the same place."""
    return [
        pytest.param(case, id=name(case), marks=[pytest.mark.long] if number % share else [])
        for number, case in enumerate(cases)
    ]


def all_but(names: Collection[str], cases: Sequence[Any]) -> list[Any]:
    """Cases as parameters: those of these names are the long set's."""
    return [pytest.param(case, id=case.name, marks=[pytest.mark.long] * (case.name in names)) for case in cases]
