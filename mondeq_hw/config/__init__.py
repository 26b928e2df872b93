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
from .keywords import (
    BitstreamKeywords,
    CompileKeywords,
    DataKeywords,
    QatKeywords,
    SearchKeywords,
    SynthKeywords,
    TrainKeywords,
)
from .options import (
    STRICT,
    Given,
    Option,
    PositiveFloat,
    PositiveInt,
    explained,
    names_the_option,
    option,
    options_of,
)
from .search import SearchOptions
from .signatures import in_source, keywords_of, spelled_out
from .training import DeviceOptions, Optimisation, QatConfig, QatOptions, TrainingConfig, TrainingData

__all__ = [
    "STRICT",
    "BitstreamKeywords",
    "CheckpointOptions",
    "CompileConfig",
    "CompileKeywords",
    "DataKeywords",
    "DataOptions",
    "DeviceOptions",
    "ExecutorOptions",
    "Given",
    "InputOptions",
    "NetworkOptions",
    "Optimisation",
    "Option",
    "PositiveFloat",
    "PositiveInt",
    "QatConfig",
    "QatKeywords",
    "QatOptions",
    "RoundingOptions",
    "SearchKeywords",
    "SearchOptions",
    "SweepOptions",
    "SynthKeywords",
    "TrainKeywords",
    "TrainingConfig",
    "TrainingData",
    "WordOptions",
    "by_name",
    "explained",
    "filled_in",
    "in_source",
    "keywords_of",
    "names_the_option",
    "option",
    "options_of",
    "spelled_out",
    "with_underscores",
]
