"""Foldings, adder graphs, the exact cycle model, resource estimates, and the emitters of SystemVerilog and C++.

Takes a ``SolverProgram``; gives a ``Schedule``, a ``Design`` and source folders.
"""

from __future__ import annotations

from .adder_graph import GraphSize, readout_graph, solver_graph
from .cycles import completion_cycles, initiation_interval, latency
from .design import Design
from .drive import with_drive
from .estimate import LUT_WEIGHT_BITS, MULTIPLIER_BITS, Products, estimate, multipliers, products
from .finn_estimates import emit as emit_estimates
from .folding import THROUGHPUT, schedule, schedule_unrolled
from .graph_search import GraphSearch
from .hls import emit as emit_hls
from .hls import emit_engines, include_folders
from .ip import Datasheet, Port, ports_of
from .ip import emit as emit_ip
from .memories import ROM_BITS, rom_in_blocks
from .naming import TEMPLATE_NAME, macro_name, module_name, renamed, verilog_defines, write_sources
from .parts import ECP5, PARTS, Part, Usage, exceeded, find_part, named
from .rtl import emit as emit_rtl
from .rtl import engine_sources, memory_sizes
from .schedule import RESOURCE, UNROLLED, EngineFolding, Schedule, load_schedule
from .straight import STRAIGHT, straightened, with_straight
from .unroll import AUTO, ENGINES, GraphDecision, unrolled

__all__ = [
    "AUTO",
    "ECP5",
    "ENGINES",
    "LUT_WEIGHT_BITS",
    "MULTIPLIER_BITS",
    "PARTS",
    "RESOURCE",
    "ROM_BITS",
    "STRAIGHT",
    "TEMPLATE_NAME",
    "THROUGHPUT",
    "UNROLLED",
    "Datasheet",
    "Design",
    "EngineFolding",
    "GraphDecision",
    "GraphSearch",
    "GraphSize",
    "Part",
    "Port",
    "Products",
    "Schedule",
    "Usage",
    "completion_cycles",
    "emit_engines",
    "emit_estimates",
    "emit_hls",
    "emit_ip",
    "emit_rtl",
    "engine_sources",
    "estimate",
    "exceeded",
    "find_part",
    "include_folders",
    "initiation_interval",
    "latency",
    "load_schedule",
    "macro_name",
    "memory_sizes",
    "module_name",
    "multipliers",
    "named",
    "ports_of",
    "products",
    "readout_graph",
    "renamed",
    "rom_in_blocks",
    "schedule",
    "schedule_unrolled",
    "solver_graph",
    "straightened",
    "unrolled",
    "verilog_defines",
    "with_drive",
    "with_straight",
    "write_sources",
]
