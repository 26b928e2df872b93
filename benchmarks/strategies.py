"""The resource strategy at several foldings against the unrolled ones: LUTs, cycles, and their product.

    python benchmarks/strategies.py [--model examples/digits.pt] [--bits 3] [--reuse-factor N ...] [--graphs solver]
                                    [--work DIR]

Every engine is complete (drive, solver, readout), simulated bit for bit and
cycle for cycle on random images, and mapped by the same Yosys for ECP5.  The
resource foldings, unless given, are the default one, ``n`` rows x 4 columns,
and the one that keeps the unrolled engine's pace.  Unrolled: the solver alone
as a graph, and all three matrices, unless --graphs solver leaves these out.
Large matrices take Yosys long; with --work nothing is mapped twice.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines import DIGITS, Simulated, emitted, engine_cells, program_of, simulated
from paper_tables import Table

from mondeq_hw.hardware import ENGINES, EngineFolding, Schedule, Usage, initiation_interval, latency, schedule, unrolled
from mondeq_hw.program import SolverProgram


@dataclass(frozen=True)
class Engine:
    """One engine, simulated and mapped.

    Parameters
    ----------
    plan : Schedule
    interval : float
        Cycles a sample, when all iterations are run.
    latency : int
        Cycles of a lone sample.
    cells : Usage
        After synthesis.
    simulated : Simulated
    """

    plan: Schedule
    interval: float
    latency: int
    cells: Usage
    simulated: Simulated

    @property
    def cost(self) -> float:
        """LUTs times cycles a sample."""
        return self.cells.luts * self.interval


def unrolled_pace(program: SolverProgram, unrolled: Schedule) -> int:
    """Reuse factor with which the resource strategy takes as many cycles a sample."""
    pace = round(initiation_interval(unrolled, program.iterations) / program.iterations)
    return min(max(1, pace), program.n * program.n)


def plans(program: SolverProgram, factors: Sequence[int], beside: Sequence[tuple[str, ...]]) -> list[Schedule]:
    """Resource with every reuse factor, then unrolled, with graphs of some engines ``beside`` the solver's."""
    graphs = [unrolled(program, engines)[0].schedule for engines in beside]
    chosen = set(factors) or {program.n, max(1, program.n // 4), unrolled_pace(program, graphs[0])}
    return [*(schedule(program, reuse) for reuse in sorted(chosen, reverse=True)), *graphs]


def measure(program: SolverProgram, plan: Schedule, work: Path, samples: int) -> Engine:
    """Emit, simulate and map one engine."""
    name = f"{plan.strategy}-{plan.reuse_factor}" + ("" if plan.drive.graph is None else "-graphs")
    build = emitted(program, plan, work / name)
    return Engine(
        plan=plan,
        interval=initiation_interval(plan, program.iterations),
        latency=latency(plan, program.iterations),
        simulated=simulated(build, program, plan, samples),
        cells=engine_cells(build),
    )


def table(program: SolverProgram, engines: list[Engine]) -> Table:
    """One row an engine; ratios to the first."""

    def row(engine: Engine) -> tuple[float | int | str | None, ...]:
        plan, cells = engine.plan, engine.cells
        return (
            *(plan.strategy, plan.reuse_factor, *map(_form, (plan.drive, plan.solve, plan.readout))),
            *(f"{engine.interval:.0f}", engine.latency),
            f"{engine.simulated.simulated / engine.simulated.predicted:.4f}",
            *(cells.luts, cells.flip_flops, f"{cells.block_rams:g}"),
            *(f"{engine.cost / 1e6:.2f}", f"{engine.cost / engines[0].cost:.3f}"),
        )

    columns = ("strategy", "reuse", "drive", "solver", "readout", "cycles a sample", "latency", "simulated / model")
    columns = (*columns, "LUTs", "flip-flops", "block RAMs", "LUTs x cycles, millions", "ratio")
    bits = program.matrix.word_length
    title = f"n = {program.n}, d = {program.d}, k = {program.k}, {bits} bits, {program.iterations} iterations; ECP5"
    return Table("strategies", title, columns, tuple(map(row, engines)))


def _form(engine: EngineFolding) -> str:
    return f"{engine.pe} x {engine.simd}" if engine.graph is None else f"{engine.graph.adders} adders"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DIGITS)
    parser.add_argument("--bits", type=int, default=3, help="of a checkpoint that was not retrained")
    parser.add_argument("--reuse-factor", type=int, nargs="+", default=(), help="of the resource strategy")
    parser.add_argument("--graphs", choices=("solver", "all"), default="all", help="which unrolled engines")
    parser.add_argument("--samples", type=int, default=8, help="images that are simulated")
    parser.add_argument("--work", type=Path, help="folder that is kept")
    options = parser.parse_args()
    program = program_of(options.model, options.bits)
    beside = {"solver": ((),), "all": ((), ENGINES)}[options.graphs]
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        engines = [
            measure(program, plan, work, options.samples) for plan in plans(program, options.reuse_factor, beside)
        ]
    print(table(program, engines).markdown())


if __name__ == "__main__":
    main()
