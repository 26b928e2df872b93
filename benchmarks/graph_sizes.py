"""What each of a model's three matrices would cost as an adder graph, beside the multipliers that fold it.

    python benchmarks/graph_sizes.py [--model examples/digits.pt] [--bits 3] [--drive]

The graphs are da4ml's, their LUTs its own count (no tool maps them here); the
multipliers are those of the unrolled strategy's schedule with drive and
readout folded.  The drive of an MNIST model takes da4ml very long.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engines import DIGITS, program_of, traced
from paper_tables import Cell, Table

from mondeq_hw.hardware import schedule_unrolled, solver_graph
from mondeq_hw.program import SolverProgram


def table(program: SolverProgram, names: tuple[str, ...]) -> Table:
    """One row a matrix, of ``matrix``, ``readout`` and ``drive``."""
    plan = schedule_unrolled(program, solver_graph(program).size)
    folds = {"drive": plan.drive, "readout": plan.readout}

    def row(name: str) -> tuple[Cell, ...]:
        matrix = getattr(program, name)
        top = (program.input_format if name == "drive" else program.state_format).max_word
        logic = traced(matrix.integers, top)
        adders, fold = sum(op.opcode in (0, 1) for op in logic.ops), folds.get(name)
        return (
            *(name, " x ".join(map(str, matrix.integers.shape)), matrix.word_length, adders, f"{logic.cost:.0f}"),
            *((None, None) if fold is None else (fold.pe * fold.simd, fold.cycles_per_matvec)),
        )

    columns = ("matrix", "size", "bits", "adders", "LUTs by da4ml", "multipliers when folded", "cycles then")
    return Table("graph_sizes", "Matrices as adder graphs", columns, tuple(map(row, names)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DIGITS)
    parser.add_argument("--bits", type=int, default=3, help="of a checkpoint that was not retrained")
    parser.add_argument("--drive", action="store_true", help="the drive matrix as well")
    options = parser.parse_args()
    names = ("matrix", "readout", *(("drive",) if options.drive else ()))
    print(table(program_of(options.model, options.bits), names).markdown())


if __name__ == "__main__":
    main()
