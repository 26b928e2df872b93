"""Straight cores: states go straight from the solver's ring to the readout, and all outputs leave in one beat.

A core spends much of a lone sample's latency between its engines: in slots, on the way into the ring and on every turn
of it, on one output a cycle.  Where every sample takes all its updates none overtakes another, so none of that is
needed (``hls_templates/rtl/straight``).  Of few updates an early exit would save nothing, so an unrolled core is
straight where it can be; of many it is where the shortest answer is asked for, the strategy :data:`STRAIGHT`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..base import InputError, signed_width
from ..program import SolverProgram
from .adder_graph import FEWEST_STRAIGHT_STAGES
from .design import Design
from .folding import straight_slots
from .schedule import NONE, RESOURCE, UNROLLED, EngineFolding, Schedule
from .tables import table_biases

#: The strategy of an unrolled core that is straight, whatever many its updates.
STRAIGHT = "straight"
STRATEGIES = (RESOURCE, UNROLLED, STRAIGHT)
#: Updates of a sample up to which an unrolled core is straight unasked.
MOST_UPDATES = 4


def with_straight(design: Design) -> Design:
    """The design, of a straight core where the updates are few and nothing stands against it."""
    program = design.program
    return design if program.iterations > MOST_UPDATES or obstacles(program, design.schedule) else straightened(design)


def straightened(design: Design) -> Design:
    """The design of a straight core.

    Parameters
    ----------
    design : Design
        Of the same foldings: adder graphs of the solver and the readout, a drive of all rows at once, and an output
        beat of all outputs.

    Raises
    ------
    InputError
        Something stands against it.
    """
    program, plan = design.program, design.schedule
    if against := obstacles(program, plan):
        raise InputError(
            f"strategy is {STRAIGHT!r}, and the core has {', '.join(against)}; leave that out, or ask for the strategy "
            f"{UNROLLED!r}"
        )
    assert design.solve is not None  # else it is folded, an obstacle
    solve = design.solve.padded(FEWEST_STRAIGHT_STAGES)
    readout = replace(plan.readout, pe=plan.readout.rows)
    whole = replace(plan, solve=replace(plan.solve, graph=solve.size), readout=readout, straight=program.iterations)
    return replace(design, schedule=replace(whole, slots=straight_slots(whole)), solve=solve)


def obstacles(program: SolverProgram, plan: Schedule) -> tuple[str, ...]:
    """What a core has that no straight one can have, in words."""
    drive, outputs = plan.drive, plan.readout.rows
    found = {
        "states that are carried from sample to sample": program.carried is not None,
        "a warm start": program.warm is not None,
        "a feed-through": program.feedthrough is not None,
        "a leak": program.leak_shift > 0,
        "a folded solver": plan.strategy != UNROLLED,
        "a folded readout": plan.readout.graph is None,
        "a drive that is an adder graph": drive.graph is not None,
        f"a drive of {drive.row_groups} groups of rows": drive.row_groups > 1,
        f"output beats of {plan.output_beat} of {outputs} words": plan.output_beat != outputs,
        f"a guard (harden {plan.harden!r})": plan.harden != NONE,
    }
    return tuple(name for name, there in found.items() if there)


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
