"""The waist: integers and formats of one solver, and the golden model that executes them.

Takes integers; gives ``SolverProgram``, the only thing that proofs and back ends read, and ``GoldenModel``.
"""

from __future__ import annotations

from .golden import GoldenModel, Trace
from .program import SolverProgram
from .stage import Stage

__all__ = [
    "GoldenModel",
    "SolverProgram",
    "Stage",
    "Trace",
]
