"""RTL to a netlist of a part's cells: Yosys, and for ECP5 the registers of its block RAM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..hardware import ECP5, verilog_defines
from ..program import SolverProgram
from .output_registers import with_output_registers
from .tools import SynthTool, ToolProgress, ToolRun

#: The netlist for nextpnr, the same for the benches (``rtl_tests/netlist.py``), and the number of its cells.
NETLIST_JSON, NETLIST, CELLS = "netlist.json", "netlist.v", "cells.json"
#: Before registers have moved.
MAPPED = "mapped.json"
COUNT = f"tee -q -o {CELLS} stat -json"
ACCOUNT = f"read_json {NETLIST_JSON}\nwrite_verilog -noattr {NETLIST}\n{COUNT}\n"


def yosys_script(program: SolverProgram, sources: Sequence[str], lut_weight_bits: int, *commands: str) -> str:
    """What Yosys is told: the sources in order, and commands."""
    defines = verilog_defines(program.name, "rtl/mem", lut_weight_bits)
    read = (
        " ".join(("verilog_defines", *(f"-D{define}" for define in defines))),
        f"read_verilog -sv {' '.join(sources)}",
    )
    return "\n".join((*read, *commands, ""))


def mapping_commands(family: str, top: str, without_dsps: str) -> tuple[str, ...]:
    """Commands that map a design to a family's cells."""
    if family == ECP5:
        return (f"synth_ecp5{without_dsps} -top {top} -json {MAPPED}",)
    return (f"synth_xilinx -family {family}{without_dsps} -noiopad -noclkbuf -flatten -top {top}", COUNT)


def map_design(mapper: SynthTool, family: str, folder: Path, reads: tuple[str, ...], progress: ToolProgress) -> bool:
    """Run ``synth.ys`` in a folder; returns whether its results were there.

    Raises
    ------
    ToolFailedError
        With Yosys' own error lines.
    """
    if family != ECP5:
        return ToolRun(mapper, ("-s", "synth.ys"), reads, (CELLS,)).execute(folder, progress)
    cached = ToolRun(mapper, ("-s", "synth.ys"), reads, (MAPPED,)).execute(folder, progress)
    (folder / NETLIST_JSON).write_text(with_output_registers((folder / MAPPED).read_text()))
    (folder / "account.ys").write_text(ACCOUNT)
    account = ToolRun(mapper, ("-s", "account.ys"), ("account.ys", NETLIST_JSON), (NETLIST, CELLS), label="account")
    return account.execute(folder, progress) and cached
