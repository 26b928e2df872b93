"""Ranges of every accumulator, derived from the stored integers alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..base import FixedPointFormat, InputError, Interval, integer_type, integers, magnitude, signed_width, spans
from ..program import SolverProgram
from .contraction import drive_extremes, feedthrough_extremes


def readout_rows(program: SolverProgram) -> list[list[int]]:
    """Readout integers (k, n), every row on the common output grid."""
    left = program.readout_left_shift.tolist()
    return [[x << shift for x in row] for row, shift in zip(program.readout.rows(), left, strict=True)]


def drive_rows(program: SolverProgram) -> tuple[np.ndarray, int]:
    """Integers (n, d + 1) of the drive, its bias in the last column, on one grid; and the fractional bits of that."""
    finer = program.drive_fractional_bits.max() - program.drive_fractional_bits
    rows = np.column_stack([program.drive.matrix(np.int64), program.drive_bias])
    shifts = np.column_stack([np.repeat((finer + program.drive_left_shift)[:, None], program.drive.shape[1], 1), finer])
    dtype = integer_type(magnitude(rows) << int(shifts.max()))
    return rows.astype(dtype) << shifts.astype(dtype), int(program.drive_fractional_bits.max())


def largest_sums(affine: np.ndarray, words: FixedPointFormat) -> list[int]:
    """Largest ``|row x + offset|`` of every row over every input, the offsets in the last column."""
    ends = [(words.min_word, words.max_word)] * (affine.shape[1] - 1) + [(1, 1)]
    return [max(-low, high) for low, high in spans(affine, ends)]


def operand_spans(program: SolverProgram, reflected: bool) -> list[tuple[int, int]]:
    """Smallest and largest ``prox(s)`` of each row, or ``2 prox(s) - s``, over every state word."""
    top = program.state_format.max_word
    kinds = [_operand_span(kind, top, reflected) for kind in program.clip.kinds]
    return [kinds[row] for row in program.clip.rows]


def _operand_span(kind: Interval, top: int, reflected: bool) -> tuple[int, int]:
    """Both are linear between the ends of the state's words and the bounds."""
    low, high = int(max(kind.lower, -top)), int(min(kind.upper, top))
    ends, kept = (-top, low, high, top), (low, low, high, high)
    values = [s - z if kind.complement else z for s, z in zip(ends, kept, strict=True)]
    values = [2 * z - s for s, z in zip(ends, values, strict=True)] if reflected else values
    return min(values), max(values)


def _hull(intervals: Iterable[tuple[int, int]]) -> tuple[int, int]:
    lows, highs = zip(*intervals, strict=True)
    return min(lows), max(highs)


def accumulator_ranges(program: SolverProgram) -> dict[str, tuple[int, int]]:
    """Interval of every accumulator, derived from the stored integers alone.

    Not read from the program's own bounds, so that an error there cannot prove itself.

    Raises
    ------
    InputError
        A width that the program states does not hold its interval.
    """
    shifts = program.matrix.shifts.tolist()
    right = [*program.drive_right_shift.tolist(), *program.feedthrough_right_shift.tolist()]
    extremes = drive_extremes(program) + feedthrough_extremes(program)
    drive = [(low, high + ((1 << r) >> 1)) for (low, high), r in zip(extremes, right, strict=True)]
    handed = [((low + ((1 << r) >> 1)) >> r, high >> r) for (low, high), r in zip(drive, right, strict=True)]
    stored = program.matrix.matrix(np.int64) + np.diag([(1 << g) - (1 << (g - program.leak_shift)) for g in shifts])
    phi, prox = operand_spans(program, program.splitting.reflects), operand_spans(program, False)
    sums = zip(spans(stored, phi), handed[: program.n], shifts, strict=True)
    state = [(low + d, high + e + ((1 << g) >> 1)) for (low, high), (d, e), g in sums]
    direct, left = handed[program.n :] or [(0, 0)] * program.rows, program.readout_left_shift.tolist()
    answers = spans(integers(readout_rows(program)), prox)
    outputs = zip(answers, direct, left, program.readout_bias.tolist(), strict=True)
    output = [(low + (u << shift) + bias, high + (v << shift) + bias) for (low, high), (u, v), shift, bias in outputs]
    ranges = {
        "drive_accumulator": _hull([(0, 0), *drive]),
        "drive": _hull(handed),
        "state_accumulator": _hull(state),
        "output": _hull(output),
    }
    stated = (program.drive_accumulator_bits, program.drive_bits, program.accumulator_bits, program.output_bits)
    for (name, (low, high)), bits in zip(ranges.items(), stated, strict=True):
        if signed_width(low, high) > bits:
            raise InputError(f"{name} reaches [{low}, {high}] but the program gives it {bits} bits; compile again")
    return ranges
