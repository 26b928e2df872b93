"""Whether a design fits a part, and what to do when it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from ..base import InputError
from ..hardware import (
    ENGINES,
    PARTS,
    UNROLLED,
    Part,
    Schedule,
    Usage,
    estimate,
    exceeded,
    memory_sizes,
    rom_in_blocks,
    schedule,
    schedule_unrolled,
    with_drive,
)
from ..program import SolverProgram

#: What nextpnr says when it finds no place.
_NO_ROOM = ("no BELs remaining", "Unable to place cell", "Unable to find", "Placer", "legalis", "legal placement")


@dataclass(frozen=True)
class Room:
    """A program's design on a part.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule
    part : Part
    lut_weight_bits : int
        Weights of up to so many bits multiply in LUTs.
    """

    program: SolverProgram
    plan: Schedule
    part: Part
    lut_weight_bits: int

    def check(self, usage: Usage) -> None:
        """Refuse what a tool mapped when the part holds less.

        Raises
        ------
        InputError
            With the folding that would fit.
        """
        if lacks := exceeded(usage, self.part):
            raise InputError(self._message(usage, lacks))

    def check_complaint(self, usage: Usage, complaint: str) -> None:
        """Refuse a design for which a placer found no room; other complaints pass.

        Raises
        ------
        InputError
        """
        if any(text in complaint for text in _NO_ROOM):
            raise InputError(self._message(usage, (complaint,)))

    def estimate(self) -> Usage:
        """Resources from the widths alone."""
        return self._estimate(self.plan)

    def rom_depths(self) -> tuple[int, ...]:
        """Words of the read-only memories that belong in block RAM; none where the part has too little of it."""
        if self.estimate().block_rams > self.part.totals.block_rams:
            return ()
        sizes = memory_sizes(self.program, self.plan)
        return tuple(sorted({depth for width, depth in sizes if rom_in_blocks(width, depth, self.part.family)}))

    def _message(self, usage: Usage, lacks: tuple[str, ...]) -> str:
        options = self._fitting_options(usage)
        remedy = (
            f"an estimate says that {options} would fit: compile again with it"
            if options is not None
            else f"by estimate no reuse_factor makes it fit; take a larger part ({self._larger_parts(usage)}), "
            "or fewer bits"
        )
        return (
            f"the design (reuse_factor {self.plan.reuse_factor}) does not fit {self.part.name}: "
            f"{', '.join(lacks)}; {remedy}"
        )

    def _fitting_options(self, usage: Usage) -> str | None:
        """First smaller design whose estimate, scaled by what the tool found here, fits with a tenth spare."""
        here = self._estimate(self.plan)
        for options, plan in self._smaller():
            there = self._estimate(plan)
            scaled = {
                key: 1.1 * getattr(usage, key) * getattr(there, key) / max(getattr(here, key), 1)
                for key in ("luts", "flip_flops", "dsps", "block_rams")
            }
            if not exceeded(Usage(**scaled), self.part):  # type: ignore[arg-type]
                return options
        return None

    def _smaller(self) -> Iterator[tuple[str, Schedule]]:
        """Options of smaller designs and their schedules, the fastest first."""
        program, plan, n = self.program, self.plan, self.program.n
        solver = plan.solve.graph
        if solver is not None:
            graphs = {name: graph for name in ENGINES if (graph := getattr(plan, name).graph) is not None}
            unrolled = f"--strategy {UNROLLED} " if plan.straight else ""
            for count in reversed(range(len(graphs))):
                for kept in combinations(graphs, count):
                    folded = schedule_unrolled(
                        program, solver, plan.reuse_factor, **{name: graphs[name] for name in kept}
                    )
                    yield f"{unrolled}--graphs {','.join(kept) or 'none'}", with_drive(program, folded)
        strategy = "" if solver is None else "--strategy resource "
        reuse = plan.solve.cycles_per_matvec
        while reuse < n * n:
            reuse = min(n * n, max(reuse + 1, math.ceil(reuse * 1.1)))
            folded = schedule(program, reuse, adders=plan.solve.adders, fixed_time=plan.fixed_updates > 0)
            yield f"{strategy}--reuse-factor {reuse}", with_drive(program, folded)

    def _larger_parts(self, usage: Usage) -> str:
        fitting = [part.name for part in PARTS if part.family == self.part.family and not exceeded(usage, part)]
        return ", ".join(fitting) or f"none of the {self.part.family} parts known here has room"

    def _estimate(self, plan: Schedule) -> Usage:
        return estimate(self.program, plan, self.part.family, self.lut_weight_bits)
