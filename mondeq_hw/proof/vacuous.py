"""Proofs that are true and say nothing: what a program's certificate is worth before anybody reads it.

A stored network may converge provably to within more than it moves at all: where ``1 - rho`` is small against the
state's step every state is nearly a fixed point, and where the drive rounds to nothing there is nothing to find.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ..program import GoldenModel, SolverProgram
from .contraction import ContractionProof, ErrorBound, error_bound

#: A proved radius from this share of the bound on the equilibrium itself on is no statement about it.
USELESS_SHARE = Fraction(1, 2)


def useless_radius(program: SolverProgram, proof: ContractionProof) -> str | None:
    """Why the radius after all updates says nothing, if so: the state zero, from which they start, is as near."""
    if program.feedthrough is not None and not program.readout.matrix(np.int64).any():
        return None  # no output depends on the state
    bound = error_bound(program, proof)
    share = radius_share(bound, program.iterations)
    if share < USELESS_SHARE:
        return None
    stalled = radius_share(bound, program.iterations + 10**6) >= USELESS_SHARE
    why = (
        f"the state's step is too coarse for a contraction factor of {float(proof.contraction_factor):.6g}, so that "
        "the rounded state stalls"
        if stalled
        else f"{program.iterations} updates are too few"
    )
    return f"the proved radius is {float(share):.3g} of the bound on the equilibrium itself: {why}"


def radius_share(bound: ErrorBound, iterations: int) -> Fraction:
    """Proved radius after so many updates over the bound ``S`` on the equilibrium's norm; 1 where that is zero."""
    return Fraction(bound.radius(iterations), bound.start) if bound.start else Fraction(1)


def constant_output(program: SolverProgram, words: np.ndarray | None, floating: np.ndarray | None) -> str | None:
    """Why the outputs do not depend on the input, if so and the float network's do.

    Parameters
    ----------
    program : SolverProgram
    words : ndarray of int (samples, d) or None
        Calibration samples as input words.
    floating : ndarray (samples, k) or None
        The float network's outputs on them.
    """
    if all(low == high for low, high in program.injection.words):
        return "the drive rounds to the same word for every input, and with it the output"
    if program.feedthrough is None and not program.readout.matrix(np.int64).any():
        return "the readout rounds to zero"
    if words is None or floating is None or not _varies(floating) or _varies(GoldenModel(program).predict_raw(words)):
        return None
    return f"the output is the same for all of {len(words)} calibration samples"


def _varies(rows: np.ndarray) -> bool:
    return bool((rows != rows[:1]).any())
