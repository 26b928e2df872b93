"""Whether a design fits a part, and what to do when it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import InputError
from .estimate import estimate
from .parts import PARTS, Part, Usage, exceeded
from .program import SolverProgram
from .schedule import Schedule, schedule

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

    def _message(self, usage: Usage, lacks: tuple[str, ...]) -> str:
        reuse = self._fitting_reuse(usage)
        strategy = "" if self.plan.graph is None else "--strategy resource "
        remedy = (
            f"an estimate says that {strategy}--reuse-factor {reuse} would fit: compile again with it"
            if reuse is not None
            else f"by estimate no reuse_factor makes it fit; take a larger part ({self._larger_parts(usage)}), "
            "or fewer bits"
        )
        return (
            f"the design (reuse_factor {self.plan.reuse_factor}) does not fit {self.part.name}: "
            f"{', '.join(lacks)}; {remedy}"
        )

    def _fitting_reuse(self, usage: Usage) -> int | None:
        """Smallest larger folding whose estimate, scaled by what the tool found here, fits with a tenth spare."""
        here, n = self._estimate(self.plan), self.program.n
        reuse = self.plan.solve.cycles_per_matvec
        while reuse < n * n:
            reuse = min(n * n, max(reuse + 1, math.ceil(reuse * 1.1)))
            there = self._estimate(schedule(self.program, reuse))
            scaled = {
                key: 1.1 * getattr(usage, key) * getattr(there, key) / max(getattr(here, key), 1)
                for key in ("luts", "flip_flops", "dsps", "block_rams")
            }
            if not exceeded(Usage(**scaled), self.part):  # type: ignore[arg-type]
                return reuse
        return None

    def _larger_parts(self, usage: Usage) -> str:
        fitting = [part.name for part in PARTS if part.family == self.part.family and not exceeded(usage, part)]
        return ", ".join(fitting) or f"none of the {self.part.family} parts known here has room"

    def _estimate(self, plan: Schedule) -> Usage:
        return estimate(self.program, plan, self.part.family, self.lut_weight_bits)
