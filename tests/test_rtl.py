"""Emitted SystemVerilog: bit-exact, cycle-exact, lint-clean, reproducible, and independent of where it lies."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from corner_programs import CARRIED, CORNERS, DIRECT, WARM, Corner
from lint import lint
from long_set import one_in
from random_models import random_program, random_words, with_random_clip

from mondeq_hw.hardware import Design, rtl
from mondeq_hw.hardware.cycles import completion_cycles, mac_bounds, pipeline_depth
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.hardware.graph_search import FEW_STAGES, GraphSearch
from mondeq_hw.hardware.schedule import Schedule
from mondeq_hw.hardware.unroll import unrolled
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rounding.quantize import GRANULARITIES
from mondeq_hw.rtl_tests.runner import run_bench

pytestmark = pytest.mark.slow

SAMPLES = 10


def drawn(seed: int) -> Corner:
    """A random program of any size and word length, with a random reuse factor."""
    rng = random.Random(seed)
    n = rng.randint(1, 12)
    program = random_program(
        seed,
        n=n,
        d=rng.randint(1, 12),
        k=rng.randint(1, 6),
        bits=1 + seed % 16,
        solver=(PEACEMAN_RACHFORD, FORWARD_BACKWARD)[seed // 2 % 2],
        granularity=GRANULARITIES[seed // 4 % 2],
        state_bits=rng.randint(2, 14),
        state_integer_bits=rng.randint(-1, 4),
        drive_bits=rng.randint(1, 16),
        readout_bits=rng.randint(1, 16),
        input_bits=rng.randint(1, 16),
        iterations=rng.choice([1, 2, 5, 12]),
    )
    program = with_random_clip(seed, program)
    # Fully serial is the serial corner's business: a large one takes the simulator a minute.
    return Corner(program, schedule(program, rng.randint(1, min(n * n, 3 * n))))


def assert_exact(corner: Corner, folder: Path, simulator: str) -> None:
    words = random_words(3, corner.program, SAMPLES)
    result = run_bench(corner.build(folder / "build"), folder / "work", words=words, seed=2, simulator=simulator)
    assert result.ok, result.failures
    golden = GoldenModel(corner.program)
    assert (result.outputs == golden.predict_raw(words)).all()
    assert (result.cycles == completion_cycles(corner.schedule, golden.iterations(words))).all()


@pytest.mark.parametrize("name", one_in(6, list(CORNERS), str))
def test_corner_is_exact_on_verilator(name: str, tmp_path: Path) -> None:
    assert_exact(CORNERS[name](), tmp_path, "verilator")


ON_ICARUS = (
    *("one_bit", "leak_saturating", "wide", "ring_leak", "ring_wide"),
    *("box_one_bit", "mixed_leak", "mixed_serial", "ring_mixed_leak"),
)


@pytest.mark.parametrize("name", one_in(3, ON_ICARUS, str))
def test_corner_is_exact_on_icarus(name: str, tmp_path: Path) -> None:
    assert_exact(CORNERS[name](), tmp_path, "icarus")


@pytest.mark.parametrize("name", one_in(3, [*DIRECT, *CARRIED, *WARM], str))
def test_feedthrough_carried_state_and_warm_start_are_exact(name: str, tmp_path: Path) -> None:
    assert_exact({**DIRECT, **CARRIED, **WARM}[name](), tmp_path, "icarus")


@pytest.mark.parametrize("seed", one_in(3, range(13), str))  # longer words are test_rtl_property's too
def test_random_program_is_exact(seed: int, tmp_path: Path) -> None:
    assert_exact(drawn(seed), tmp_path, "icarus")


@pytest.mark.parametrize("graphs", [(), ("drive",), ("readout",), ("drive", "readout")], ids=",".join)
@pytest.mark.parametrize("seed", one_in(4, range(4), str))
def test_random_unrolled_program_is_exact(seed: int, graphs: tuple[str, ...], tmp_path: Path) -> None:
    seed = 4 * seed + len(graphs) + ("readout" in graphs)
    rng = random.Random(1000 + seed)
    n = rng.randint(1, 10)
    program = random_program(
        seed,
        n=n,
        d=rng.randint(1, 12),
        k=rng.randint(1, 6),
        bits=1 + seed % 8,
        solver=(PEACEMAN_RACHFORD, FORWARD_BACKWARD)[seed // 2 % 2],
        granularity=GRANULARITIES[seed // 4 % 2],
        state_bits=rng.randint(2, 14),
        state_integer_bits=rng.randint(-1, 4),
        drive_bits=rng.randint(1, 16),
        readout_bits=rng.randint(1, 16),
        input_bits=rng.randint(1, 16),
        iterations=rng.choice([1, 2, 5, 12]),
    )
    program = with_random_clip(seed, program)
    design, _ = unrolled(program, graphs, rng.choice([None, 1, rng.randint(1, n * n)]))
    assert_exact(Corner(program, design.schedule), tmp_path, "icarus")


@pytest.mark.parametrize(("beat", "bits"), [(1, 16), (2, 1), (3, 11), (4, 3), (5, 7), (6, 2), (7, 13)])
def test_beats_of_every_width(beat: int, bits: int, tmp_path: Path) -> None:
    """Packed or by bytes, a beat in every cycle, under all stalls; every other width as a graph or as tables."""
    program = random_program(beat, n=4, d=7, k=5, bits=3, drive_bits=bits, input_bits=bits, iterations=1)
    graphs, drive = {2: ((), "tables"), 4: (("drive",), "auto"), 6: ((), "tables")}.get(beat, ((), "multiply"))
    folded = beat % 2 == 1
    if folded:
        plan = schedule(program, 1, beat)
    else:
        plan = unrolled(program, graphs, 1, beat, drive, GraphSearch(fewest=FEW_STAGES))[0].schedule
    # Of the five outputs: 2, 3, 4, 5, 1, 2 and 3 a beat.
    plan = replace(plan, byte_words=beat in (3, 5, 6), output_beat=1 + beat % 5, output_bytes=beat % 2 == 1)
    assert plan.output_beats == (3, 2, 2, 1, 5, 3, 2)[beat - 1]
    assert plan.words_per_beat == beat and plan.drive.pe == program.n
    assert plan.input_tdata_bits(program) == {3: 48, 5: 40, 6: 48}.get(beat, -(-beat * bits // 8) * 8)
    assert plan.drive.table_words == {2: 2, 6: 4}.get(beat, 0)
    assert_exact(Corner(program, plan), tmp_path, "icarus")


@pytest.mark.parametrize("reuse_factor", one_in(2, [57, 400], str))
def test_simulated_cycles_are_near_the_limit(reuse_factor: int, tmp_path: Path) -> None:
    """Two foldings; test_schedule.py asks the cycle model, which is exact, about all."""
    program = random_program(4, n=76, d=24, k=4, bits=3, iterations=8)
    plan = schedule(program, reuse_factor)
    build, words = Corner(program, plan).build(tmp_path / "build"), random_words(3, program, 36)
    assert (GoldenModel(program).iterations(words) == 8).all()
    bounds = mac_bounds(plan, 8)
    stream = run_bench(build, tmp_path / "work", words=words, tests=["back_to_back"])
    interval = (stream.cycles[24:36].mean() - stream.cycles[12:24].mean()) / 12
    assert stream.ok and interval <= 1.05 * max(bounds)
    lone = run_bench(build, tmp_path / "work", words=words[1:2], tests=["back_to_back"])
    assert lone.ok and lone.cycles[0] + 1 <= 1.10 * sum(bounds) + pipeline_depth(plan, 8)


# -- trace -----------------------------------------------------------------------


@pytest.mark.parametrize("name", one_in(2, ["ring_leak", "leak_saturating", "warm_padded", "mixed"], str))
def test_trace_holds_every_state_of_the_golden_model(name: str, tmp_path: Path) -> None:
    corner = {**CORNERS, **WARM}[name]()
    words = random_words(3, corner.program, 6)
    path = tmp_path / "trace.txt"
    run_bench(
        corner.build(tmp_path / "build"), tmp_path / "work", words=words, simulator="icarus", tests=["back_to_back"],
        defines=["MONDEQ_TRACE"], plusargs=[f"+mondeq_trace={path}"],
    )  # fmt: skip
    lines = {tuple(map(int, line.split()[:3])): int(line.split()[3]) for line in path.read_text().splitlines()}
    trace = GoldenModel(corner.program).trace(words)
    expected = {
        (sample, update, row): int(trace.states[update, sample, row])
        for sample in range(len(words))
        for update in range(trace.begun[sample], trace.iterations[sample] + 1)
        for row in range(corner.program.n)
    }
    assert lines == expected


# -- lint ------------------------------------------------------------------------


@pytest.mark.parametrize("name", one_in(2, [*CORNERS, *DIRECT, *CARRIED, *WARM], str))
def test_lint_is_clean(name: str, tmp_path: Path) -> None:
    build = {**CORNERS, **DIRECT, **CARRIED, **WARM}[name]().build(tmp_path)
    for defines in ((), ("-DMONDEQ_TRACE", "-DMONDEQ_ASSERT")):
        assert lint(build / "rtl", "mondeq_top", (*defines, "-f", "sources.f")) == ""


# -- emission --------------------------------------------------------------------


def emitted(program: SolverProgram, plan: Schedule, folder: Path) -> dict[str, bytes]:
    rtl.emit(Design.searched(program, plan), folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("graphs", [None, (), ("drive",), ("readout",), ("drive", "readout")])
def test_emission_is_reproducible_and_complete(graphs: tuple[str, ...] | None, tmp_path: Path) -> None:
    program = random_program(3)
    plan = schedule(program) if graphs is None else unrolled(program, graphs)[0].schedule
    first = emitted(program, plan, tmp_path / "a")
    assert first == emitted(program, plan, tmp_path / "b")
    listed = first["rtl/sources.f"].decode().split()
    assert {f"rtl/{name}" for name in listed} == {name for name in first if name.startswith("rtl/src/")}
    unrolled_engines = () if graphs is None else ("solve", *graphs)
    for engine, graph, memory in (
        ("solve", "mondeq_solve_graph", "matrix"),
        ("drive", "mondeq_drive_graph", "drive"),
        ("readout", "mondeq_readout_graph", "readout"),
    ):
        is_graph = engine in unrolled_engines
        form = ROOT / "hls_templates" / "rtl" / ("unrolled" if is_graph else "folded")
        assert first[f"rtl/src/mondeq_{engine}.sv"] == (form / f"mondeq_{engine}.sv").read_bytes()
        assert (f"rtl/src/{graph}.sv" in first) == (f"rtl/mem/{memory}.mem" not in first) == is_graph
    assert Schedule.from_plain(json.loads(first["rtl/schedule.json"])) == plan


def test_flags_stand_around_the_same_core(tmp_path: Path) -> None:
    """Nothing of a core changes but the name of its top and what the package says beside."""
    program, templates = random_program(3), ROOT / "hls_templates" / "rtl"
    plain = emitted(program, schedule(program), tmp_path / "a")
    flagged = emitted(program, replace(schedule(program), flags_ends=True), tmp_path / "b")
    top = plain.pop("rtl/src/mondeq_top.sv")
    assert top == (templates / "mondeq_top.sv").read_bytes()
    assert flagged.pop("rtl/src/mondeq_core.sv") == top.replace(b"module mondeq_top (", b"module mondeq_core (")
    assert flagged.pop("rtl/src/mondeq_top.sv") == (templates / "flagged" / "mondeq_top.sv").read_bytes()
    assert flagged.pop("rtl/src/mondeq_end_flag.sv") == (templates / "mondeq_end_flag.sv").read_bytes()
    package, without = flagged.pop("rtl/src/mondeq_pkg.sv"), plain.pop("rtl/src/mondeq_pkg.sv").splitlines()
    assert [line.split()[2] for line in package.splitlines() if line not in without] == [b"SamplesInFlight"]
    assert flagged.keys() == plain.keys()
    assert {name for name in plain if plain[name] != flagged[name]} == {"rtl/schedule.json", "rtl/sources.f"}


def test_header_names_the_program_and_its_certificate(tmp_path: Path) -> None:
    program = random_program(3)
    plan = schedule(program)
    without = emitted(program, plan, tmp_path / "a")["rtl/src/mondeq_pkg.sv"].decode()
    certified = program.replace(certified=True)
    with_proof = emitted(certified, plan, tmp_path / "b")["rtl/src/mondeq_pkg.sv"].decode()
    assert program.digest in without and "UNCERTIFIED" in without
    assert certified.digest in with_proof and "UNCERTIFIED" not in with_proof


def read_memory(path: Path, lanes: int, bits: int) -> np.ndarray:
    """Signed lanes of every word, undone independently of how the emitter packs them."""
    words = [int(line, 16) for line in path.read_text().split()]
    fields = [[word >> (lane * bits) & (2**bits - 1) for lane in range(lanes)] for word in words]
    return np.array([[field - (field >> (bits - 1) << bits) for field in row] for row in fields])


@pytest.mark.parametrize("name", ["saturating", "leak_saturating", "ternary_leak"])
def test_weight_files_hold_the_matrix(name: str, tmp_path: Path) -> None:
    corner = CORNERS[name]()
    build = corner.build(tmp_path)
    fold, program = corner.schedule.solve, corner.program
    lanes = read_memory(build / "rtl" / "mem" / "matrix.mem", fold.pe * fold.simd, program.matrix.word_length)
    assert len(lanes) == fold.cycles_per_matvec
    for row in range(program.n):
        for column in range(program.n):
            group = row // fold.pe * fold.column_groups + column // fold.simd
            lane = row % fold.pe * fold.simd + column % fold.simd
            assert lanes[group, lane] == program.matrix.integers[row, column]


def test_default_memory_folder_is_beside_the_sources_list(tmp_path: Path) -> None:
    """Without MONDEQ_MEM_DIR a tool that runs in the folder of sources.f finds the weights, wherever that is."""
    corner = CORNERS["single"]()
    moved = corner.build(tmp_path / "first").rename(tmp_path / "moved")
    (tmp_path / "probe.sv").write_text(
        "module probe; mondeq_top dut (.ap_clk(1'b0), .ap_rst_n(1'b0), .s_axis_TDATA('0), .s_axis_TVALID(1'b0),\n"
        "  .s_axis_TREADY(), .s_axis_TLAST(1'b0), .m_axis_TDATA(), .m_axis_TVALID(), .m_axis_TREADY(1'b0),\n"
        "  .m_axis_TLAST());\n"
        '  initial #1 $display("weight %0d", $signed(dut.u_solve.u_matvec.u_weights.g_one.u_rom.memory[0]));\n'
        "endmodule\n"
    )
    command = ["iverilog", "-g2012", "-s", "probe", "-o", str(tmp_path / "probe"), "-f", "sources.f"]
    subprocess.run([*command, str(tmp_path / "probe.sv")], cwd=moved / "rtl", check=True)
    output = subprocess.run(["vvp", str(tmp_path / "probe")], cwd=moved / "rtl", capture_output=True, text=True).stdout
    assert output.split() == ["weight", str(int(corner.program.matrix.integers[0, 0]))]
