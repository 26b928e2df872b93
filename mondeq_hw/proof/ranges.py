"""Ranges of every accumulator, derived from the stored integers alone."""

from __future__ import annotations

from ..base import InputError, signed_width
from ..program import SolverProgram
from .contraction import drive_extremes


def readout_rows(program: SolverProgram) -> list[list[int]]:
    """Readout integers (k, n), every row on the common output grid."""
    left = program.readout_left_shift.tolist()
    return [[x << shift for x in row] for row, shift in zip(program.readout.rows(), left, strict=True)]


def accumulator_ranges(program: SolverProgram) -> dict[str, tuple[int, int]]:
    """Interval of every accumulator, derived from the stored integers alone.

    Not read from the program's own bounds, so that an error there cannot prove itself.

    Raises
    ------
    InputError
        A width that the program states does not hold its interval.
    """
    top = program.state_format.max_word
    right, shifts = program.drive_right_shift.tolist(), program.matrix.shifts.tolist()
    drive = [(low, high + ((1 << r) >> 1)) for (low, high), r in zip(drive_extremes(program), right, strict=True)]
    rounded = [((low + ((1 << r) >> 1)) >> r, high >> r) for (low, high), r in zip(drive, right, strict=True)]
    handed = max(max(abs(low), abs(high)) for low, high in rounded)
    state = 0
    for total, g, (low, high) in zip(program.matrix.absolute_row_sums(), shifts, rounded, strict=True):
        leak = (1 << g) - (1 << (g - program.leak_shift))
        reach = (total + leak) * top
        state = max(state, reach + max(abs(low), abs(high)) + ((1 << g) >> 1))
    rows = zip(readout_rows(program), program.readout_bias.tolist(), strict=True)
    output = max(sum(map(abs, row)) * top + abs(bias) for row, bias in rows)
    ranges = {
        "drive_accumulator": (min(0, *(low for low, _ in drive)), max(0, *(high for _, high in drive))),
        "drive": (-handed, handed),
        "state_accumulator": (-state, state),
        "output": (-output, output),
    }
    stated = (program.drive_accumulator_bits, program.drive_bits, program.accumulator_bits, program.output_bits)
    for (name, (low, high)), bits in zip(ranges.items(), stated, strict=True):
        if signed_width(low, high) > bits:
            raise InputError(f"{name} reaches [{low}, {high}] but the program gives it {bits} bits; compile again")
    return ranges
