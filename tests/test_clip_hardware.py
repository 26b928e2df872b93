"""The clip in hardware: every word of a small state, and what relu costs."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from corner_programs import folded
from random_models import random_program, with_rows

from mondeq_hw.base import FREE, RELU, Interval, WordRange, soft_threshold
from mondeq_hw.hardware.clip_table import clip_table
from mondeq_hw.hardware.estimate import _clip_luts
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from mondeq_hw.program import SolverProgram
from mondeq_hw.synthesis.synth import silent
from mondeq_hw.synthesis.tools import ToolRun, yosys

pytestmark = pytest.mark.slow

INF = np.inf
#: Of states from -15 to 15.
KINDS = {
    "relu": RELU,
    "free": FREE,
    "fixed": Interval(0, 0),
    "box": Interval(-3, 6),
    "unit": Interval(-1, 1),
    "widest": Interval(-14, 14),
    "half_line_below": Interval(-INF, 5),
    "half_line_above": Interval(-4, INF),
    "soft": soft_threshold(4),
    "relu_complement": Interval(0, INF, complement=True),
    "fixed_complement": Interval(0, 0, complement=True),
    "free_complement": Interval(-INF, INF, complement=True),
    "box_complement": Interval(-2, 9, complement=True),
    "half_line_complement": Interval(-INF, 3, complement=True),
}


def clipped_program(*intervals: Interval, solver: str = PEACEMAN_RACHFORD) -> SolverProgram:
    return with_rows(random_program(1, n=8, state_bits=5, state_integer_bits=2, solver=solver), *intervals)


# -- words ---------------------------------------------------------------------


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("kinds", [*((name,) for name in KINDS), ("relu", "soft"), tuple(KINDS)], ids="-".join)
def test_ranges_are_those_of_all_states(kinds: tuple[str, ...], solver: str) -> None:
    program = clipped_program(*(KINDS[name] for name in kinds), solver=solver)
    states = np.repeat(np.arange(-15, 16)[:, None], program.n, axis=1)
    for words, expected in ((program.phi(states), program.phi_range), (program.prox(states), program.prox_range)):
        assert expected == WordRange(int(words.min()), int(words.max()))
        bits = range(1, 6)
        holds = (bit for bit in bits if -(2 ** (bit - 1)) <= words.min() and words.max() < 2 ** (bit - 1))
        unsigned = (bit for bit in bits if words.min() >= 0 and words.max() < 2**bit)
        assert (expected.signed, expected.bits) == (words.min() < 0, next(holds if words.min() < 0 else unsigned))


def test_table_holds_each_different_row_once() -> None:
    table = clip_table(clipped_program(RELU, Interval(0, 15), Interval(-15, 3), Interval(-INF, 3), soft_threshold(2)))
    assert (table.lower, table.upper) == ((0, -15, -2), (15, 3, 2))
    assert (table.below, table.above) == ((True, False, True), (False, True, True))
    assert table.complement == (False, False, True) and table.rows == (0, 0, 1, 1, 2, 0, 0, 1)
    assert table.kinds == 3 and table.index_bits == 2


# -- the unit --------------------------------------------------------------------

BENCH = """
module bench;
  logic [4:0] state;
  logic [{bits}-1:0] word;
  mondeq_clip #(.StateBits(5), .WordBits({bits}), .Reflect({reflect}), .Below({below}), .Above({above})) u_clip (
    .state_i(state), .lower_i(5'({lower})), .upper_i(5'({upper})), .complement_i(1'({complement})), .word_o(word));
  initial begin
    for (int s = -15; s < 16; s++) begin
      state = 5'(s);
      #1 $display("%0d", {cast}(word));
    end
  end
endmodule
"""


def rtl_source(name: str) -> str:
    return (files("mondeq_hw.hls_templates") / "rtl" / name).read_text()


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("selected", [False, True], ids=["constant", "selected"])
@pytest.mark.parametrize("kind", KINDS)
def test_unit_is_the_operator_on_every_word(kind: str, selected: bool, solver: str, tmp_path: Path) -> None:
    """With its own constants, and in a lane that may have any bound."""
    program = clipped_program(KINDS[kind], solver=solver)
    table, words = clip_table(program), program.phi_range
    text = BENCH.format(
        bits=words.bits,
        cast="$signed" if words.signed else "",
        reflect=int(program.splitting.reflects),
        below=int(selected or table.below[0]),
        above=int(selected or table.above[0]),
        lower=table.lower[0],
        upper=table.upper[0],
        complement=int(table.complement[0]),
    )
    (tmp_path / "bench.sv").write_text(text)
    (tmp_path / "clip.sv").write_text(rtl_source("mondeq_clip.sv"))
    subprocess.run(["iverilog", "-g2012", "-o", "run", "bench.sv", "clip.sv"], cwd=tmp_path, check=True)
    output = subprocess.run(["vvp", "run"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    states = np.repeat(np.arange(-15, 16)[:, None], program.n, axis=1)
    assert list(map(int, output.split())) == program.phi(states)[:, 0].tolist()


# -- cost ------------------------------------------------------------------------

#: A magnitude, a relu, and no more.
RELU_ALONE = """
module alone #(parameter int Bits = 8, parameter bit Reflect = 1'b1) (
  input logic [Bits-1:0] state_i, output logic [Bits-2:0] word_o);
  if (Reflect) assign word_o = state_i[Bits-1] ? -state_i[Bits-2:0] : state_i[Bits-2:0];
  else assign word_o = state_i[Bits-1] ? '0 : state_i[Bits-2:0];
endmodule
"""
#: One kind of row, 24 rows in groups of 4.
RELU_LANES = """
package mondeq_pkg;
  parameter int StateWords = 24;
  parameter int StateBits = {bits};
  parameter int ClipKinds = 1;
  parameter bit [23:0] ClipRowKinds = '0;
  parameter bit [{bits}-1:0] ClipLowers = '0;
  parameter bit [{bits}-1:0] ClipUppers = {top};
  parameter bit ClipBelow = 1'b1;
  parameter bit ClipAbove = 1'b0;
  parameter bit ClipComplements = 1'b0;
endpackage
module lanes (input logic clk_i, input logic [2:0] group_i, input logic [4*{bits}-1:0] state_i,
  output logic [4*({bits}-1)-1:0] word_o);
  mondeq_clip_lanes #(.Lanes(4), .WordBits({bits} - 1), .Reflect({reflect})) u_lanes (
    .clk_i, .rst_ni(1'b1), .group_i, .state_i, .word_o);
endmodule
"""


@pytest.mark.parametrize("bits", [6, 13])
@pytest.mark.parametrize("reflect", [0, 1])
def test_relu_costs_what_it_did_alone(bits: int, reflect: int, tmp_path: Path) -> None:
    """Operators of the word-level netlist, their widths included, and the cells of an ECP5: four times the relu."""
    names = ("mondeq_delay.sv", "mondeq_clip.sv", "mondeq_clip_lanes.sv")
    (tmp_path / "alone.sv").write_text(RELU_ALONE)
    (tmp_path / "lanes.sv").write_text(RELU_LANES.format(bits=bits, top=2 ** (bits - 1) - 1, reflect=reflect))
    for name in names:
        (tmp_path / name).write_text(rtl_source(name))
    alone = f"read_verilog -sv alone.sv; chparam -set Bits {bits} -set Reflect 1'b{reflect} alone; hierarchy -top alone"
    lanes = f"read_verilog -sv lanes.sv {' '.join(names)}; hierarchy -top lanes"
    script = []
    for name, source in (("alone", alone), ("lanes", lanes)):
        script += [
            f"design -reset; {source}; proc; flatten; opt -full; wreduce; opt_clean; tee -o {name}.words stat -width"
        ]
        script += [f"synth_ecp5; tee -o {name}.cells stat"]
    (tmp_path / "synth.ys").write_text("\n".join(script) + "\n")
    ToolRun(yosys(), ("-s", "synth.ys"), (), ("lanes.cells",)).execute(tmp_path, silent)
    counted = {
        name: cell_counts(tmp_path / name) for name in ("alone.words", "lanes.words", "alone.cells", "lanes.cells")
    }
    # 0 - s stands for -s.
    words = {name.replace("$sub", "$neg"): count for name, count in counted["lanes.words"].items()}
    assert words == {name: 4 * count for name, count in counted["alone.words"].items()} != {}
    assert counted["lanes.cells"] == {name: 4 * count for name, count in counted["alone.cells"].items()} != {}


@pytest.mark.parametrize("kinds", [2, 24])
def test_many_kinds_of_rows_cost_what_is_estimated(kinds: int, tmp_path: Path) -> None:
    """Of 24 rows in groups of four: a lane's constants are functions of the group's number, however many kinds are."""
    rng, lanes, names = np.random.default_rng(kinds), 4, ("mondeq_delay.sv", "mondeq_clip.sv", "mondeq_clip_lanes.sv")
    boxes = [Interval(-int(low), int(high)) for low, high in rng.integers(1, 2000, size=(kinds, 2))]
    program = with_rows(random_program(1, n=24, d=4, k=2, bits=4, state_bits=12), *boxes)
    folded(program, (2, 2), (3, lanes), 4, slots=3).build(tmp_path)
    widths = f"-set Lanes {lanes} -set WordBits 12 -set Reflect 1'b1"
    files = " ".join(f"rtl/src/{name}" for name in ("mondeq_pkg.sv", *names))
    script = f"read_verilog -sv {files}; chparam {widths} mondeq_clip_lanes; hierarchy -top mondeq_clip_lanes"
    (tmp_path / "synth.ys").write_text(f"{script}; synth_ecp5; tee -o cells stat\n")
    ToolRun(yosys(), ("-s", "synth.ys"), (), ("cells",)).execute(tmp_path, silent)
    cells = cell_counts(tmp_path / "cells")
    mapped = cells["LUT4"] + 2 * cells["CCU2C"]
    estimated = lanes * 2 * 12 + _clip_luts(program, lanes)
    assert 0.7 * mapped <= estimated <= 1.4 * mapped


def cell_counts(statistics: Path) -> dict[str, int]:
    """Cells by type, as Yosys prints them."""
    lines = [line.split() for line in statistics.read_text().splitlines()]
    cells = {line[1]: int(line[0]) for line in lines if len(line) == 2 and line[0].isdigit()}
    counts = {"cells", "wires", "ports", "memories", "processes"}
    return {name: count for name, count in cells.items() if name not in counts and name != "$scopeinfo"}
