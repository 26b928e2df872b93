"""Ranges of every accumulator, derived from the stored integers alone."""

from __future__ import annotations

from ..base import InputError, signed_width
from ..program import SolverProgram
from .contraction import drive_extremes, feedthrough_extremes


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
    shifts = program.matrix.shifts.tolist()
    right = [*program.drive_right_shift.tolist(), *program.feedthrough_right_shift.tolist()]
    extremes = drive_extremes(program) + feedthrough_extremes(program)
    drive = [(low, high + ((1 << r) >> 1)) for (low, high), r in zip(extremes, right, strict=True)]
    rounded = [((low + ((1 << r) >> 1)) >> r, high >> r) for (low, high), r in zip(drive, right, strict=True)]
    handed = max(max(abs(low), abs(high)) for low, high in rounded)
    state = 0
    for total, g, (low, high) in zip(program.matrix.absolute_row_sums(), shifts, rounded[: program.n], strict=True):
        leak = (1 << g) - (1 << (g - program.leak_shift))
        reach = (total + leak) * top
        state = max(state, reach + max(abs(low), abs(high)) + ((1 << g) >> 1))
    direct = [max(abs(low), abs(high)) for low, high in rounded[program.n :]] or [0] * program.k
    aligned = [reach << left for reach, left in zip(direct, program.readout_left_shift.tolist(), strict=True)]
    rows = zip(readout_rows(program), aligned, program.readout_bias.tolist(), strict=True)
    output = max(sum(map(abs, row)) * top + reach + abs(bias) for row, reach, bias in rows)
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
