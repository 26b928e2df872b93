"""The design of the strategy that the options ask for."""

from __future__ import annotations

from dataclasses import replace

from ..config import CompileConfig
from ..hardware import (
    AUTO,
    RESOURCE,
    STRAIGHT,
    Design,
    GraphDecision,
    GraphSearch,
    schedule,
    straightened,
    unrolled,
    with_drive,
    with_straight,
)
from ..program import SolverProgram


def graph_search_of(config: CompileConfig) -> GraphSearch:
    """How the adder graphs of the unrolled strategy are to be searched."""
    return GraphSearch(config.graph_search, config.fewest, config.adders_per_stage, config.graph_rows)


def scheduled(program: SolverProgram, config: CompileConfig) -> tuple[Design, tuple[GraphDecision, ...]]:
    """The design of the strategy that was asked for, and what unrolling decided about drive and readout."""
    design, graphs = _folded(program, config)
    straight = config.strategy == STRAIGHT
    plan = replace(
        design.schedule,
        framed=config.framing == "tlast",
        byte_words=config.input_lanes == "bytes",
        harden=config.harden,
        output_beat=config.output_beat or (program.k if straight else 1),
        output_bytes=config.output_lanes == "bytes",
        flags_ends=config.flag_saturation,
    )
    return (straightened if straight else with_straight)(replace(design, schedule=plan)), graphs


def _folded(program: SolverProgram, config: CompileConfig) -> tuple[Design, tuple[GraphDecision, ...]]:
    """The engines of a strategy."""
    if config.strategy == RESOURCE:
        plan = schedule(
            program,
            config.reuse_factor,
            config.input_beat,
            config.balance,
            config.adders_per_stage,
            config.fixed_time,
        )
        return Design(program, with_drive(program, plan, config.drive)), ()
    kept, reuse, rows = AUTO if config.graphs is None else config.graphs, config.reuse_factor, 1
    if config.strategy == STRAIGHT:
        kept, reuse, rows = ("readout",) if kept == AUTO else kept, reuse or 1, program.injection.rows
    design, graphs = unrolled(program, kept, reuse, config.input_beat, config.drive, graph_search_of(config), rows)
    plan = replace(design.schedule, fixed_updates=program.iterations if config.fixed_time else 0)
    return replace(design, schedule=plan), graphs
