"""The waist: integers and formats of one solver, and the golden model that executes them.

Takes integers; gives ``SolverProgram``, the only thing that proofs and back ends read, and ``GoldenModel``.
"""

from __future__ import annotations

from .carried import CarriedWords
from .golden import GoldenModel, Trace
from .injection import Injection
from .naming import NAME_EXPECTED, NAME_PATTERN, check_name, name_of
from .program import SolverProgram, convergence_in_words
from .stage import MOST_ITERATIONS, Stage
from .warm_start import WarmStart

__all__ = [
    "MOST_ITERATIONS",
    "NAME_EXPECTED",
    "NAME_PATTERN",
    "CarriedWords",
    "GoldenModel",
    "Injection",
    "SolverProgram",
    "Stage",
    "Trace",
    "WarmStart",
    "check_name",
    "convergence_in_words",
    "name_of",
]
