"""RTL to a netlist of a part's cells: Yosys, and for ECP5 the registers of its block RAM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..hardware import ECP5, MULTIPLIER_BITS, ROM_BITS, module_name, verilog_defines
from ..program import SolverProgram
from .output_registers import with_output_registers
from .tools import SynthTool, ToolProgress, ToolRun

#: The netlist for nextpnr, the same for the benches (``rtl_tests/netlist.py``), and the number of its cells.
NETLIST_JSON, NETLIST, CELLS = "netlist.json", "netlist.v", "cells.json"
#: Before registers have moved.
MAPPED = "mapped.json"
COUNT = f"tee -q -o {CELLS} stat -json"
ACCOUNT = f"read_json {NETLIST_JSON}\nwrite_verilog -noattr {NETLIST}\n{COUNT}\n"


def synthesis_script(
    program: SolverProgram,
    sources: Sequence[str],
    family: str,
    unit: str,
    lut_weight_bits: int,
    rom_depths: Iterable[int] = (),
) -> str:
    """What Yosys is told, ``synth.ys``: the sources in order, and to map them to a family's cells.

    Parameters
    ----------
    program : SolverProgram
    sources : sequence of str
    family : str
    unit : str
        The module that is mapped, without the program's name: ``top``, or ``board``.
    lut_weight_bits : int
        Of the longest weights that multiply in LUTs.
    rom_depths : iterable of int
        Words of read-only memories that go into block RAM where they are wide, though Yosys would not put all there.
    """
    products = lut_weight_bits, MULTIPLIER_BITS[family]
    defines = " ".join(f"-D{define}" for define in verilog_defines(program.name, "rtl/mem", products))
    read = (f"verilog_defines {defines}", f"read_verilog -sv {' '.join(sources)}")
    options = f"{_without_dsps(program, lut_weight_bits)} -top {module_name(program.name, unit)}"
    if family == ECP5:
        before, after = (f"synth_ecp5{options} -run {steps}" for steps in ("begin:map_ram", "map_ram:"))
        blocks = (f'setattr -set ram_style "block" {_wide_roms(depth)}' for depth in rom_depths)
        return "\n".join((*read, before, *blocks, f"{after} -json {MAPPED}", ""))
    return "\n".join((*read, f"synth_xilinx -family {family}{options} -noiopad -noclkbuf -flatten", COUNT, ""))


def _wide_roms(depth: int) -> str:
    """Yosys' selection of the read-only memories of so many words; bits that never change it has taken out of them."""
    return f"t:$mem_v2 r:SIZE={depth} %i r:WIDTH>={-(-ROM_BITS // depth)} %i r:WR_PORTS=0 %i"


def _without_dsps(program: SolverProgram, lut_weight_bits: int) -> str:
    """Yosys' option when no weight is wide: nothing else is worth a DSP, but it would do address arithmetic in them."""
    widest = max(matrix.word_length for matrix in (program.drive, program.matrix, program.readout))
    return " -nodsp" if widest <= max(2, lut_weight_bits) else ""


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
