"""Golden model, compiled C++ and simulated RTL, compared word for word.

Takes a build folder and input words; gives a ``VerifyReport``.
"""

from __future__ import annotations

from .csim import COMPILER_FLAGS, CSimulation
from .verify import BackendReport, ComparedCycles, VerifyReport, verify

__all__ = [
    "COMPILER_FLAGS",
    "BackendReport",
    "CSimulation",
    "ComparedCycles",
    "VerifyReport",
    "verify",
]
