"""Clock cycles of both solvers at equal certified error, on the published checkpoint.

    python benchmarks/solver_cycles.py [--bits 8] [--reuse-factor 100 25]

The programs are those of solvers.py: for each target, the shortest state word
and the fewest iterations that prove ``||s_K - s*||_2 <= target`` for every
input.  Both are folded by the same reuse factor; the cycles are those of the
exact cycle model when every iteration is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paper_tables import Cell, Table
from published import arguments, compiled, load_published
from solvers import TARGETS, reaching

from mondeq_hw.hardware import initiation_interval, latency, schedule
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, MonDEQ
from mondeq_hw.program import SolverProgram
from mondeq_hw.rounding import Lowered, LoweringOptions

REUSE_FACTORS = (100, 25)


@dataclass(frozen=True)
class Cost:
    """Cycles of one program on one folding."""

    program: SolverProgram
    interval: float
    latency: int


def cost(program: SolverProgram, reuse: int) -> Cost:
    """Cycles a sample and cycles of a lone sample, with every iteration run."""
    plan, iterations = schedule(program, reuse), program.iterations
    return Cost(program, initiation_interval(plan, iterations), latency(plan, iterations))


def lowered_for_both(model: MonDEQ, bits: int) -> dict[str, Lowered]:
    """The model with each solver, rounded so that both are proved."""
    return {solver: compiled(model, LoweringOptions(bits, solver, "spectral"), None)[0] for solver in SOLVERS}


def measure(
    lowered: Mapping[str, Lowered], targets: Sequence[float], factors: Sequence[int]
) -> list[tuple[float, int, dict[str, Cost]]]:
    """Target, reuse factor, and the cost of the solvers that reach the target."""
    points = []
    for target in targets:
        programs = {solver: reaching(low, target) for solver, low in lowered.items()}
        for reuse in factors:
            costs = {solver: cost(program, reuse) for solver, program in programs.items() if program is not None}
            points.append((target, reuse, costs))
    return points


def table(points: list[tuple[float, int, dict[str, Cost]]], bits: int) -> Table:
    """One row a target and folding; ratios are forward-backward over Peaceman-Rachford."""

    def row(target: float, reuse: int, costs: dict[str, Cost]) -> tuple[Cell, ...]:
        cells: list[Cell] = [f"{target:.4g}", reuse]
        for solver in (PEACEMAN_RACHFORD, FORWARD_BACKWARD):
            own = costs.get(solver)
            cells += [None] * 3 if own is None else [own.program.iterations, f"{own.interval:.0f}", own.latency]
        if len(costs) < 2:
            return (*cells, None, None)
        fast, slow = costs[PEACEMAN_RACHFORD], costs[FORWARD_BACKWARD]
        return (*cells, f"{slow.interval / fast.interval:.1f}", f"{slow.latency / fast.latency:.1f}")

    names = [f"{short}: {what}" for short in ("PR", "FB") for what in ("iterations", "cycles a sample", "latency")]
    columns = ("proved error", "reuse", *names, "ratio of cycles", "ratio of latency")
    title = f"Cycles at equal certified error, {bits}-bit iteration matrix"
    return Table("solver_cycles", title, columns, tuple(row(*point) for point in points))


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--reuse-factor", type=int, nargs="+", default=REUSE_FACTORS)
    options = parser.parse_args()
    lowered = lowered_for_both(load_published(options.shared).model, options.bits)
    print(table(measure(lowered, TARGETS, options.reuse_factor), options.bits).markdown())


if __name__ == "__main__":
    main()
