"""The cocotb benches and what runs them in a simulator.

Takes a build folder and input words; gives a ``BenchResult``.  Production code imports this runner, never a bench.
"""

from __future__ import annotations

from .netlist import cell_models, netlist_file
from .probe import at_fault
from .runner import BenchFailure, BenchResult, name_in, run_bench
from .simulators import SIMULATORS, Icarus, SimulationError, Verilator, require
from .toolchain import toolchain

__all__ = [
    "SIMULATORS",
    "BenchFailure",
    "BenchResult",
    "Icarus",
    "SimulationError",
    "Verilator",
    "at_fault",
    "cell_models",
    "name_in",
    "netlist_file",
    "require",
    "run_bench",
    "toolchain",
]
