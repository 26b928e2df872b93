"""The steps of a compilation that the pipeline, the search and the report's sweep share.

Each takes the options' record and what the step before it gave.
"""

from __future__ import annotations

from .certified import certified_program
from .checkpoint import checkpoint_of, declared_words, read_checkpoint, resolve
from .data import Data, Pair, choose_data, compared, given_samples, named_files, samples_for, samples_of, training_sets
from .design import graph_search_of, scheduled
from .lowering import lowered_by, lowering_options
from .program import UNCERTIFIED_ITERATIONS, says_nothing, starting_warm

__all__ = [
    "UNCERTIFIED_ITERATIONS",
    "Data",
    "Pair",
    "certified_program",
    "checkpoint_of",
    "choose_data",
    "compared",
    "declared_words",
    "given_samples",
    "graph_search_of",
    "lowered_by",
    "lowering_options",
    "named_files",
    "read_checkpoint",
    "resolve",
    "samples_for",
    "samples_of",
    "says_nothing",
    "scheduled",
    "starting_warm",
    "training_sets",
]
