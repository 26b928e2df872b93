"""The benches themselves: they pass a right design and find every kind of wrong one.

The design is the behavioural stand-in of ``tests/standin``, which breaks one rule on demand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from long_set import one_in
from random_models import random_program, random_words
from standin import StandIn, stand_in

from mondeq_hw.base.errors import InputError, MissingToolError
from mondeq_hw.hardware import Design, rtl
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rtl_tests.runner import BenchResult, run_bench
from mondeq_hw.rtl_tests.simulators import SimulationError

pytestmark = pytest.mark.slow

PROGRAM = random_program(3, n=5, d=7, k=3, iterations=4)
WORDS = random_words(5, PROGRAM, 8)
EXPECTED = GoldenModel(PROGRAM).predict_raw(WORDS)


@dataclass(frozen=True)
class Bench:
    """A build folder whose design is the stand-in."""

    build: Path
    work: Path
    design: StandIn

    def run(self, simulator: str = "icarus", fault: str = "", **options: object) -> BenchResult:
        arguments = {
            "words": WORDS,
            "design": "vendor",
            "vendor_sources": self.design.sources,
            "defines": self.design.defines,
            "plusargs": [f"+fault={fault}"] if fault else [],
            **options,
        }
        return run_bench(self.build, self.work, simulator=simulator, **arguments)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    # Five multipliers a cycle on seven inputs: the last beat of a sample is partly padding.
    plan = replace(schedule(PROGRAM, reuse_factor=1), framed=False)  # the stand-in counts beats
    PROGRAM.save(folder)
    rtl.emit(Design(PROGRAM, plan), folder)
    assert 1 < plan.words_per_beat < PROGRAM.d and PROGRAM.d % plan.words_per_beat
    return Bench(folder, folder / "work", stand_in(PROGRAM, plan, folder))


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_right_design_passes_every_test(bench: Bench, simulator: str) -> None:
    result = bench.run(simulator)
    assert result.ok and result.failures == ()
    np.testing.assert_array_equal(result.outputs, EXPECTED)
    names = {name.split("/")[0] for name in result.passed}
    assert names == {
        *("back_to_back", "random_stalls", "blocked_sink", "slow_source", "lone_samples", "extremes"),
        *("input_last_is_not_framing", "reset_in", "random_resets"),
    }
    assert (np.diff(result.cycles) > 0).all() and result.cycles[-1] <= result.simulated_cycles
    assert re.fullmatch(r"\d+(\.\d+)+", result.version)


#: Fault of the stand-in -> a test that must fail, and what its message must say.
FAULTS = {
    "wrong_word": ("back_to_back", "sample 0, output 2: received"),
    "accumulate": ("back_to_back", "sample [12], output"),
    "loses_sign": ("back_to_back", r"expected -\d+"),
    "full_scale": ("extremes", "received"),
    "after_idle": ("slow_source", "received"),
    "last_missing": ("back_to_back", "TLAST is 0; expected 1"),
    "last_early": ("back_to_back", "output 0: TLAST is 1; expected 0"),
    "last_always": ("back_to_back", "TLAST is 1; expected 0"),
    "extra_beat": ("back_to_back", "TDATA is X|TLAST|received|no sample asked for"),
    "hangs": ("back_to_back", "stayed low for|no beat"),
    "data_changes": ("blocked_sink", "changed under stall"),
    "last_changes": ("random_stalls/source_stall=0.0/sink_stall=0.6", "changed under stall"),
    "valid_drops": ("blocked_sink", "TVALID fell"),
    "waits_for_ready": ("blocked_sink", "m_axis_TVALID stayed low"),
    "loses_last_beat": ("random_stalls/source_stall=0.75/sink_stall=0.75", "TLAST|received|stayed low"),
    "ignores_tready": ("blocked_sink", "TVALID fell|changed under stall"),
    "ignores_tvalid": ("random_stalls/source_stall=0.6/sink_stall=0.0", "received"),
    "drops_beat": ("random_stalls/source_stall=0.6/sink_stall=0.0", "received"),
    "counts_tlast": ("input_last_is_not_framing", "stayed low|no beat"),
    "keeps_beat_count": ("reset_in/moment=input", "received|TLAST"),
    "keeps_solving": ("reset_in/moment=start", "received|TLAST|TVALID"),
    "keeps_output": ("reset_in/moment=stalled", "TVALID is high in reset"),
    "valid_in_reset": ("back_to_back", "TVALID is high in reset"),
}


def _expect(result: BenchResult, test: str, message: str) -> None:
    assert not result.ok
    found = [failure for failure in result.failures if failure.test.startswith(test)]
    assert found, f"{test} did not fail; {[failure.test for failure in result.failures]} did"
    assert re.search(message, found[0].message), found[0].message


@pytest.mark.parametrize("fault", one_in(2, list(FAULTS), str))
def test_every_fault_is_found_on_icarus(bench: Bench, fault: str) -> None:
    _expect(bench.run("icarus", fault, tests=FAULTS[fault][:1]), *FAULTS[fault])


@pytest.mark.parametrize("fault", ["full_scale", "valid_drops", "drops_beat", "keeps_output", "hangs"])
def test_faults_are_found_on_verilator(bench: Bench, fault: str) -> None:
    _expect(bench.run("verilator", fault, tests=FAULTS[fault][:1]), *FAULTS[fault])


def test_unknown_ready_is_an_error(bench: Bench) -> None:
    result = bench.run("icarus", "ready_unknown", tests=["back_to_back"])
    _expect(result, "back_to_back", "s_axis_TREADY is X; expected only 0 and 1")


def test_outputs_before_a_hang_are_kept(bench: Bench) -> None:
    result = bench.run("icarus", "hangs", tests=["back_to_back"])
    assert result.passed == () and len(result.failures) == 1
    np.testing.assert_array_equal(result.outputs, EXPECTED[:2])
    assert "6 of 24 output beats" in result.failures[0].message


def test_wrong_cycles_are_an_error_for_our_rtl_only(tmp_path: Path, bench: Bench) -> None:
    """The stand-in in place of our RTL: right words, other cycles."""
    (tmp_path / "rtl" / "mem").mkdir(parents=True)
    PROGRAM.save(tmp_path)
    (tmp_path / "rtl" / "schedule.json").write_bytes((bench.build / "rtl" / "schedule.json").read_bytes())
    source = bench.design.sources[0].read_text().replace('"program.mem"', '{`MONDEQ_MEM_DIR, "/program.mem"}')
    (tmp_path / "rtl" / "mondeq_top.sv").write_text(source)
    (tmp_path / "rtl" / "mem" / "program.mem").write_bytes(bench.design.sources[1].read_bytes())
    (tmp_path / "rtl" / "sources.f").write_text("mondeq_top.sv\n")
    result = run_bench(
        tmp_path, tmp_path / "work", words=WORDS, design="rtl", simulator="icarus", defines=bench.design.defines
    )
    failed = {failure.test.split("/")[0] for failure in result.failures}
    assert failed == {"back_to_back", "lone_samples", "reset_in", "random_resets"}
    assert re.search(r"sample 0: finished in cycle \d+, predicted \d+", result.failures[0].message)
    np.testing.assert_array_equal(result.outputs, EXPECTED)


def test_other_port_widths_are_an_error(bench: Bench) -> None:
    wide = tuple(define.replace("OUT_BITS=16", "OUT_BITS=24") for define in bench.design.defines)
    assert wide != bench.design.defines
    result = bench.run("icarus", defines=wide, tests=["back_to_back"])
    assert "TDATA" in result.failures[0].message and "24" in result.failures[0].message


WRAPPER = """
module vendor_top (
  input  logic ap_clk, ap_rst_n, s_axis_TVALID, s_axis_TLAST, m_axis_TREADY,
  output logic s_axis_TREADY, m_axis_TVALID, m_axis_TLAST,
  input  logic [`IN_BITS-1:0] s_axis_TDATA,
  input  logic [`IN_BITS/8-1:0] s_axis_TKEEP, s_axis_TSTRB,
  output logic [`OUT_BITS-1:0] m_axis_TDATA,
  output logic [`OUT_BITS/8-1:0] m_axis_TKEEP
);
  assign m_axis_TKEEP = {`OUT_BITS/8{KEEP}};
  mondeq_top dut (
    .ap_clk, .ap_rst_n, .s_axis_TREADY, .s_axis_TLAST, .m_axis_TVALID, .m_axis_TREADY, .m_axis_TDATA, .m_axis_TLAST,
    .s_axis_TVALID(s_axis_TVALID), .s_axis_TDATA(s_axis_TDATA & {IN_MASK})
  );
endmodule
"""


@pytest.mark.parametrize(("keep", "message"), [("1'b1", None), ("1'b0", "m_axis_TKEEP is 00; expected all ones")])
def test_vendor_top_with_byte_qualifiers(bench: Bench, tmp_path: Path, keep: str, message: str | None) -> None:
    """Bytes without TKEEP and TSTRB would be lost in this wrapper."""
    mask = "{8{s_axis_TKEEP[1] & s_axis_TSTRB[1]}}, {8{s_axis_TKEEP[0] & s_axis_TSTRB[0]}}"
    source = tmp_path / "vendor_top.sv"
    source.write_text(WRAPPER.replace("KEEP}", keep + "}").replace("IN_MASK", mask))
    sources = [*bench.design.sources, source]
    result = bench.run("icarus", vendor_sources=sources, top="vendor_top", tests=["back_to_back"])
    if message is None:
        assert result.ok
    else:
        assert [message in failure.message for failure in result.failures] == [True]


def test_stalls_depend_on_the_seed_alone(bench: Bench) -> None:
    def log(seed: int) -> list[str]:
        lines = bench.run("icarus", seed=seed, tests=["random_stalls"]).log.read_text().splitlines()
        return [line for line in lines if "passed" in line and "random_stalls" in line]

    assert log(1) == log(1) != log(2)


def test_waves_hold_the_ports(bench: Bench) -> None:
    result = bench.run("icarus", tests=["back_to_back"], waves=True)
    assert "m_axis_TVALID" in (result.log.parent / "waves.vcd").read_text()


# -- errors ----------------------------------------------------------------------


def test_a_design_that_does_not_compile_names_its_log(bench: Bench, tmp_path: Path) -> None:
    broken = tmp_path / "mondeq_top.sv"
    broken.write_text("module mondeq_top (input logic ap_clk;\nendmodule\n")
    with pytest.raises(SimulationError, match=r"build\.log.*") as error:
        bench.run("icarus", vendor_sources=[broken])
    assert "syntax error" in str(error.value)


def test_a_simulation_that_never_ends_is_ended(bench: Bench, tmp_path: Path) -> None:
    source = bench.design.sources[0].read_text()
    stuck = tmp_path / "mondeq_top.sv"
    stuck.write_text(
        source.replace("beat <= last_beat", "if (samples == 1) while (1) acc = acc + 1;\n      beat <= last_beat")
    )
    with pytest.raises(SimulationError, match="ran longer than 6 s"):
        bench.run("icarus", vendor_sources=[stuck, bench.design.sources[1]], time_limit=6.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulator": "modelsim"}, "expected one of verilator, icarus"),
        ({"design": "vhdl"}, "expected one of rtl, hls, netlist, vendor"),
        ({"vendor_sources": []}, "no Verilog file"),
        ({"vendor_sources": [Path("absent.v")]}, "absent.v: no such file"),
        ({"design": "hls"}, "lacks; use verilator"),
        ({"design": "hls", "simulator": "verilator"}, "mondeq_dpi_top.sv: no such file"),
        ({"words": np.zeros((0, 7), dtype=np.int64)}, "at least one sample of 7 words"),
        ({"words": np.zeros(7, dtype=np.int64)}, "at least one sample of 7 words"),
    ],
)
def test_bad_arguments(bench: Bench, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        bench.run(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("simulator", "tool"), [("icarus", "iverilog"), ("verilator", "perl")])
def test_a_missing_tool_is_named_with_its_remedy(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: str, tool: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=rf"{tool} is not on PATH.*apt install {tool}"):
        bench.run(simulator)


# -- command line ----------------------------------------------------------------


def _command(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", **({} if path is None else {"PATH": path})}
    return subprocess.run(
        [sys.executable, "-m", "mondeq_hw.rtl_tests", *arguments], capture_output=True, text=True, env=environment
    )


def _vendor(bench: Bench) -> list[str]:
    sources = [text for path in bench.design.sources for text in ("--sources", str(path))]
    defines = [text for define in bench.design.defines for text in ("--define", define)]
    return [
        str(bench.build),
        "--design",
        "vendor",
        "--simulator",
        "icarus",
        "--work",
        str(bench.work),
        *sources,
        *defines,
    ]


def test_command_line_passes_and_fails(bench: Bench) -> None:
    right = _command(*_vendor(bench), "--samples", "3", "--test", "back_to_back")
    assert right.returncode == 0, right.stderr
    assert "back_to_back" in right.stdout and "passed" in right.stdout
    wrong = _command(*_vendor(bench), "--samples", "3", "--test", "back_to_back", "--plusarg", "+fault=wrong_word")
    assert wrong.returncode == 4
    assert "received" in wrong.stdout and "simulation.log" in wrong.stdout


def test_command_line_exit_codes(bench: Bench, tmp_path: Path) -> None:
    bad = _command(str(tmp_path))
    assert bad.returncode == 2 and "mondeq-hw compile" in bad.stderr and "Traceback" not in bad.stderr
    missing = _command(*_vendor(bench), path=str(tmp_path))
    assert missing.returncode == 5 and "apt install iverilog" in missing.stderr
