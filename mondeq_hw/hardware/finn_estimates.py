"""Estimates of an AMD part under the file names and keys of FINN's reports, for tools that read those.

A layer is an engine: drive, solve, readout.  FINN counts block RAMs of 18 Kbit; what it says of URAM and of how full
memories are is not estimated here and left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .cycles import initiation_interval, latency
from .design import Design
from .estimate import LUT_WEIGHT_BITS, drive_usage, estimate, readout_usage, solver_usage
from .ip import CLOCK_MHZ
from .parts import XC7, Usage


def emit(design: Design, folder: Path) -> None:
    """Write ``estimate_layer_cycles.json``, ``..._layer_resources.json`` and ``estimate_network_performance.json``.

    Parameters
    ----------
    design : Design
    folder : Path
    """
    contents = {
        "estimate_layer_cycles": layer_cycles(design),
        "estimate_layer_resources": layer_resources(design),
        "estimate_network_performance": network_performance(design),
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def layer_cycles(design: Design) -> dict[str, int]:
    """Cycles that each engine is busy with a sample that takes all updates."""
    plan, updates = design.schedule, design.program.iterations
    solve = updates * plan.solve.cycles_per_matvec + plan.solve.row_groups
    return {"drive": plan.drive.cycles_per_matvec, "solve": solve, "readout": plan.readout.cycles_per_matvec}


def layer_resources(design: Design) -> dict[str, dict[str, float]]:
    """LUTs, DSPs and block RAMs of each engine, and of the core, which has control too."""
    asked = design.program, design.schedule, XC7, LUT_WEIGHT_BITS
    engines = {"drive": drive_usage, "solve": solver_usage, "readout": readout_usage}
    found = {name: _resources(usage(*asked)) for name, usage in engines.items()}
    return {**found, "total": _resources(estimate(*asked))}


def _resources(usage: Usage) -> dict[str, float]:
    return {"BRAM_18K": round(2 * usage.block_rams), "LUT": usage.luts, "DSP": usage.dsps}


def network_performance(design: Design) -> dict[str, Any]:
    """The slowest engine, the latency of a lone sample, and the rate of a steady stream at 150 MHz."""
    plan, updates, cycles = design.schedule, design.program.iterations, layer_cycles(design)
    slowest = max(cycles, key=cycles.__getitem__)
    lone = latency(plan, updates)
    return {
        "critical_path_cycles": lone,
        "max_cycles": cycles[slowest],
        "max_cycles_node_name": slowest,
        "estimated_throughput_fps": 1e6 * CLOCK_MHZ / initiation_interval(plan, updates),
        "estimated_latency_ns": 1e3 * lone / CLOCK_MHZ,
    }
