"""The smallest certified word lengths that reach a target.

Takes a ``MonDEQ``, a lattice of word lengths and a target; gives a ``SearchResult``.
"""

from __future__ import annotations

from .report import DATABASE, FRONT, PLOT, REPORT, TABLE, WINNER, to_plain
from .report import write as write_search
from .result import SearchResult, conclusion, folding_text, front, shorter
from .run import search_word_lengths
from .search import SearchObserver, search
from .settings import SearchSettings, settings_of
from .space import AXES, COSTS, MEMORY, Choice, Lattice, SearchPoint, Target

__all__ = [
    "AXES",
    "COSTS",
    "DATABASE",
    "FRONT",
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
    "folding_text",
    "front",
    "search",
    "search_word_lengths",
    "settings_of",
    "shorter",
    "to_plain",
    "write_search",
]
