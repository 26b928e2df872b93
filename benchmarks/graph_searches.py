"""One matrix as an adder graph, as each library finds it: da4ml and its successor Alkaid, side by side.

    python benchmarks/graph_searches.py [--model examples/digits.pt] [--bits 3] [--rounds 5]

Each graph is the solver's, checked against the matrix as ours always are.  LUTs and flip-flops are those of the module
that holds it, mapped by Yosys for ECP5.  The libraries search in turns; *time* is the median over the rounds of the
processor time over that of da4ml's search for few adders in the same round.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from engines import DIGITS, emitted, mapped_cells, program_of
from paper_tables import Cell, Table

from mondeq_hw.hardware import GraphSearch, schedule_unrolled, solver_graph
from mondeq_hw.program import SolverProgram

SEARCHES = tuple(GraphSearch(library, fewest) for fewest in ("adders", "stages") for library in ("da4ml", "alkaid"))


def seconds(program: SolverProgram, rounds: int) -> list[list[float]]:
    """Processor time of every search in every round (rounds, searches)."""
    matrix, phi = program.matrix.matrix(np.int64), program.phi_range
    return [[_timed(search, matrix, phi.low, phi.high) for search in SEARCHES] for _ in range(rounds)]


def _timed(search: GraphSearch, matrix: np.ndarray, low: int, high: int) -> float:
    begin = time.process_time()
    search.solve(matrix, low, high)
    return time.process_time() - begin


def table(program: SolverProgram, times: list[list[float]], work: Path) -> Table:
    """One row a search."""

    def row(index: int, search: GraphSearch) -> tuple[Cell, ...]:
        graph, folder = solver_graph(program, search), work / str(index)
        build = emitted(program, schedule_unrolled(program, graph.size), folder)
        cells = mapped_cells(build, ["rtl/src/mondeq_solve_graph.sv"], "mondeq_solve_graph")
        size, ratio = graph.size, median(each[index] / each[0] for each in times)
        return (
            *(search.library, search.fewest, size.adders, size.stages, size.adder_bits, size.register_bits),
            *(cells.luts, cells.flip_flops, f"{ratio:.2f}"),
        )

    title = f"{program.n} x {program.n}, {program.matrix.word_length}-bit matrix"
    columns = (
        *("searched by", "fewest", "adders", "stages", "bits of all adders", "of all registers"),
        *("LUTs", "flip-flops", "time"),
    )
    return Table("graph_searches", title, columns, tuple(row(index, search) for index, search in enumerate(SEARCHES)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DIGITS)
    parser.add_argument("--bits", type=int, default=3, help="of a checkpoint that was not retrained")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    program = program_of(options.model, options.bits)
    with tempfile.TemporaryDirectory() as work:
        print(table(program, seconds(program, options.rounds), Path(work)).markdown())


if __name__ == "__main__":
    main()
