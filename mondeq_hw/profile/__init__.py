"""Words against their formats, saturations, and every update beside the float solver's.

Takes a ``SolverProgram``, inputs and the float network; gives ``ComparedTrace`` and ``Profile``.
"""

from __future__ import annotations

from .profile import Profile, profile
from .traces import ComparedTrace, FloatSolver, trace

__all__ = [
    "ComparedTrace",
    "FloatSolver",
    "Profile",
    "profile",
    "trace",
]
