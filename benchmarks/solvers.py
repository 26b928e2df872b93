"""Iterations of both solvers at equal certified error, on the published checkpoint.

    python benchmarks/solvers.py [--bits 8]

For each target, both solvers get the shortest state word whose proved radius
can reach it, and then the fewest iterations that prove
``||s_K - s*||_2 <= target`` for every input.  The distance of the network's
output z = relu(s) is at most that of the state, so the target means the same
for both.
"""

from __future__ import annotations

from published import arguments, compiled, load_published
from rich.console import Console
from rich.table import Table

from mondeq_hw.base import FixedPointFormat
from mondeq_hw.problem import SOLVERS
from mondeq_hw.program import SolverProgram
from mondeq_hw.proof import ContractionProof, error_bound, state_radius
from mondeq_hw.rounding import Lowered, LoweringOptions, assemble

TARGETS = (4.0, 1.0, 0.25, 0.0625, 2.0**-6, 2.0**-10)
MOST_ITERATIONS = 1 << 14
#: The longest state word that lower() accepts.
LONGEST_STATE = 32


def radius(program: SolverProgram, proof: ContractionProof, iterations: int) -> float:
    """Proved ``||s_K - s*||_2`` in units of the state."""
    at = program.replace(iterations=iterations)
    return float(state_radius(at, proof, error_bound(at, proof)))


def fewest_iterations(program: SolverProgram, proof: ContractionProof, target: float) -> int | None:
    """Bisection: the radius falls with every iteration."""
    low, high = 1, MOST_ITERATIONS
    if radius(program, proof, high) > target:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if radius(program, proof, middle) <= target else (middle + 1, high)
    return low


def reaching(lowered: Lowered, target: float) -> SolverProgram | None:
    """The program with the shortest state word, and then the fewest iterations, that proves the target."""
    proof = lowered.proof
    assert proof is not None
    integer_bits = lowered.state_format.integer_bits
    for word_length in range(integer_bits + 1, LONGEST_STATE + 1):
        state = FixedPointFormat(word_length, integer_bits)
        program = assemble(lowered.quantized, lowered.input_format, state, 1, True)
        # A bound that only just reaches the target needs very many iterations; leave it half for the start.
        if radius(program, proof, MOST_ITERATIONS) <= target / 2:
            iterations = fewest_iterations(program, proof, target)
            return None if iterations is None else program.replace(iterations=iterations)
    return None


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--bits", type=int, default=8)
    options = parser.parse_args()
    published = load_published(options.shared)
    lowered = {s: compiled(published.model, LoweringOptions(options.bits, s, "spectral"), None)[0] for s in SOLVERS}
    table = Table(title=f"Iterations at equal certified error, {options.bits}-bit iteration matrix")
    for column in ("proved ||s - s*||", *(f"{s}: {w}" for s in SOLVERS for w in ("state", "iterations")), "ratio"):
        table.add_column(column, justify="right")
    for target in TARGETS:
        programs = [reaching(lowered[solver], target) for solver in SOLVERS]
        row, counts = [f"{target:g}"], [program.iterations for program in programs if program is not None]
        for program in programs:
            if program is None:
                row += ["", ""]
            else:
                row += [f"{program.state_format.word_length} bits", str(program.iterations)]
        table.add_row(*row, f"{counts[1] / counts[0]:.1f}" if len(counts) == 2 else "")
    factors = ", ".join(f"{s} {float(low.proof.contraction_factor):.4f}" for s, low in lowered.items() if low.proof)
    Console(width=120).print(table, f"Proved contraction factors: {factors}")


if __name__ == "__main__":
    main()
