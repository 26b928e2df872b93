"""The netlist after synthesis under the benches: bit-exact and cycle-exact, and a changed cell is found."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corner_programs import MIXED, Corner, folded, unrolled
from random_models import random_program, random_words, with_rows

from mondeq_hw.base.errors import EXIT_OK, InputError, MissingToolError
from mondeq_hw.folder.writing import writing
from mondeq_hw.hardware import hls
from mondeq_hw.hardware.cycles import completion_cycles
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.hardware.parts import ECP5, find_part
from mondeq_hw.hardware.schedule import load_schedule
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rtl_tests.netlist import cell_models, netlist_file
from mondeq_hw.rtl_tests.runner import BenchResult, run_bench
from mondeq_hw.synthesis import synth
from mondeq_hw.synthesis.mapping import MAPPED, NETLIST, map_design
from mondeq_hw.synthesis.synth import SynthOptions, silent
from mondeq_hw.synthesis.tools import yosys, yosys_share
from mondeq_hw.verification.verify import verify

pytestmark = pytest.mark.slow

PART = "ecp5-25"
# Small, and with the fewest slots: Icarus simulates some hundred cycles of a netlist a second.
PROGRAM = random_program(
    3, n=4, d=4, k=2, bits=4, drive_bits=4, readout_bits=4, input_bits=4, state_bits=6, iterations=3
).replace(name="mapped")
BUILD = folded(PROGRAM, (2, 1), (2, 2), 2, slots=3)
WORDS = random_words(5, PROGRAM, 6)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return through_the_command_line(BUILD, tmp_path_factory.mktemp("netlist") / "build")


def through_the_command_line(corner: Corner, build: Path) -> Path:
    """A build folder, synthesised, placed and routed."""
    from mondeq_hw.cli import main

    with writing(build) as folder:
        corner.build(folder)
        hls.emit(corner.program, corner.schedule, folder)
        (folder / "report").mkdir()
    assert main(["synth", str(build), "--part", PART]) == EXIT_OK
    return build


def bench(build: Path, work: Path, words: np.ndarray = WORDS, **options: Any) -> BenchResult:
    return run_bench(build, work, words=words, design="netlist", part=PART, simulator="icarus", **options)


def test_verification_runs_every_bench_on_the_netlist(build: Path) -> None:
    report = verify(build, WORDS, simulators=("icarus",), netlists=(PART,))
    assert report.ok, report.mismatches
    _, rtl_report, netlist = report.backends
    assert netlist.name == f"{PART} netlist on icarus"
    assert len(netlist.tests_passed) == 18 and netlist.tests_passed == rtl_report.tests_passed
    assert netlist.samples == len(WORDS) and netlist.wrong_samples == 0
    assert netlist.cycles == rtl_report.cycles is not None
    assert f"report/synth/{PART}/{NETLIST}" in dict(report.sources)


@pytest.mark.long
def test_netlist_of_graphs_everywhere(tmp_path: Path) -> None:
    corner = unrolled(PROGRAM, (4, 2), slots=4, graphs=("drive", "readout"))
    build = through_the_command_line(corner, tmp_path / "build")
    assert not list((build / "rtl" / "mem").iterdir())
    result = bench(build, tmp_path / "work", tests=["back_to_back", "blocked_sink"])
    assert result.ok and len(result.passed) == 2, result.failures
    golden = GoldenModel(PROGRAM)
    np.testing.assert_array_equal(result.outputs, golden.predict_raw(WORDS))
    np.testing.assert_array_equal(result.cycles, completion_cycles(corner.schedule, golden.iterations(WORDS)))


@pytest.mark.long
def test_netlist_of_rows_of_every_sort(tmp_path: Path) -> None:
    """Tables of constants and operands with a sign, as Yosys reads them."""
    program = random_program(25, n=8, d=3, k=2, bits=4, state_bits=6, input_bits=4, iterations=2)
    program = with_rows(program, *MIXED)
    plan = folded(program, (2, 3), (3, 3), 3, slots=3)
    build = plan.build(tmp_path / "build")
    synthesised(build)
    words = random_words(5, program, 3)
    result = bench(build, tmp_path / "work", words, tests=["back_to_back"])
    assert result.ok, result.failures
    golden = GoldenModel(program)
    np.testing.assert_array_equal(result.outputs, golden.predict_raw(words))
    np.testing.assert_array_equal(result.cycles, completion_cycles(plan.schedule, golden.iterations(words)))


def test_netlist_with_other_ports_is_a_mismatch(build: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(build, tmp_path / "build"))
    netlist_file(copy, PART).write_text("module mapped_top(input ap_clk);\nendmodule\n")
    mismatches = verify(copy, WORDS, simulators=("icarus",), netlists=(PART,)).mismatches
    assert [mismatch.backend for mismatch in mismatches] == [f"{PART} netlist on icarus"]


def test_netlist_with_block_ram_and_multipliers(tmp_path: Path) -> None:
    """16-bit weights: too wide for LUTs, and in few words that are long enough for block RAM; states of two parts."""
    program = random_program(3, n=16, d=4, k=1, bits=16, state_bits=20, iterations=1)
    plan = schedule(program, 32)
    build = Corner(program, plan).build(tmp_path / "build")
    synthesised(build)
    netlist = netlist_file(build, PART).read_text()
    assert len(cells(netlist, "DP16KD")) >= 4 and "MULT18X18D" in netlist and '.REG_OUTPUT_CLK("CLK0")' in netlist
    words = random_words(5, program, 2)
    result = bench(build, tmp_path / "work", words, tests=["back_to_back"])
    assert result.ok, result.failures
    golden = GoldenModel(program)
    np.testing.assert_array_equal(result.outputs, golden.predict_raw(words))
    np.testing.assert_array_equal(result.cycles, completion_cycles(plan, golden.iterations(words)))


def synthesised(build: Path) -> None:
    """The netlist of a build folder by Yosys alone, not placed."""
    work = build / "report" / "synth" / PART
    work.mkdir(parents=True)
    part = find_part(PART)
    flow = synth._Flow(build, SolverProgram.load(build), load_schedule(build), SynthOptions(PART), part, work, silent)
    (work / "synth.ys").write_text(flow._yosys_script(flow._snapshot("rtl")))
    map_design(yosys(), part.family, work, ("synth.ys",), silent)


# -- changed netlists --------------------------------------------------------------


def cells(netlist: str, kind: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"^  {kind} #\(\n(.*?)^  \);$", netlist, re.DOTALL | re.MULTILINE))


Tampered = Callable[..., BenchResult]


@pytest.fixture
def tampered(build: Path, tmp_path: Path) -> Tampered:
    """A test's result after one replacement in one cell."""

    def run(cell: re.Match[str], original: str, changed: str, test: str = "back_to_back") -> BenchResult:
        copy = Path(shutil.copytree(build, tmp_path / f"{cell.start()}"))
        file = netlist_file(copy, PART)
        text = file.read_text()
        assert cell[0].count(original) == 1
        file.write_text(text[: cell.start()] + cell[0].replace(original, changed) + text[cell.end() :])
        return bench(copy, tmp_path / "work", tests=[test])

    return run


@pytest.mark.parametrize("engine", ["u_solve", "u_readout"])
def test_one_changed_table_entry_is_found(build: Path, tampered: Tampered, engine: str) -> None:
    """In a multiplication: the entry for inputs that are all zero, which few samples may reach in any one cell."""
    netlist = netlist_file(build, PART).read_text()
    product = [cell for cell in cells(netlist, "LUT4") if f"{engine}.u_matvec" in cell[0] and "u_product" in cell[0]]

    def found(cell: re.Match[str]) -> bool:
        table = re.search(r"16'h\w{4}", cell[0])
        assert table is not None
        entry = sum(1 << index for index, pin in enumerate("ABCD") if f".{pin}(1'h1)" in cell[0])
        return bool(tampered(cell, table[0], f"16'h{int(table[0][4:], 16) ^ 1 << entry:04x}").failures)

    assert any(map(found, product[:4]))


def test_changed_adder_is_found(build: Path, tampered: Tampered) -> None:
    """One inverted sum bit of the readout's accumulator: the lowest, as the highest is itself again after two steps."""
    chain = cells(netlist_file(build, PART).read_text(), "CCU2C")
    adders = [cell for cell in chain if "u_readout.u_matvec.g_pe[0].sum_q" in cell[0] and ".S0(" in cell[0]]
    cell = next(cell for cell in adders if ".CIN(1'h0)" in cell[0])
    table = re.search(r"\.INIT0\(16'h(\w{4})\)", cell[0])
    assert table is not None
    assert tampered(cell, table[0], f".INIT0(16'h{int(table[1], 16) ^ 0xFFFF:04x})").failures


def test_missing_reset_is_found(build: Path, tampered: Tampered) -> None:
    """A register that no reset clears: the buffer of outputs keeps a word."""
    flip_flops = cells(netlist_file(build, PART).read_text(), "TRELLIS_FF")
    cell = next(cell for cell in flip_flops if "u_buffer.count_q [0])" in cell[0] and ".LSR(ap_rst_n_" in cell[0])
    pin = re.search(r"\.LSR\(.*\)", cell[0])
    assert pin is not None
    assert tampered(cell, pin[0], ".LSR(1'h0)", "reset_in").failures


# -- cell models --------------------------------------------------------------------

MEMORIES = """
module rom #(parameter int W = 9, parameter int A = 11, parameter F = "") (
  input logic clk, input logic [A-1:0] a, output logic [W-1:0] q);
  (* rom_style = "block" *) logic [W-1:0] m[1<<A];
  if (F != "") initial $readmemh(F, m);
  always_ff @(posedge clk) q <= m[a];
endmodule

module ram #(parameter int W = 9, parameter int A = 11, parameter F = "") (
  input logic clk, input logic we, input logic [A-1:0] wa, input logic [W-1:0] d, input logic re,
  input logic [A-1:0] ra, output logic [W-1:0] q);
  (* ram_style = "block" *) logic [W-1:0] m[1<<A];
  if (F != "") initial $readmemh(F, m);
  always_ff @(posedge clk) begin
    if (we) m[wa] <= d;
    if (re) q <= m[ra];
  end
endmodule

module six_roms (input logic clk, input logic [13:0] ra, output logic [69:0] q);
  rom #(36, 9, "36.mem") rom36 (clk, ra[8:0], q[69-:36]);
  rom #(18, 10, "18.mem") rom18 (clk, ra[9:0], q[33-:18]);
  rom #(9, 11, "9.mem") rom9 (clk, ra[10:0], q[15-:9]);
  rom #(4, 12, "4.mem") rom4 (clk, ra[11:0], q[6-:4]);
  rom #(2, 13, "2.mem") rom2 (clk, ra[12:0], q[2-:2]);
  rom #(1, 14, "1.mem") rom1 (clk, ra, q[0]);
endmodule

module memories (
  input logic clk, input logic we, input logic re, input logic [13:0] wa, input logic [13:0] ra, input logic [35:0] d,
  output logic [69:0] roms, output logic [69:0] rams, output logic signed [35:0] products, output logic [35:0] product,
  output logic [69:0] late);
  logic [69:0] stored;
  six_roms u_roms (clk, ra, roms);
  six_roms u_stored (clk, ra, stored);
  ram #(36, 9, "36.mem") ram36 (clk, we, wa[8:0], d, re, ra[8:0], rams[69-:36]);
  ram #(18, 10, "18.mem") ram18 (clk, we, wa[9:0], d[17:0], re, ra[9:0], rams[33-:18]);
  ram #(9, 11, "9.mem") ram9 (clk, we, wa[10:0], d[8:0], re, ra[10:0], rams[15-:9]);
  ram #(4, 12, "4.mem") ram4 (clk, we, wa[11:0], d[3:0], re, ra[11:0], rams[6-:4]);
  ram #(2, 13, "2.mem") ram2 (clk, we, wa[12:0], d[1:0], re, ra[12:0], rams[2-:2]);
  ram #(1, 14, "1.mem") ram1 (clk, we, wa, d[0], re, ra, rams[0]);
  always_ff @(posedge clk) begin
    {late[69:34], late[15:7], late[2:1]} <= {stored[69:34], stored[15:7], stored[2:1]};
    if (we) {late[33:16], late[6:3], late[0]} <= {stored[33:16], stored[6:3], stored[0]};
  end
  assign products = $signed(d[17:0]) * $signed(d[35:18]);
  assign product = d[17:0] * d[35:18];
endmodule
"""
COMPARISON = """
module comparison;
  logic clk = 0, we, re;
  logic [13:0] wa, ra;
  logic [35:0] d;
  logic [281:0] expected, received;
  int wrong = 0, ones = 0;
  memories u_source (clk, we, re, wa, ra, d, expected[69:0], expected[139:70], expected[175:140], expected[211:176],
    expected[281:212]);
  netlist u_netlist (clk, we, re, wa, ra, d, received[69:0], received[139:70], received[175:140], received[211:176],
    received[281:212]);
  initial begin
    for (int i = 0; i < 1500; i++) begin
      {we, re, wa, ra, d} = {$urandom, $urandom, $urandom};
      if (i < 4) {we, re} = 3;
      if (i % 3 != 0) {wa, ra} = {14'(wa % 16), 14'(ra % 16)};  // words that were written; the one written now, too
      #1 clk = 1;
      #1 clk = 0;
      #1 if (i > 0 && received !== expected) wrong++;  // after the first edge only a model's registers are not x
      ones += $countones(received);
    end
    $display("%0d wrong, ones: %0d", wrong, ones > 1500 * 20);
    $finish;
  end
endmodule
"""


def test_block_ram_and_multiplier_models(tmp_path: Path) -> None:
    """Every width of the memories, by the way that Yosys maps them, against the memories that it mapped."""
    rng = random.Random(1)
    for width, depth in ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384)):
        (tmp_path / f"{width}.mem").write_text("".join(f"{rng.getrandbits(width):x}\n" for _ in range(depth)))
    (tmp_path / "memories.sv").write_text(MEMORIES)
    (tmp_path / "comparison.sv").write_text(COMPARISON)
    (tmp_path / "synth.ys").write_text(
        f"read_verilog -sv memories.sv\nsynth_ecp5 -top memories\nrename memories netlist\nwrite_json {MAPPED}\n"
    )
    map_design(yosys(), ECP5, tmp_path, ("synth.ys",), silent)
    netlist = (tmp_path / NETLIST).read_text()
    # Six memories have a register behind them, three with an enable; they hold it now, and the words come as before.
    modes = [re.findall(r'\.REGMODE_[AB]\("(\w+)"\)', cell[0]) for cell in cells(netlist, "DP16KD")]
    assert len(modes) == 18 and sum("OUTREG" in mode for mode in modes) == 6
    assert not re.search(r"\.Q\(late", netlist)
    widths = re.findall(r"\.DATA_WIDTH_[AB]\(32'd(\d+)\)", netlist)
    assert set(widths) == {"1", "2", "4", "9", "18", "36"} and netlist.count("  MULT18X18D ") == 2
    (tmp_path / "cells.sv").write_text(cell_models(netlist, yosys_share()))
    sources = ("comparison.sv", "memories.sv", NETLIST, "cells.sv")
    subprocess.run(["iverilog", "-g2012", "-o", "run", "-s", "comparison", *sources], cwd=tmp_path, check=True)
    output = subprocess.run(["vvp", "run"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "0 wrong, ones: 1"


def test_cell_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cell RAMB18E1, which has no simulation model"):
        cell_models("module top;\n  RAMB18E1 #(\n    .A(1)\n  ) x ();\nendmodule\n", yosys_share())
    with pytest.raises(MissingToolError, match="expected Yosys's cell models"):
        cell_models("", tmp_path)


def test_missing_netlist_names_the_command(tmp_path: Path) -> None:
    build = BUILD.build(tmp_path)
    with pytest.raises(InputError, match=r"holds: none.*run: mondeq-hw synth .* --part ecp5-45"):
        run_bench(build, tmp_path / "work", words=WORDS, design="netlist", part="ecp5-45")
