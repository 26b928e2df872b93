"""The cocotb benches and what runs them in a simulator.

Takes a build folder and input words; gives a ``BenchResult``.  Production code imports this runner, never a bench.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .toolchain import toolchain

if TYPE_CHECKING:
    from .netlist import cell_models, netlist_file
    from .probe import at_fault
    from .runner import BenchFailure, BenchResult, name_in, run_bench
    from .simulators import SIMULATORS, Icarus, SimulationError, Verilator, require

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

#: Where those are, imported when they are first used: a bench in the simulator needs none, and must start quickly.
LATER = {
    "SIMULATORS": "simulators",
    "BenchFailure": "runner",
    "BenchResult": "runner",
    "Icarus": "simulators",
    "SimulationError": "simulators",
    "Verilator": "simulators",
    "at_fault": "probe",
    "cell_models": "netlist",
    "name_in": "runner",
    "netlist_file": "netlist",
    "require": "simulators",
    "run_bench": "runner",
}


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(f".{LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
