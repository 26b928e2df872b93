"""Words against their formats, saturations, and every update beside the float solver's.

Takes a ``SolverProgram``, inputs and the float network; gives ``ComparedTrace`` and ``Profile``.
"""

from __future__ import annotations

from .profile import ComparedTrace, FloatSolver, Profile, profile, trace

__all__ = [
    "ComparedTrace",
    "FloatSolver",
    "Profile",
    "profile",
    "trace",
]
