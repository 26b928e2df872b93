"""Where memories go, and what they take there, against Yosys."""

import json
import random
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from random_models import random_program

from mondeq_hw.hardware import ECP5, find_part, module_name, schedule
from mondeq_hw.hardware.memories import ram_usage, rom_usage
from mondeq_hw.hardware.parts import XC7, Usage
from mondeq_hw.synthesis import yosys
from mondeq_hw.synthesis.mapping import synthesis_script
from mondeq_hw.synthesis.room import Room
from mondeq_hw.synthesis.synth import silent
from mondeq_hw.synthesis.tools import ToolRun

ROM = """
module rom_{width}_{depth} (input clk, input [{top}:0] place, output reg [{last}:0] word);
  reg [{last}:0] memory[0:{depth}-1], word_d;
  initial $readmemh("{width}_{depth}.mem", memory);
  always @(posedge clk) {{word, word_d}} <= {{word_d, memory[place]}};
endmodule
"""
RAM = """
module ram_{width}_{depth} (
  input clk, input write, input [{top}:0] into, input [{top}:0] place, input [{last}:0] put, output reg [{last}:0] word
);
  (* no_rw_check *) reg [{last}:0] memory[0:{depth}-1];
  always @(posedge clk) begin
    if (write) memory[into] <= put;
    word <= memory[place];
  end
endmodule
"""
ROMS = {
    ECP5: [(30, 8), (36, 14), (360, 16), (100, 25), (36, 57), (36, 64), (8, 64), (18, 128)],
    XC7: [(36, 64), (36, 128), (72, 256), (18, 512), (8, 256)],
}
RAMS = {
    ECP5: [(200, 16), (36, 32), (36, 33), (50, 64), (8, 64), (16, 96), (8, 224)],
    XC7: [(36, 32), (36, 64), (36, 96), (8, 256), (18, 256)],
}


def mapped(family: str, folder: Path) -> dict[str, dict[str, int]]:
    """Cells of every memory, as the flow maps them."""
    program = random_program(1, n=4, d=4, k=2, bits=4)
    top, rng, text = module_name(program.name, "top"), random.Random(1), ""
    for template, shapes in ((ROM, ROMS[family]), (RAM, RAMS[family])):
        for width, depth in shapes:
            text += template.format(width=width, depth=depth, last=width - 1, top=(depth - 1).bit_length() - 1)
            words = "".join(f"{rng.getrandbits(width):x}\n" for _ in range(depth))
            (folder / f"{width}_{depth}.mem").write_text(words)
    names = re.findall(r"module (\w+)", text)
    text += f"module {top} (input clk, output [{len(names) - 1}:0] words);\n"
    text += "".join(f"  {name} u_{name} (.clk(clk), .word(words[{at}]));\n" for at, name in enumerate(names))
    (folder / "memories.sv").write_text(text + "endmodule\n")
    depths = {depth for width, depth in ROMS[family] if rom_usage(width, depth, family).block_rams}
    script = synthesis_script(program, ("memories.sv",), family, "top", 8, sorted(depths))
    script = script.replace("synth_ecp5", "synth_ecp5 -noflatten").replace(" -flatten", "")
    (folder / "synth.ys").write_text(script + "tee -q -o cells.json stat -json\n")
    ToolRun(yosys(), ("-s", "synth.ys"), (), ("cells.json",)).execute(folder, silent)
    modules = json.loads((folder / "cells.json").read_text())["modules"]
    return {name.removeprefix("\\"): module["num_cells_by_type"] for name, module in modules.items()}


def blocks(cells: dict[str, int]) -> float:
    return cells.get("DP16KD", 0) + cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2


@pytest.mark.parametrize("family", [ECP5, XC7])
def test_memories_go_where_yosys_maps_them(family: str, tmp_path: Path) -> None:
    cells = mapped(family, tmp_path)
    kinds = (("rom", ROMS[family], rom_usage), ("ram", RAMS[family], ram_usage))
    usages = {
        f"{kind}_{width}_{depth}": of(width, depth, family) for kind, shapes, of in kinds for width, depth in shapes
    }
    assert {name: usage.block_rams for name, usage in usages.items()} == {name: blocks(cells[name]) for name in usages}
    for name, usage in usages.items():
        found = cells[name]
        luts = sum(count for cell, count in found.items() if cell.startswith("LUT"))
        luts += 4 * (found.get("TRELLIS_DPR16X4", 0) + found.get("RAM32M", 0) + found.get("RAM64M", 0))
        assert usage.block_rams or 0.65 * luts <= usage.luts <= 1.35 * luts, name


def test_a_part_with_too_few_block_rams_leaves_it_to_yosys() -> None:
    program = random_program(1, n=100, d=8, k=5, bits=8, iterations=5)
    plan = schedule(program, 25)
    small, large = (Room(program, plan, find_part(name), 8) for name in ("ecp5-25", "ecp5-85"))
    assert small.estimate() == large.estimate() and 56 < large.estimate().block_rams <= 208
    assert large.rom_depths() and small.rom_depths() == ()


def test_a_memory_of_no_room_at_all_takes_a_lut_a_bit() -> None:
    assert rom_usage(100, 1, ECP5) == Usage(100, 0, 0, 0)


@pytest.mark.parametrize("write, read", [(5, 7), (7, 5), (4, 7)])
def test_widths_that_do_not_divide_each_other_cost_no_registers(write: int, read: int, tmp_path: Path) -> None:
    """Words lie in memories all the same; kept in registers these took 110,000 LUTs."""
    words, bits, banks = 90, 21, 8
    sizes = f"-chparam Words {words} -chparam WordBits {bits} -chparam Banks {banks}"
    widths = f"-chparam WriteWords {write} -chparam ReadWords {read}"
    source = ROOT / "hls_templates" / "rtl" / "mondeq_regroup.sv"
    shutil.copy(source, tmp_path)
    (tmp_path / "synth.ys").write_text(
        f"read_verilog -sv {source.name}\nhierarchy -top mondeq_regroup {sizes} {widths}\n"
        "synth_ecp5 -top mondeq_regroup -noiopad\ntee -q -o cells.json stat -json\n"
    )
    ToolRun(yosys(), ("-s", "synth.ys"), (), ("cells.json",)).execute(tmp_path, silent)
    (cells,) = (
        each["num_cells_by_type"] for each in json.loads((tmp_path / "cells.json").read_text())["modules"].values()
    )
    lanes = max(write, read)
    assert cells["DP16KD"] == lanes * ram_usage(bits, banks * -(-words // lanes), ECP5).block_rams
    steps = lanes * bits * (lanes - 1).bit_length()
    assert cells["LUT4"] < 4 * steps and cells["TRELLIS_FF"] < 2 * lanes * bits + 40
