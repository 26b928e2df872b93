"""Hardware proved, not tried: properties of the RTL hold for every input, or a run that breaks one is named.

Takes hand-written SystemVerilog and its properties (``hls_templates/formal``); gives a ``UnitResult`` for every unit.
"""

from __future__ import annotations

from .library import CaseResult, MutantResult, UnitResult, prove_units
from .prover import PROVED, REFUTED, UNDECIDED, Prover, ProverFailedError
from .units import UNITS, Mutant, Unit

__all__ = [
    "PROVED",
    "REFUTED",
    "UNDECIDED",
    "UNITS",
    "CaseResult",
    "Mutant",
    "MutantResult",
    "Prover",
    "ProverFailedError",
    "Unit",
    "UnitResult",
    "prove_units",
]
