"""Straight cores: states go straight from the solver's ring to the readout, and all outputs leave in one beat.

A core whose samples take few updates spends most of its latency between its engines: in slots, on the way into the
ring, on one output a cycle.  Where every sample takes all its updates none overtakes another, so none of that is
needed (``hls_templates/rtl/straight``); an early exit from so few updates would save nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..base import signed_width
from ..program import SolverProgram
from .schedule import NONE, UNROLLED, EngineFolding, Schedule, straight_slots
from .tables import table_biases

#: Updates of a sample up to which a core is straight.
MOST_UPDATES = 4


def with_straight(program: SolverProgram, plan: Schedule) -> Schedule:
    """The schedule of a straight core where the program and the foldings allow one, else the same schedule.

    Allowed are an adder graph of the solver and of the readout, a drive of all rows at once, and an output beat of all
    outputs; there is neither memory from sample to sample nor a feed-through, a leak or a guard.
    """
    simple = (program.carried, program.warm, program.feedthrough) == (None, None, None) and not program.leak_shift
    wide = plan.drive.graph is None and plan.drive.row_groups == 1 and plan.output_beat == plan.readout.rows
    graphs = plan.strategy == UNROLLED and plan.readout.graph is not None
    if not (simple and wide and graphs and plan.harden == NONE and program.iterations <= MOST_UPDATES):
        return plan
    whole = replace(plan, readout=replace(plan.readout, pe=plan.readout.rows), straight=program.iterations)
    return replace(whole, slots=straight_slots(whole))


@dataclass(frozen=True)
class StraightWords:
    """Constants and widths of the rows of a straight core.

    Rounding adds halves, that of the drive and that of the update, which a row's accumulator starts with; the rest of
    either is wiring.

    Parameters
    ----------
    program : SolverProgram
    drive : EngineFolding
    """

    program: SolverProgram
    drive: EngineFolding

    @cached_property
    def halves(self) -> np.ndarray:
        """What rounds, on the grid of the drive's accumulator (rows,)."""
        right = self.program.injection.right_shift
        return ((1 << right) >> 1) + (((1 << self.program.matrix.shifts) >> 1) << right)

    @cached_property
    def starts(self) -> np.ndarray:
        """Start values of the accumulators: bias, halves, and what tables leave out (rows,)."""
        return table_biases(self.program.injection, self.drive) + self.halves

    @cached_property
    def accumulator_bits(self) -> int:
        """Width in which no row's complete sum wraps."""
        extremes = zip(self.program.injection.extremes, self.halves.tolist(), strict=True)
        rows = [(low + half, high + half) for (low, high), half in extremes]
        most = signed_width(min(0, *(low for low, _ in rows)), max(0, *(high for _, high in rows)))
        return max(most, self.program.injection.left_shift + 1)

    @cached_property
    def sum_bits(self) -> np.ndarray:
        """Width in which the sum of an update, or of the start, does not wrap (rows,)."""
        program = self.program
        products = program.matrix.spans(program.phi_range.low, program.phi_range.high)
        widths = []
        for (low, high), (least, most), half in zip(
            program.injection.words, products, ((1 << program.matrix.shifts) >> 1).tolist(), strict=True
        ):
            widths.append(signed_width(low + half + min(0, least), high + half + max(0, most)))
        return np.array(widths)

    @property
    def width_bits(self) -> int:
        """Bits of a field that holds the width of any row."""
        return int(self.sum_bits.max()).bit_length()
