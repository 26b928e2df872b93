"""The waist: integers and formats of one solver, and the golden model that executes them.

Takes integers; gives ``SolverProgram``, the only thing that proofs and back ends read, and ``GoldenModel``.
"""

from __future__ import annotations

from .golden import GoldenModel, Trace
from .program import SolverProgram, canonical_digest
from .prox import PHI, equilibrium

__all__ = [
    "PHI",
    "GoldenModel",
    "SolverProgram",
    "Trace",
    "canonical_digest",
    "equilibrium",
]
