"""Cycles of the folded engines against the bound of their multipliers, from fully serial to n rows x 4 columns.

    python benchmarks/folding.py [--model examples/digits.pt] [--bits 4] [--simulate 2]

The bound on cycles per sample is that of the busiest engine, on latency the sum
of all three: multiplications over multipliers, ``ceil(rows * columns / (pe * simd))``,
for the solver times its iterations.  The cycle model is exact; some foldings
are simulated to show it.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engines import DIGITS, Simulated, emitted, program_of, simulated
from paper_tables import Table

from mondeq_hw.hardware import EngineFolding, Schedule, initiation_interval, latency, schedule
from mondeq_hw.program import SolverProgram

#: Enough to leave the pipeline's filling behind.
SAMPLES = 12


@dataclass(frozen=True)
class Folded:
    """One folding: its cycles, and what its multipliers could do at best.

    Parameters
    ----------
    plan : Schedule
    interval : float
        Cycles between samples that run every iteration.
    latency : int
        Cycles of a lone sample.
    bounds : tuple of int
        Of drive, solver and readout, for one sample.
    simulated : Simulated or None
    """

    plan: Schedule
    interval: float
    latency: int
    bounds: tuple[int, int, int]
    simulated: Simulated | None

    @property
    def interval_ratio(self) -> float:
        """Cycles per sample over the bound."""
        return self.interval / max(self.bounds)

    @property
    def depth(self) -> int:
        """Cycles of a lone sample in which no multiplier works."""
        return self.latency - sum(self.bounds)


def bound(engine: EngineFolding) -> int:
    """Least cycles of one product with so many multipliers."""
    return math.ceil(engine.rows * engine.columns / (engine.pe * engine.simd))


def reuse_factors(n: int) -> list[int]:
    """From one multiplier to ``4 n``, in steps of four."""
    steps = range(math.ceil(math.log(4 * n, 4)) + 1)
    return [*(n * n // 4**step for step in steps if 4**step < 4 * n), max(1, n // 4)]


def measure(program: SolverProgram, reuse: int, work: Path | None) -> Folded:
    """Cycles of one folding; simulated too when there is a folder for it."""
    plan = schedule(program, reuse)
    drive, solve, readout = (bound(engine) for engine in (plan.drive, plan.solve, plan.readout))
    seen = None
    if work is not None:
        seen = simulated(emitted(program, plan, work), program, plan, SAMPLES)
    return Folded(
        plan=plan,
        interval=initiation_interval(plan, program.iterations),
        latency=latency(plan, program.iterations),
        bounds=(drive, program.iterations * solve, readout),
        simulated=seen,
    )


def table(program: SolverProgram, foldings: list[Folded]) -> Table:
    """One row a folding."""

    def row(folded: Folded) -> tuple[float | int | str | None, ...]:
        plan, seen = folded.plan, folded.simulated
        lanes = (f"{engine.pe} x {engine.simd}" for engine in (plan.drive, plan.solve, plan.readout))
        return (
            *(plan.reuse_factor, *lanes),
            *(f"{folded.interval:.0f}", max(folded.bounds), f"{folded.interval_ratio:.3f}"),
            *(folded.latency, sum(folded.bounds), f"{folded.latency / sum(folded.bounds):.3f}"),
            f"{folded.depth / (1 + program.iterations):.1f}",
            None if seen is None else f"{seen.simulated / seen.predicted:.4f}",
        )

    columns = ("reuse", "drive", "solve", "readout", "cycles a sample", "bound", "ratio", "latency", "sum of bounds")
    columns = (*columns, "ratio", "depth an update", "simulated / model")
    title = f"n = {program.n}, d = {program.d}, k = {program.k}, {program.iterations} iterations"
    return Table("folding", title, columns, tuple(map(row, foldings)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DIGITS)
    parser.add_argument("--bits", type=int, default=4, help="of a checkpoint that was not retrained")
    parser.add_argument("--simulate", type=int, default=2, help="so many of the fastest foldings")
    options = parser.parse_args()
    program = program_of(options.model, options.bits)
    factors = reuse_factors(program.n)
    with tempfile.TemporaryDirectory() as work:
        chosen = factors[len(factors) - options.simulate :] if options.simulate else []
        foldings = [measure(program, r, Path(work) / str(r) if r in chosen else None) for r in factors]
    print(table(program, foldings).markdown())


if __name__ == "__main__":
    main()
