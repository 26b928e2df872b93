"""``Design``: all that the emitter of SystemVerilog reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base import InputError
from ..program import SolverProgram
from .adder_graph import AdderGraph, drive_graph, readout_graph, solver_graph
from .graph_search import GraphSearch
from .schedule import EngineFolding, Schedule


@dataclass(frozen=True)
class Design:
    """A program, its schedule, and the graphs of the engines that the schedule unrolls.

    Parameters
    ----------
    program : SolverProgram
    schedule : Schedule
        Made for this program.
    drive, solve, readout : AdderGraph, optional
        Of that engine's matrix, where it is a graph.

    Raises
    ------
    InputError
        A graph is not of the size that the schedule was made for.
    """

    program: SolverProgram
    schedule: Schedule
    drive: AdderGraph | None = None
    solve: AdderGraph | None = None
    readout: AdderGraph | None = None

    def __post_init__(self) -> None:
        for engine in ("drive", "solve", "readout"):
            graph, planned = getattr(self, engine), getattr(self.schedule, engine).graph
            found = None if graph is None else graph.size
            if found != planned:
                raise InputError(f"{engine}: its graph is {found}, the schedule expects {planned}; compile again")

    @staticmethod
    def searched(program: SolverProgram, schedule: Schedule) -> Design:
        """From a program and its schedule alone: the graphs are searched again.

        Raises
        ------
        InputError
            A graph is of another size than the schedule's.
        MissingToolError
            There are graphs, and the library that found them is not installed.
        """

        def graph(
            engine: EngineFolding, found: Callable[[SolverProgram, GraphSearch], AdderGraph]
        ) -> AdderGraph | None:
            size = engine.graph
            return None if size is None else found(program, size.search).padded(size.stages)

        return Design(
            program,
            schedule,
            drive=graph(schedule.drive, drive_graph),
            solve=graph(schedule.solve, solver_graph),
            readout=graph(schedule.readout, readout_graph),
        )
