"""A compiled controller in the loop with its plant.

Takes a program, the problem that it was compiled from and a plant; gives a ``ClosedLoop``.
"""

from __future__ import annotations

from .loop import ClosedLoop, LinearPlant, simulate
from .stability import LoopProof, certify_closed_loop

__all__ = ["ClosedLoop", "LinearPlant", "LoopProof", "certify_closed_loop", "simulate"]
