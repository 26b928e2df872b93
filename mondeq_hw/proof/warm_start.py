"""Updates that a warm start needs for a declared rate of change of the inputs: section 5 of ``docs/mathematics.md``.

Two drives that differ by at most ``delta`` have exact equilibria that differ by at most ``|delta| / (1 - rho)``.  A
state within the radius ``E`` of the last equilibrium is therefore within ``E + |delta| / (1 - rho)`` of the next, and
so many updates that this is ``E`` again keep every sample within the radius of the first one.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from ..base import InputError
from ..program import SolverProgram, WarmStart
from .contraction import ContractionProof, error_bound


def choose_warm_start(program: SolverProgram, proof: ContractionProof, rate: np.ndarray) -> WarmStart:
    """The fewest updates of a warm start with which every sample ends within the radius that the first one has.

    Parameters
    ----------
    program : SolverProgram
        With the iterations of a sample that starts anew.
    proof : ContractionProof
    rate : ndarray of int64 (d,)
        Largest change of each input word from a sample to the next.

    Raises
    ------
    InputError
        They are no fewer than those from the start.
    """
    bound, change = error_bound(program, proof), equilibrium_change(program, proof, rate)
    radius = bound.radius(program.iterations)
    for iterations in range(1, program.iterations):
        if bound.after(radius + change, iterations) <= radius:
            return WarmStart(iterations, rate)
    raise InputError(
        "at this rate of change the equilibrium moves so far from a sample to the next that a warm start needs no "
        f"fewer updates than the {program.iterations} from the start; declare a smaller rate by --warm-start, or leave "
        "it out"
    )


def equilibrium_change(program: SolverProgram, proof: ContractionProof, rate: np.ndarray) -> int:
    """Bound on how far the exact equilibrium moves between two inputs, in the units of ``ErrorBound``."""
    words, left = [int(word) for word in rate], program.drive_left_shift
    grids = (program.drive_right_shift + program.matrix.shifts).tolist()
    moved = [
        Fraction(sum(abs(entry) * word for entry, word in zip(row, words, strict=True)) << left) / 2**grid
        for row, grid in zip(program.drive.rows(), grids, strict=True)
    ]
    return ceil(Fraction(proof.metric.norm_up(moved)) / (1 - proof.contraction_factor))
