"""Every option that is more than one file's business, declared once.

Takes keywords, flags and TOML or JSON files; gives frozen records, ``CompileConfig`` first.
"""

from __future__ import annotations

from .compile import CompileConfig, DataOptions, InputOptions, NetworkOptions, RoundingOptions
from .file import filled_in
from .options import Option, PositiveInt, option, options_of, spelled_out
from .search import SearchOptions
from .training import Optimisation, QatConfig, QatOptions, TrainingConfig, TrainingData

__all__ = [
    "CompileConfig",
    "DataOptions",
    "InputOptions",
    "NetworkOptions",
    "Optimisation",
    "Option",
    "PositiveInt",
    "QatConfig",
    "QatOptions",
    "RoundingOptions",
    "SearchOptions",
    "TrainingConfig",
    "TrainingData",
    "filled_in",
    "option",
    "options_of",
    "spelled_out",
]
