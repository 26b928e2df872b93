"""The unrolled strategy: which engines become adder graphs.

The solver always does.  Drive and readout do where the user names them, or
where the graph is estimated to take no more LUTs than the folded engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..base import InputError
from ..program import SolverProgram
from .adder_graph import DEFAULT_SEARCH, AdderGraph, GraphSize, drive_graph, readout_graph, solver_graph
from .design import Design
from .drive import MULTIPLY, TABLES, with_drive
from .estimate import LUT_WEIGHT_BITS, drive_usage, readout_usage
from .folding import schedule_unrolled
from .graph_search import GraphSearch
from .parts import ECP5, Usage
from .schedule import Schedule

#: Engines that may be folded under this strategy too.
ENGINES = ("drive", "readout")
#: The graph where it is the smaller one.
AUTO = "auto"
#: Entries of a matrix up to which a graph is searched without the user's wish; beyond, it takes minutes to days.
LARGEST_SEARCH = 10_000


@dataclass(frozen=True)
class GraphDecision:
    """What became of one engine, and why.

    Parameters
    ----------
    name : {"drive", "readout"}
    unrolled : bool
        Whether it is an adder graph.
    asked : bool
        Whether the user decided that; otherwise the estimates did.
    folded_luts : int
        Of the engine folded for the reuse factor, estimated.
    graph_luts : int
        Of its graph, estimated; at least so many where none was searched.
    searched : bool
    """

    name: str
    unrolled: bool
    asked: bool
    folded_luts: int
    graph_luts: int
    searched: bool


@dataclass(frozen=True)
class _Engine:
    """One of :data:`ENGINES`: its matrix, the words that come to it, its graph, and its LUTs under a schedule."""

    name: str
    matrix: np.ndarray
    word_bits: int
    graph: Callable[[SolverProgram, GraphSearch], AdderGraph]
    luts: Callable[[Schedule], int]


def unrolled(
    program: SolverProgram,
    graphs: tuple[str, ...] | str = AUTO,
    reuse_factor: int | None = None,
    input_beat: int | None = None,
    drive: str = MULTIPLY,
    search: GraphSearch = DEFAULT_SEARCH,
    drive_rows: int = 1,
) -> tuple[Design, tuple[GraphDecision, ...]]:
    """The design of the unrolled strategy, and what was decided about drive and readout.

    Parameters
    ----------
    program : SolverProgram
    graphs : tuple of {"drive", "readout"} or "auto"
        Engines beside the solver whose matrix is a graph.  ``"auto"``: those of at most :data:`LARGEST_SEARCH`
        entries whose graph is estimated to take no more LUTs than the folded engine.
    reuse_factor, input_beat, drive_rows : int, optional
        See :func:`~mondeq_hw.hardware.folding.schedule_unrolled`.
    drive : {"auto", "multiply", "tables"}
        See :func:`~mondeq_hw.hardware.drive.with_drive`; with ``"tables"`` the drive is no graph.
    search : GraphSearch
        The library that finds the graphs, and what they are to have few of.

    Raises
    ------
    InputError
        The reuse factor or the beat is out of range, or the drive is to be both a graph and tables.
    MissingToolError
        The library that searches the graphs is not installed.
    """
    solve = solver_graph(program, search)

    def plan(**sizes: GraphSize) -> Schedule:
        plan = schedule_unrolled(
            program, solve.size, reuse_factor, input_beat=input_beat, drive_rows=drive_rows, **sizes
        )
        return plan if "drive" in sizes else with_drive(program, plan, drive)

    asked = graphs != AUTO
    if drive == TABLES and asked and "drive" in graphs:
        raise InputError("drive is 'tables', and graphs has it too; leave it out of one of them")
    kept: dict[str, AdderGraph] = {}
    decisions = []
    for engine in _engines(program):
        if engine.name == "drive" and drive == TABLES:
            continue
        folded, luts = engine.luts(plan()), engine.luts(plan(**{engine.name: _smallest(engine)}))
        searched = engine.name in graphs if asked else luts <= folded and engine.matrix.size <= LARGEST_SEARCH
        if searched:
            graph = engine.graph(program, search)
            luts = engine.luts(plan(**{engine.name: graph.size}))
            if asked or luts <= folded:
                kept[engine.name] = graph
        decisions.append(GraphDecision(engine.name, engine.name in kept, asked, folded, luts, searched))
    sizes = {name: graph.size for name, graph in kept.items()}
    return Design(program, plan(**sizes), solve=solve, **kept), tuple(decisions)


def fewest_adders(matrix: np.ndarray) -> int:
    """Adders without which a graph cannot tell a matrix from the others that have such entries.

    A graph is written down by naming, for each of its adders, two nodes, a shift and a sign (the adders in any
    order), and for each row a node, a shift and a sign.  Hardly any matrix of independent entries can be written in
    fewer bits than their entropy; one whose entries follow a rule may have a smaller graph.

    Parameters
    ----------
    matrix : ndarray of int64 (rows, columns)
    """
    rows, columns = matrix.shape
    _, counts = np.unique(matrix, return_counts=True)
    information = float((counts * np.log2(matrix.size / counts)).sum())
    scale = math.log2(4 * max(1, int(np.abs(matrix).max())).bit_length() + 2)

    def written(adders: int) -> float:
        node = math.log2(columns + adders + 1)
        return adders * (2 * node + scale) - math.lgamma(adders + 1) / math.log(2) + rows * (node + scale)

    low, high = 0, matrix.size
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if written(middle) >= information else (middle + 1, high)
    return low


def _smallest(engine: _Engine) -> GraphSize:
    """A graph that no search will undercut: every sum is wider than an input word."""
    adders = fewest_adders(engine.matrix)
    return GraphSize(adders, stages=1, adder_bits=adders * (engine.word_bits + 1), register_bits=0)


def _engines(program: SolverProgram) -> tuple[_Engine, ...]:
    def luts(usage: Callable[[SolverProgram, Schedule, str, int], Usage]) -> Callable[[Schedule], int]:
        return lambda plan: usage(program, plan, ECP5, LUT_WEIGHT_BITS).luts

    word, prox = program.input_format.word_length, program.prox_range.bits
    return (
        _Engine("drive", program.injection.operator.matrix(np.int64), word, drive_graph, luts(drive_usage)),
        _Engine("readout", program.readout.matrix(np.int64), prox, readout_graph, luts(readout_usage)),
    )
