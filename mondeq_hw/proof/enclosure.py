"""The exact equilibrium of single samples, enclosed a posteriori.

The deployed state is continued with ``FINE_BITS`` more fractional bits, then
the residual of the exact recurrence, divided by ``1 - rho``, bounds the
distance that is left (Banach).  Nothing about the continuation matters for
the proof, only the integers at its end; see ``docs/mathematics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from ..base import exact_dtype, integers, power_of_two, round_shift
from ..program import GoldenModel, SolverProgram
from .contraction import ContractionProof
from .metric import BOUND_BITS
from .ranges import readout_rows

#: Fractional bits added to the state.
FINE_BITS = 16


@dataclass(frozen=True)
class Enclosure:
    """``||states - s*|| <= radius``, both in steps of ``2^-FINE_BITS`` of a state step.

    Parameters
    ----------
    states : ndarray of integers (samples, n)
    radii : list of int (samples,)
        In units of ``2^-BOUND_BITS`` fine steps, in the proof's norm.
    """

    states: np.ndarray
    radii: list[int]


class ExactRecurrence:
    """``F(s) = sat(M phi(s) + d)`` of the stored integers, on the fine grid."""

    def __init__(self, program: SolverProgram, proof: ContractionProof, words: np.ndarray):
        # A state on its row's accumulator grid may be larger than every sum: where the row's entries are small.
        state = program.state_format.max_word << int(program.matrix.shifts.max())
        dtype = exact_dtype(
            2 * (max(program.drive_accumulator_bound, program.accumulator_bound) + state + 1) << FINE_BITS
        )
        self._program, self._metric, self._factor = program, proof.metric, proof.contraction_factor
        self._matrix: np.ndarray = program.stage.iteration_matrix(dtype).T
        self._shifts = program.matrix.shifts
        total = program.drive.apply(words.astype(dtype)) * power_of_two(program.drive_left_shift, dtype)
        total = (total + program.drive_bias.astype(dtype)) * 2**FINE_BITS
        self._drive = floor_shift(total, program.drive_right_shift)
        self._top = program.state_format.max_word << FINE_BITS
        self._clip = program.clip.scaled(2**FINE_BITS)

    def start(self, states: np.ndarray) -> np.ndarray:
        """Deployed states (samples, n) on the fine grid."""
        return states.astype(self._drive.dtype) * 2**FINE_BITS

    def settled(self, fine: np.ndarray) -> np.ndarray:
        """Fine states after as many rounded updates as the program has iterations, or at their fixed points."""
        for _ in range(self._program.iterations):
            following = self.update(fine)
            if (following == fine).all():
                break
            fine = following
        return fine

    def update(self, fine: np.ndarray) -> np.ndarray:
        """One rounded update of fine states."""
        return np.clip(round_shift(self._accumulate(fine), self._shifts), -self._top, self._top)

    def enclose(self, fine: np.ndarray) -> Enclosure:
        """Bound the distance of fine states from the exact equilibrium.

        The floor of the drive costs less than one unit of the accumulator grid, the two
        ``+ 1`` round the residual up to whole fine steps.
        """
        one = np.array(2, dtype=self._drive.dtype) ** self._shifts.astype(self._drive.dtype)
        accumulator = np.clip(self._accumulate(fine), -self._top * one, self._top * one)
        residuals = floor_shift(np.abs(accumulator - fine * one) + 1, self._shifts) + 1
        return Enclosure(fine, [self._radius(row) for row in whole(residuals).tolist()])

    def _accumulate(self, fine: np.ndarray) -> np.ndarray:
        return self._phi(fine) @ self._matrix + self._drive

    def _phi(self, fine: np.ndarray) -> np.ndarray:
        return self._program.splitting.phi(self._clip, fine)

    def _radius(self, residual: list[int]) -> int:
        return ceil(Fraction(self._metric.norm_up(residual)) / (1 - self._factor))


def whole(values: np.ndarray) -> np.ndarray:
    """Integers of any type as Python's own: what NumPy multiplies and shifts without limit."""
    return values if values.dtype == object else values.astype(np.int64).astype(object)


def floor_shift(values: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """``floor(values * 2**-shift)`` in the array's own type."""
    if values.dtype.kind == "f":
        return np.floor(values * np.ldexp(np.ones(shift.shape, dtype=values.dtype), -shift))
    return values >> shift.astype(values.dtype)


def exact_feedthrough(program: SolverProgram, words: np.ndarray) -> np.ndarray:
    """What a feed-through adds to the outputs (samples, k), unrounded fractions in units of the output grid."""
    if program.feedthrough is None:
        return np.zeros((len(words), program.rows), dtype=object)
    sums = program.feedthrough.apply(words.astype(object)) << program.drive_left_shift
    units = [
        Fraction(1 << left, 1 << right)
        for left, right in zip(
            program.readout_left_shift.tolist(), program.feedthrough_right_shift.tolist(), strict=True
        )
    ]
    return np.asarray(sums * np.array(units, dtype=object))


def feedthrough_rounding(program: SolverProgram) -> list[Fraction]:
    """What rounding a feed-through's words can change in each output, in units of the output grid."""
    if program.feedthrough is None:
        return [Fraction(0)] * program.rows
    rows = zip(program.readout_left_shift.tolist(), program.feedthrough_right_shift.tolist(), strict=True)
    return [Fraction(1 << left, 2) if right else Fraction(0) for left, right in rows]


def decided_classes(
    program: SolverProgram, proof: ContractionProof, enclosure: Enclosure, fine_bits: int, direct: np.ndarray
) -> list[int]:
    """Class of the exact equilibrium of each sample, -1 where the enclosure does not decide it; with its feed-through.

    The logits ``a`` and ``b`` of every state in the enclosure are in the order of its centre's
    when their difference exceeds the dual norm of ``O_a - O_b`` times the radius.
    """
    rows = readout_rows(program)
    bias = (program.readout_bias.astype(object) << fine_bits).tolist()
    dual = [
        proof.metric.dual_norms_up(integers([[x - y for x, y in zip(a, b, strict=True)] for b in rows])) for a in rows
    ]
    z = whole(program.clip.scaled(2**fine_bits).prox(enclosure.states))
    outputs = z @ np.array(rows, dtype=object).T + np.array(bias, dtype=object) + direct * 2**fine_bits
    classes = []
    for y, radius in zip(outputs.tolist(), enclosure.radii, strict=True):
        best = max(range(len(y)), key=lambda index: (y[index], -index))
        decided = all(
            (y[best] - y[other]) * 4**BOUND_BITS > dual[best][other] * radius
            for other in range(len(y))
            if other != best
        )
        classes.append(best if decided else -1)
    return classes


def verdicts(program: SolverProgram, words: np.ndarray, classes: list[int]) -> dict[str, int]:
    """How many deployed classes equal the proved ones, where -1 proves nothing."""
    deployed = GoldenModel(program).predict_raw(words).argmax(axis=1).tolist()
    equal, undecided = sum(a == b for a, b in zip(classes, deployed, strict=True)), classes.count(-1)
    return {"equal": equal, "different": len(classes) - equal - undecided, "undecided": undecided}
