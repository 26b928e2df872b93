"""Hardware proved, not tried: properties of the RTL hold for every input, or those that some run breaks are named.

Takes hand-written SystemVerilog and its properties (``hls_templates/formal``), or a build folder; gives a
``UnitResult`` for every unit, or a ``BuildProof``.
"""

from __future__ import annotations

from .build import BuildProof, Statement, prove_build
from .library import (
    CaseResult,
    EngineResult,
    MutantResult,
    UnitResult,
    module_text,
    prove_engines,
    prove_units,
    unit_status,
)
from .prover import PROVED, REFUTED, UNDECIDED, Prover, ProverFailedError
from .small import ENGINES, Engine
from .unit import Mutant, Unit
from .units import UNITS

__all__ = [
    "ENGINES",
    "PROVED",
    "REFUTED",
    "UNDECIDED",
    "UNITS",
    "BuildProof",
    "CaseResult",
    "Engine",
    "EngineResult",
    "Mutant",
    "MutantResult",
    "Prover",
    "ProverFailedError",
    "Statement",
    "Unit",
    "UnitResult",
    "module_text",
    "prove_build",
    "prove_engines",
    "prove_units",
    "unit_status",
]
