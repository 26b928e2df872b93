"""Every option that is more than one file's business, declared once.

Takes keywords, flags and TOML or JSON files; gives frozen records, ``CompileConfig`` first.
"""

from __future__ import annotations

from .compile import (
    CheckpointOptions,
    CompileConfig,
    DataOptions,
    InputOptions,
    NetworkOptions,
    RoundingOptions,
    WordOptions,
    with_underscores,
)
from .executor import ExecutorOptions, SweepOptions
from .file import by_name, filled_in
from .options import (
    STRICT,
    Option,
    PositiveFloat,
    PositiveInt,
    explained,
    names_the_option,
    option,
    options_of,
    spelled_out,
)
from .search import SearchOptions
from .training import DeviceOptions, Optimisation, QatConfig, QatOptions, TrainingConfig, TrainingData

__all__ = [
    "STRICT",
    "CheckpointOptions",
    "CompileConfig",
    "DataOptions",
    "DeviceOptions",
    "ExecutorOptions",
    "InputOptions",
    "NetworkOptions",
    "Optimisation",
    "Option",
    "PositiveFloat",
    "PositiveInt",
    "QatConfig",
    "QatOptions",
    "RoundingOptions",
    "SearchOptions",
    "SweepOptions",
    "TrainingConfig",
    "TrainingData",
    "WordOptions",
    "by_name",
    "explained",
    "filled_in",
    "names_the_option",
    "option",
    "options_of",
    "spelled_out",
    "with_underscores",
]
