"""The smallest certified word lengths that reach a target.

Takes a ``MonDEQ``, a lattice of word lengths and a target; gives a ``SearchResult``.
"""

from __future__ import annotations

from .report import PLOT, REPORT, TABLE, WINNER, conclusion, shorter, to_plain
from .report import write as write_search
from .search import SearchObserver, SearchResult, SearchSettings, search, settings_of
from .space import AXES, COSTS, MEMORY, Choice, Lattice, SearchPoint, Target

__all__ = [
    "AXES",
    "COSTS",
    "MEMORY",
    "PLOT",
    "REPORT",
    "TABLE",
    "WINNER",
    "Choice",
    "Lattice",
    "SearchObserver",
    "SearchPoint",
    "SearchResult",
    "SearchSettings",
    "Target",
    "conclusion",
    "search",
    "settings_of",
    "shorter",
    "to_plain",
    "write_search",
]
